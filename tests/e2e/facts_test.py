"""remit facts sync: the server's facts are made those of a file, a URL or a Git repository, whole or not at all."""

import hashlib
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import threading

import harness


def service(name, **attrs):
    return {"uid": {"type": "Service", "id": name}, "attrs": {"tier": 1, **attrs}, "parents": []}


class Source:
    """An HTTP(S) server whose one answer a test chooses: status, headers, body, and how many bytes of it are really sent."""

    def __init__(self, tls=None):
        source = self
        self.status, self.headers, self.body, self.sent, self.asked = 200, {}, b"[]", None, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                source.asked.append(self.path)
                self.send_response(source.status)
                self.send_header("Content-Length", str(len(source.body)))
                for name, value in source.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(source.body[:source.sent])
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.base = f"{'https' if tls else 'http'}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Facts(harness.Case):
    def setUp(self):
        self.remit = self.server()
        self.dir = pathlib.Path(harness.temp_dir())
        schema = self.dir / "catalog"
        schema.mkdir()
        (schema / "t.cedarschema").write_text('entity Service = { tier: Long };\n@actor entity Job;\n@task("t") entity T = { actor: Job, service: Service };\n'
                                              'action "x" appliesTo { principal: [T], resource: [Service] };\n')
        (schema / "t.cedar").write_text('permit (principal == Job::"sync", action in [Remit::Action::"facts.put", Remit::Action::"view"], resource);\n'
                                       'permit (principal == Job::"reader", action == Remit::Action::"view", resource);\n'
                                       'permit (principal is T, action == Action::"x", resource) when { resource == principal.service };\n')
        self.remit.cli("catalog", "load", schema, "--allow-lock-out")
        self.file = self.dir / "facts.json"

    def write(self, *entities, path=None):
        (path or self.file).write_text(json.dumps(entities))

    def names(self):
        return sorted(e["uid"]["id"] for e in self.remit.cli("facts", "show").json)

    def changes(self):
        bodies = [json.loads(json.loads(line)["body"]) for line in self.remit.cli("ledger", "export", "--count", "1000").lines]
        return [body for body in bodies if body["type"] == "facts.changed"]

    def sync(self, source, *flags, code=0, env=None):
        done = self.remit.cli("facts", "sync", str(source), *flags, check=False, env=env)
        self.assertEqual(done.returncode, code, str(done))
        return done

    def untouched(self, source, code, *flags):
        before, changes = self.names(), len(self.changes())
        done = self.sync(source, "--yes", *flags, code=code)
        self.assertEqual((self.names(), len(self.changes())), (before, changes), str(done))
        return done

    def git(self, *args, cwd=None):
        env = {"PATH": os.environ["PATH"], "HOME": str(self.dir), "GIT_CONFIG_NOSYSTEM": "1"}
        for who in ("AUTHOR", "COMMITTER"):
            env |= {f"GIT_{who}_NAME": "t", f"GIT_{who}_EMAIL": "t@example"}
        return subprocess.run(["git", *args], cwd=cwd or self.repo, env=env, check=True, capture_output=True, text=True).stdout.strip()

    def repository(self):
        self.repo = self.dir / "repo"
        (self.repo / "facts").mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.commit("one", service("a"), service("b"))

    def commit(self, message, *entities):
        self.write(*entities, path=self.repo / "facts" / "services.json")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def test_a_file(self):
        self.write(service("a"), service("b"))
        self.assertIn('+ Service::"a"', self.sync(self.file, "--dry-run").stdout)
        self.assertEqual(self.names(), [])
        self.sync(self.file)
        self.assertEqual(self.names(), ["a", "b"])
        self.assertEqual(self.changes()[-1]["source"], {"from": str(self.file.resolve()), "hash": hashlib.sha256(self.file.read_bytes()).hexdigest()})

        with self.subTest("a dry run is refused as the change would be"):
            for entities in ([service("a", tear=1)], [{"uid": {"type": "Servic", "id": "a"}, "attrs": {"tier": 1}, "parents": []}]):
                self.write(*entities)
                refused = self.sync(self.file, "--yes", code=2)
                self.assertIn("hint: `remit catalog schema`", refused.stderr)
                self.assertEqual(self.sync(self.file, "--dry-run", code=2).stderr, refused.stderr)
            reader = {**self.remit.operator_env, **self.remit.actor('Job::"reader"').env}
            self.write(service("a"), service("b"), service("c"))
            self.sync(self.file, "--dry-run", code=3, env=reader)
            self.assertEqual(self.names(), ["a", "b"])
            self.write(service("a"), service("b"))

        with self.subTest("nothing new: nothing happens"):
            changes = len(self.changes())
            self.assertIn("unchanged", self.sync(self.file).stdout)
            self.assertEqual(self.sync(self.file, "--json").json["outcome"], "unchanged")
            self.assertEqual(len(self.changes()), changes)

        with self.subTest("what shrinks is said first, and done where it is meant"):
            self.write(service("a", tier=2), service("c"))
            dry = self.sync(self.file, "--dry-run").stdout
            for line in ('~ Service::"a"', '- Service::"b"', '+ Service::"c"'):
                self.assertIn(line, dry)
            refused = self.sync(self.file, code=5)
            self.assertIn("--yes", refused.stderr)
            self.assertIn('- Service::"b"', refused.stdout)
            self.assertEqual(self.names(), ["a", "b"])
            self.assertEqual(self.sync(self.file, "--yes", "--json").json["removed"], ['Service::"b"'])
            self.assertEqual(self.names(), ["a", "c"])

        with self.subTest("what is broken, empty or gone changes nothing"):
            whole = self.file.read_text()
            for text, code in ((whole[:-1], 2), ("", 2), ("[]", 5), ("{}", 2), (json.dumps([{"attrs": {}}]), 2), (whole.replace("tier", "tear"), 2)):
                self.file.write_text(text)
                self.untouched(self.file, code)
            self.file.unlink()
            self.untouched(self.file, 4)

    def test_a_folder(self):
        folder = self.dir / "facts"
        folder.mkdir()
        self.untouched(folder, 5)
        self.write(service("a"), path=folder / "1.json")
        self.write(service("a"), service("b"), path=folder / "2.json")
        (folder / "README.md").write_text("no facts")
        self.sync(folder)
        self.assertEqual(self.names(), ["a", "b"])
        sums = subprocess.run("sha256sum *.json | sha256sum", shell=True, cwd=folder, capture_output=True, text=True).stdout.split()[0]
        self.assertEqual(self.changes()[-1]["source"]["hash"], sums)
        self.write(service("a", tier=7), path=folder / "2.json")
        self.untouched(folder, 2)  # said in two ways

    def test_over_http(self):
        source = Source()
        self.addCleanup(source.close)
        url = source.base + "/facts.json"
        source.body = json.dumps([service("a"), service("b")]).encode()
        self.sync(url + "?key=s3cret")
        self.assertEqual(source.asked, ["/facts.json?key=s3cret"])
        self.assertEqual(self.names(), ["a", "b"])
        self.assertEqual(self.changes()[-1]["source"], {"from": url, "hash": hashlib.sha256(source.body).hexdigest()})
        self.assertNotIn("s3cret", self.remit.cli("ledger", "export", "--count", "1000").stdout)

        with self.subTest("cut short, or something else"):
            source.body = json.dumps([service("a"), service("c")]).encode()
            source.sent = len(source.body) - 1
            self.untouched(url, 6)
            source.sent = None
            for status, code in ((404, 6), (500, 6), (204, 6)):
                source.status = status
                self.untouched(url, code)
            source.status, source.headers = 302, {"Location": source.base + "/elsewhere"}
            asked = len(source.asked)
            self.assertIn("not followed", self.untouched(url, 6).stderr)
            self.assertEqual(len(source.asked), asked + 1)
            source.status, source.headers = 200, {}
            source.body = b"[" + b" " * (8 << 20) + b"]"
            self.assertIn("more than is taken", self.untouched(url, 6).stderr)
        with self.subTest("where it is not"):
            source.close()
            self.untouched(url, 6)
        for bad in ("http://example.com/facts.json", "http://127.0.0.1.example.com/x", "https://user:pw@127.0.0.1/x", "ftp://127.0.0.1/x", "https:///x"):
            with self.subTest(bad):
                self.untouched(bad, 2)

    def test_over_tls(self):
        def openssl(*args):
            subprocess.run(["openssl", *args], check=True, capture_output=True)

        ca, key, certificate = (self.dir / name for name in ("ca.pem", "tls.key", "tls.pem"))
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
        openssl("req", "-x509", *curve, "-keyout", self.dir / "ca.key", "-out", ca, "-subj", "/CN=test ca", "-days", "2")
        openssl("req", "-x509", *curve, "-keyout", key, "-out", certificate, "-subj", "/CN=facts", "-days", "2", "-CA", ca, "-CAkey", self.dir / "ca.key",
                "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        source = Source(tls)
        self.addCleanup(source.close)
        source.body = json.dumps([service("a")]).encode()
        url = source.base + "/facts.json"
        self.assertIn("certificate", self.untouched(url, 6).stderr)
        self.sync(url, "--ca", str(ca))
        self.assertEqual(self.names(), ["a"])
        name = url.replace("127.0.0.1", "localhost")
        self.untouched(name, 6, "--ca", str(ca))

    def test_a_repository(self):
        self.repository()
        first = self.git("rev-parse", "HEAD")
        url = f"git+file://{self.repo}"
        self.sync(f"{url}#main:facts/services.json")
        self.assertEqual(self.names(), ["a", "b"])
        text = (self.repo / "facts" / "services.json").read_bytes()
        self.assertEqual(self.changes()[-1]["source"],
                         {"from": f"{url}#main:facts/services.json", "commit": first, "hash": hashlib.sha256(text).hexdigest()})
        self.assertIn("unchanged", self.sync(f"{url}#main:facts/services.json").stdout)

        with self.subTest("what is not committed is not read"):
            self.write(service("dirty"), path=self.repo / "facts" / "services.json")
            self.assertIn("unchanged", self.sync(f"{url}#:facts").stdout)
        second = self.commit("two", service("a"))
        with self.subTest("a source that shrinks"):
            self.sync(f"{url}#main:facts", code=5)
            done = self.sync(f"{url}#main:facts", "--yes", "--json").json
            self.assertEqual((done["removed"], done["source"]["commit"]), (['Service::"b"'], second))
        with self.subTest("a tag, and a commit by its id"):
            self.git("tag", "-a", "v1", "-m", "v1", first)
            self.assertEqual(self.sync(f"{url}#v1:facts", "--dry-run", "--json").json["added"], ['Service::"b"'])
            self.assertEqual(self.sync(f"{url}#{first}:facts", "--dry-run", "--json").json["source"]["commit"], first)
        with self.subTest("a tag that is called like the branch"):
            self.git("tag", "main", first)
            self.assertIn("both a branch and a tag", self.untouched(f"{url}#main:facts", 5).stderr)
            self.assertIn("unchanged", self.sync(f"{url}#refs/heads/main:facts").stdout)
            self.git("tag", "-d", "main")
        with self.subTest("what is not there"):
            self.assertIn("hint: the path begins at the top", self.untouched(f"{url}#main:nothing", 4).stderr)
            self.assertIn("hint: `git ls-remote`", self.untouched(f"{url}#nobranch:facts", 4).stderr)
            self.assertIn("hint: there is no repository at this path", self.untouched(f"git+file://{self.dir}/nowhere#main:facts", 6).stderr)
        if os.geteuid() == 0:
            with self.subTest("a copy of another user's"):
                os.chown(self.repo / ".git", 65534, 65534)
                refused = self.untouched(f"{url}#main:facts", 6)
                self.assertIn("dubious ownership", refused.stderr)
                self.assertIn("hint: this copy belongs to another user", refused.stderr)
                os.chown(self.repo / ".git", 0, 0)
        with self.subTest("links and submodules are not files"):
            os.symlink("/etc/passwd", self.repo / "facts" / "link.json")
            self.git("add", "-A")
            self.git("update-index", "--add", "--cacheinfo", f"160000,{first},facts/sub.json")
            self.git("commit", "-q", "-m", "odd")
            self.assertIn("unchanged", self.sync(f"{url}#main:facts").stdout)
            self.untouched(f"{url}#main:facts/link.json", 2)
        self.assertEqual([name for name in os.listdir("/tmp") if name.startswith("remit-facts-") and self.owned(name)], [])

    def owned(self, name):
        try:
            return (pathlib.Path("/tmp") / name / "repository").exists()
        except OSError:
            return False

    def test_a_repository_runs_nothing(self):
        self.repository()
        ran = self.dir / "ran"
        script = self.dir / "script"
        script.write_text(f"#!/bin/sh\ntouch {ran}\n")
        script.chmod(0o755)
        for hook in ("post-checkout", "post-merge", "reference-transaction", "pre-auto-gc", "post-rewrite"):
            (self.repo / ".git" / "hooks").mkdir(exist_ok=True)
            os.symlink(script, self.repo / ".git" / "hooks" / hook)
        self.git("config", "uploadpack.packObjectsHook", str(script))
        self.git("config", "core.fsmonitor", str(script))
        self.git("config", "core.sshCommand", str(script))
        home = self.dir / "home"
        home.mkdir()
        (home / ".gitconfig").write_text(f'[core]\n\thooksPath = {self.dir}/hooks\n[uploadpack]\n\tpackObjectsHook = {script}\n'
                                         f'[url "ext::{script} "]\n\tinsteadOf = file://\n')
        (self.dir / "hooks").mkdir()
        os.symlink(script, self.dir / "hooks" / "reference-transaction")
        env = {"HOME": str(home), "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"), "GIT_SSH_COMMAND": str(script), "GIT_EXEC_PATH": "/nowhere",
               "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "uploadpack.packObjectsHook", "GIT_CONFIG_VALUE_0": str(script)}
        self.sync(f"git+file://{self.repo}#main:facts", env={**self.remit.operator_env, **env})
        self.assertEqual(self.names(), ["a", "b"])
        for evil in (f"git+ext::{script}", f"git+ssh://x/{script}", f"git+file://{self.repo}#--upload-pack={script}:facts", f"git+file://--upload-pack={script}",
                     f"git+file://{self.repo}#main:--output=x", f"git+file://{self.repo}#+main:facts", f"git+file://{self.repo}#main:../x",
                     f"git+file://{self.repo}#main^{{/x}}:facts", f"git+file://{self.repo}#:.git/config", f"git+https://u:p@127.0.0.1/x", "git+http://127.0.0.1/x",
                     f"git+{self.repo}"):
            with self.subTest(evil):
                self.untouched(evil, 2)
        self.assertFalse(ran.exists())
        self.assertFalse((self.dir / "x").exists())

    def test_without_git(self):
        self.repository()
        done = self.sync(f"git+file://{self.repo}#main:facts", code=5, env={**self.remit.operator_env, "PATH": str(self.dir)})
        self.assertIn("no program `git`", done.stderr)

    def test_from_a_job(self):
        job = self.remit.actor('Job::"sync"')
        self.write(service("a"))
        done = job.cli("facts", "sync", str(self.file))
        self.assertIn("1 added", done.stdout)
        self.assertEqual(self.changes()[-1]["by"], 'Job::"sync"')
        other = self.remit.actor('Job::"other"')
        self.assertEqual(other.cli("facts", "sync", str(self.file), check=False).returncode, 3)

    def test_others_change_facts_meanwhile(self):
        self.write(service("a"))
        self.sync(self.file)
        old = self.changes()[-1]["facts"]
        self.remit.cli("facts", "put", self.put("b"))
        answer = self.remit.api("POST", "/v1/facts", {"entities": [service("a")], "replace": True, "expected": old}, bearer=harness.OPERATOR)
        self.assertEqual((answer.status, answer.json["type"]), (409, "urn:remit:error:facts-changed"))
        self.assertEqual(self.names(), ["a", "b"])

    def put(self, name):
        path = self.dir / f"{name}.json"
        self.write(service(name), path=path)
        return path


if __name__ == "__main__":
    harness.main()
