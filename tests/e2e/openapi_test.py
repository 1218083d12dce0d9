"""What the server answers is what its OpenAPI document says: schemathesis asks every operation what it allows and what it does not.

It comes from PyPI, pinned with hashes in tests/openapi/requirements.txt, into a virtual environment beside the binary, made once.
"""

import hashlib
import json
import pathlib
import shutil
import socket
import subprocess
import threading
import venv

import harness

PINNED = harness.SOURCE / "tests" / "openapi" / "requirements.txt"

# Operations that hold their connection open: their answers never end. events_test.py and run_test.py read them.
STREAMS = ["/v1/events", "/v1/tasks/{id}/hold"]
# Ends the very session that asks. badinput_test.py and the rest of the suite ask it.
ENDS_THE_SESSION = ["/v1/sign-out", "/revoke"]

# Checks that are not asked, and why:
#   positive_data_acceptance: a schema cannot say that a task type exists or that a start is permitted; what is well-formed may be refused.
#   missing_required_header: the one header that is required is Authorization, and ignored_auth asks for that.
#   ensure_resource_availability, use_after_free: follow links between operations, which the document does not have.
CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance", "response_schema_conformance",
          "negative_data_rejection", "unsupported_method"]

CONFIG = """
base-url = "{url}"
seed = 20261127
request-timeout = 30
workers = 2
[generation]
max-examples = 5
database = "none"
"""


def environment():
    """The folder of a virtual environment with exactly what is pinned."""
    pinned = hashlib.sha256(PINNED.read_bytes()).hexdigest()[:16]
    folder = pathlib.Path(harness.BIN).resolve().parent / f"openapi-venv-{pinned}"
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:", "-r", PINNED],
                       check=True, timeout=600)
        (folder / "whole").touch()
    return folder


class Door:
    """A TCP port that leads to a unix socket: whoever comes in by it is who this process is, the operator."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.path)
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self.copy, args=(source, target), daemon=True).start()

    @staticmethod
    def copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.close()


class OpenApi(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.folder = environment()
        cls.served = harness.RemitServer(catalogs=["deploy", "rotate"])
        cls.addClassCleanup(cls.served.close)
        cls.ci = cls.served.actor('Pipeline::"ci"')
        cls.started = cls.served.start_task(cls.ci, "deploy", {"service": "checkout", "environment": "staging"})

    def ask(self, url, bearer=None, without=(), operator=False, phases="coverage"):
        """Every operation, as whoever `bearer` is. On the unix socket nobody needs a handle, so that the document's `security` does not hold there."""
        folder = pathlib.Path(harness.temp_dir("remit-openapi-"))
        self.addCleanup(shutil.rmtree, folder, True)
        config = CONFIG.format(url=url)
        if bearer:  # from the environment: not in argv
            config += '[headers]\nAuthorization = "Bearer ${REMIT_HANDLE}"\n'
        (folder / "schemathesis.toml").write_text(config)
        document = self.served.api("GET", "/openapi.json").json
        if operator:
            del document["security"]
        (folder / "openapi.json").write_text(json.dumps(document))
        argv = [self.folder / "bin" / "schemathesis", "--config-file", folder / "schemathesis.toml", "run", folder / "openapi.json",
                "--checks", ",".join(CHECKS + (["ignored_auth"] if bearer else [])), "--phases", phases, "--no-color", "--continue-on-failure"]
        for path in [*STREAMS, *without]:
            argv += ["--exclude-path", path]
        env = harness.clean_env({"HOME": str(folder), "REMIT_HANDLE": bearer or ""})
        done = subprocess.run(list(map(str, argv)), cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1500)
        self.assertEqual(done.returncode, 0, done.stdout[:30000])
        self.assertTrue(self.served.running())

    def test_asked_by_nobody(self):
        self.ask(self.served.url)

    def test_asked_by_an_actor(self):
        self.ask(self.served.url, self.ci.session(), without=ENDS_THE_SESSION, phases="coverage,fuzzing")

    def test_asked_by_a_person(self):
        self.ask(self.served.url, self.served.person('Employee::"rita"').session(), without=ENDS_THE_SESSION)

    def test_asked_by_the_operator(self):
        door = Door(self.served.socket)
        self.addCleanup(door.close)
        self.ask(door.url, without=ENDS_THE_SESSION, operator=True, phases="coverage,fuzzing")
        # What was put in force or registered meanwhile is sound: the server comes up with it again.
        self.served.restart(hard=True)
        self.assertTrue(self.served.verify_ledger().json["ok"])


if __name__ == "__main__":
    harness.main()
