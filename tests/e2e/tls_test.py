"""TLS from files: the server speaks it and nothing else on its port, and clients check who answers."""

import os
import ssl
import subprocess

import harness


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True)


class Tls(harness.Case):
    def setUp(self):
        self.remit = self.server(start=False)
        folder = f"{self.remit.dir}/etc"
        self.ca, self.certificate, self.key = f"{folder}/ca.pem", f"{folder}/tls.pem", f"{folder}/tls.key"
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
        openssl("req", "-x509", *curve, "-keyout", f"{folder}/ca.key", "-out", self.ca, "-subj", "/CN=test ca", "-days", "2")
        openssl("req", "-x509", *curve, "-keyout", self.key, "-out", self.certificate, "-subj", "/CN=remit", "-days", "2",
                "-CA", self.ca, "-CAkey", f"{folder}/ca.key", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE")
        os.chmod(self.key, 0o600)
        self.remit.edit('tls_certificate_file = ""', f'tls_certificate_file = "{self.certificate}"')
        self.remit.edit('tls_key_file = ""', f'tls_key_file = "{self.key}"')
        self.remit.tls = ssl.create_default_context(cafile=self.ca)
        self.remit.start()
        self.remit.load("deploy")

    def test_a_pipeline_runs_over_tls(self):
        ci = self.remit.actor('Pipeline::"ci"')
        env = {**ci.env, "REMIT_ADDR": f"https://127.0.0.1:{self.remit.port}", "REMIT_CA_FILE": self.ca}
        run = harness.run("run", "deploy", "service=checkout", "environment=prod", "--", "true", env=env)
        self.assertIn("REMIT_TOKEN is dead", run.stderr)

        with self.subTest("a client that does not know the authority refuses to talk"):
            stranger = harness.run("run", "deploy", "service=checkout", "environment=prod", "--", "true", env={**env, "REMIT_CA_FILE": ""}, check=False)
            self.assertEqual(stranger.returncode, 6, stranger)
            self.assertIn("certificate", stranger.stderr)

        with self.subTest("nothing is said without TLS"):
            plain = harness.run("run", "deploy", "service=checkout", "environment=prod", "--", "true",
                                env={**env, "REMIT_ADDR": f"http://127.0.0.1:{self.remit.port}"}, check=False)
            self.assertEqual(plain.returncode, 6, plain)

    def test_old_versions_are_refused(self):
        context = ssl.create_default_context(cafile=self.ca)
        with harness.Http(self.remit.port, tls=context) as client:
            self.assertEqual(client.call("GET", "/healthz").status, 200)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with self.assertRaises((ssl.SSLError, OSError)), harness.Http(self.remit.port, tls=context) as client:
            client.call("GET", "/healthz")


if __name__ == "__main__":
    harness.main()
