"""Bad input and bad days: each gives one clear error, with a hint, an exit code and a problem document; it changes nothing and loses nothing."""

import os
import pathlib
import resource
import shutil
import signal
import sqlite3
import subprocess

import harness
from harness import OPERATOR, eventually

USAGE, DENIED, NOT_FOUND, STATE, UNAVAILABLE = 2, 3, 4, 5, 6  # docs/reference/errors.md
PROD = ["service=checkout", "environment=prod"]


class Bad(harness.Case):
    def one_error(self, stderr, *words, hint=True):
        """One error of one line, in lower case, and a hint that says what to do."""
        lines = stderr.strip().splitlines()
        errors = [line for line in lines if line.startswith("remit: ")]
        hints = [line for line in lines if line.startswith("hint: ")]
        self.assertEqual((len(errors), len(errors) + len(hints)), (1, len(lines)), stderr)
        self.assertEqual(len(hints), 1 if hint else 0, stderr)
        for word in words:
            self.assertIn(word, stderr)

    def refused(self, done, code, *words, hint=True):
        self.assertEqual((done.returncode, done.stdout), (code, ""), str(done))
        self.one_error(done.stderr, *words, hint=hint)


class Asked(Bad):
    """Of a server that runs."""

    def setUp(self):
        self.remit = self.server(catalogs=["deploy"])
        self.ci = self.remit.actor('Pipeline::"ci"')
        self.ci.session()
        self.before = self.state()

    def state(self):
        """Everything that bad input must not change."""
        api = lambda path: self.remit.api("GET", path, bearer=OPERATOR).json
        return {"live": api("/v1/tasks"), "ended": api("/v1/tasks?state=ended"), "catalog": api("/v1/catalog")["hash"],
                "facts": api("/v1/facts")["hash"],
                "actors": api("/v1/actors"), "people": api("/v1/people")}

    def tearDown(self):
        self.assertEqual(self.state(), self.before)
        self.assertTrue(self.remit.verify_ledger().json["ok"])

    def problem(self, answer, status, reason, *words):
        self.assertEqual((answer.status, answer.headers["content-type"].split(";")[0]), (status, "application/problem+json"), str(answer))
        document = answer.json
        self.assertEqual((document["type"], document["status"]), (f"urn:remit:error:{reason}", status), str(answer))
        self.assertTrue(document["title"] and document["detail"], str(answer))
        for word in words:
            self.assertIn(word, answer.body)

    def test_a_task_that_is_asked_for_wrongly(self):
        start = lambda *args: self.ci.cli("start", *args, check=False)
        self.refused(start("deploj", *PROD), NOT_FOUND, "no task type `deploj`", "did you mean `deploy`?")
        self.refused(start("deploy", "service=checkout", "enviroment=prod"), USAGE, "no parameter `enviroment`", "did you mean `environment`?")
        self.refused(start("deploy", "service=checkout"), USAGE, "needs the parameter `environment`")
        self.refused(self.ci.cli("explain", "deploj", check=False), NOT_FOUND, "no task type `deploj`", "did you mean `deploy`?")
        self.refused(self.ci.cli("explain", "deploy", "service=nothing", check=False), USAGE, 'Application::"nothing"')
        self.refused(start("deploy", "service=nothing", "environment=prod"), USAGE, "`service`", 'Application::"nothing"', "remit facts put")
        self.refused(start("deploy", 'service={"type":"Environment","id":"prod"}', "environment=prod"), USAGE, "`service`", "Application")
        self.refused(start("deploy", "service", "environment=prod"), USAGE, "`service` is not name=value")
        self.refused(start("deploy", *PROD, "service=billing"), USAGE, "`service` is given twice", hint=False)
        self.refused(start("deploy", *PROD, "--ttl", "3h"), USAGE, "at most 2h", "3h was asked for")
        self.refused(start("deploy", *PROD, "--ttl", "soon"), USAGE, "`soon` is not a duration", "90s")
        self.refused(start("deploy", *PROD, "--ttl", "-5m"), USAGE)
        self.refused(start("deploy", *PROD, "--nope"), USAGE, "--nope", "remit start --help")
        self.refused(start(), USAGE, "type", "remit start --help")
        # `remit run` says the same, and runs nothing.
        ran = f"{self.remit.dir}/ran"
        self.refused(self.ci.cli("run", "deploy", "service=checkout", "enviroment=prod", "--", "touch", ran, check=False), USAGE, "`enviroment`")
        self.refused(self.ci.cli("run", "deploy", *PROD, check=False), USAGE, "behind `--`")
        self.assertFalse(os.path.exists(ran))

    def test_what_the_api_is_sent_wrongly(self):
        good = {"service": "checkout", "environment": "prod"}
        post = lambda body: self.ci.api("POST", "/v1/tasks", body)
        text = lambda **fields: post({"type": "deploy", "parameters": good, "from_text": True, **fields})
        self.problem(text(type="deploj"), 404, "unknown-type", "deploy")
        self.problem(text(tlt="5m"), 400, "unknown-field", "tlt", "did you mean `ttl`")
        self.problem(post({"parameters": good}), 400, "missing-field", "type")
        self.problem(text(type=7), 400, "bad-field", "`type` must be a string")
        self.problem(text(parameters={"service": "checkout"}), 400, "missing-parameter", "environment")
        self.problem(text(parameters={**good, "enviroment": "prod"}), 400, "unknown-parameter", "enviroment", "environment")
        self.problem(text(parameters={"service": 7, "environment": "prod"}), 400, "ill-typed-parameter", "service")
        self.problem(text(parameters={"service": "x", "environment": "prod"}), 400, "unknown-entity", "service")
        self.problem(text(parameters={**good, "actor": 'Pipeline::"boss"'}), 400, "unknown-parameter", "actor")  # filled by Remit alone
        self.problem(text(ttl="3h"), 400, "too-long", "2h")
        self.problem(text(ttl="tomorrow"), 400, "bad-duration")
        self.problem(post(b'{"type": "deploy"'), 400, "bad-json", "body:1:")
        self.problem(post(b'{"type": "deploy", "type": "deploy"}'), 400, "bad-json", "twice")
        self.problem(post(b"[" * 100000), 400, "bad-json")
        self.problem(post([]), 400, "not-an-object")
        self.problem(self.ci.api("POST", "/v1/tasks", b"type=deploy", headers={"Content-Type": "application/x-www-form-urlencoded"}), 415,
                     "wrong-content-type")
        self.problem(self.ci.api("GET", "/v1/tasks?stat=active"), 400, "unknown-parameter", "state")
        self.problem(self.ci.api("GET", "/v1/tasks?state=dead"), 400, "bad-parameter")
        self.problem(self.ci.api("GET", "/v1/nothing"), 404, "not-found")
        self.problem(self.ci.api("DELETE", "/v1/tasks"), 405, "method-not-allowed")
        self.problem(self.remit.api("POST", "/v1/tasks", {"type": "deploy"}), 401, "no-credentials")
        self.problem(self.remit.api("POST", "/v1/tasks", {"type": "deploy"}, bearer="rma_nonsense"), 401, "bad-credentials")
        self.problem(self.remit.api("POST", "/v1/tasks", {"type": "deploy", "parameters": good, "from_text": True}, bearer=OPERATOR), 403,
                     "not-an-actor")

    def test_what_is_not_there_or_not_for_you(self):
        cli = lambda *args, **kwargs: self.ci.cli(*args, check=False, **kwargs)
        for command in ("show", "receipt", "complete"):
            for task in ("nonsense", "tsk_nothing", "tsk_01k00000000000000000000000"):
                self.refused(cli(command, task), NOT_FOUND, f"no task `{task}`, or none that you may see", "remit list")
        self.refused(cli("explain", "deploy", "--to", 'Pipeline::"ci"'), USAGE, "no task is named above it", "add --under TASK")
        self.refused(cli("events", "--type", "tasks.*"), USAGE, "no event is of a type `tasks.*`", "did you mean `task.*`?")
        self.refused(cli("approve", "apv_x"), DENIED, "nobody is signed in", "remit sign-in")
        self.refused(cli("list", env={"REMIT_KEY_FILE": None}), DENIED, "nobody knows who is calling")
        self.refused(cli("list", env={"REMIT_ADDR": "http://127.0.0.1:1"}), UNAVAILABLE, "no server answers", "remit dev")
        self.refused(cli("list", env={"REMIT_ADDR": "ftp://example"}), USAGE, "`ftp://example`", "unix:/PATH")
        if not os.path.exists("/run/remit/remit.sock"):  # no server is installed on this machine
            self.refused(cli("list", env={"REMIT_ADDR": None}), UNAVAILABLE, "no server answers at unix:/run/remit/remit.sock", "REMIT_ADDR is not set")
        self.refused(cli("list", env={"REMIT_ADDR": self.remit.url.replace("http:", "https:")}), UNAVAILABLE, "has no TLS", f"try {self.remit.url}")
        self.refused(cli("list", env={"REMIT_KEY_FILE": "/nothing"}), NOT_FOUND, "/nothing")
        # What has stopped, or ended, is not stopped or ended again; what can be done with it is said.
        task = self.remit.start_task(self.ci, "deploy", {"service": "checkout", "environment": "prod"}, from_text=True)["task"]["id"]
        self.remit.cli("suspend", task)
        self.refused(self.remit.cli("suspend", task, check=False), STATE, f"task `{task}` is suspended", f"remit resume {task}")
        self.remit.cli("resume", task)
        self.refused(self.remit.cli("resume", task, check=False), STATE, f"task `{task}` is active", f"remit show {task}")
        self.refused(cli("withdraw", task), STATE, f"task `{task}` is active")
        cli("complete", task)
        self.refused(cli("complete", task), STATE, f"task `{task}` is completed", f"remit receipt {task}")
        self.before["ended"] = self.state()["ended"]
        self.refused(cli("deplyo"), USAGE, "deplyo", "remit --help")
        self.refused(cli(), USAGE, "remit --help")
        self.refused(cli("list", "--state", "dead"), USAGE, "`dead`")
        # With --json the error is a document, too.
        done = cli("start", "deploj", *PROD, "--json")
        self.assertEqual((done.returncode, done.stdout), (NOT_FOUND, ""))
        error = harness.json.loads(done.stderr)["error"]
        self.assertEqual((error["code"], error["reason"], error["hint"]), ("not-found", "unknown-type", "did you mean `deploy`?"))

    def test_what_an_operator_types_wrongly(self):
        cli = lambda *args: self.remit.cli(*args, check=False)
        self.refused(cli("actor", "put", "nonsense"), USAGE, "`nonsense` is not an entity uid", 'Type::"id"')
        self.refused(cli("actor", "put", "Pipeline::ci"), USAGE, "remit: uid: `Pipeline::ci` is not an entity uid", """single quotes""", """'Pipeline::"ci"'""")
        self.refused(cli("actor", "put", 'Environment::"prod"'), USAGE, "@actor", "these are: Pipeline")
        self.refused(cli("actor", "put", 'Pipline::"x"'), USAGE, "@actor", "did you mean `Pipeline`?")
        self.refused(cli("person", "put", 'Employe::"x"'), USAGE, "@person", "did you mean `Employee`?")
        self.refused(cli("actor", "put", 'Pipeline::"x"', "--key", "/nothing"), NOT_FOUND, "/nothing", hint=False)
        key = f"{self.remit.dir}/some.key"
        self.remit.cli("actor", "key", key)
        self.refused(cli("actor", "put", 'Pipeline::"x"', "--key", key), USAGE, f"`{key}` is a private key; register its public half", "remit actor key")
        pathlib.Path(f"{self.remit.dir}/jwk").write_text('{"kty": "EC", "crv": "P-256", "x": "", "y": "", "d": "AA"}')
        self.refused(cli("actor", "put", 'Pipeline::"x"', "--key", f"{self.remit.dir}/jwk"), USAGE, "is a private key")
        self.refused(cli("actor", "put", 'Pipeline::"x"', "--key", self.remit.config), USAGE, f"`{self.remit.config}` is no public key: neither PEM nor JWK")
        over_http = harness.run("actor", "list", env={"REMIT_ADDR": self.remit.url}, check=False)
        self.refused(over_http, DENIED, "nobody is signed in here", "remit sign-in", "remit person link")  # administration is for people too
        verify = lambda *args: harness.run("ledger", "verify", *args, check=False)
        self.refused(verify("--store", self.remit.data), USAGE, f"`{self.remit.data}` is a folder", f"--store {self.remit.data}/remit.db")
        for text in ("#!/bin/sh\ntrue\n", "{", "{}"):
            pathlib.Path(f"{self.remit.dir}/kept").write_text(text)
            self.refused(verify("--config", self.remit.config, "--against", f"{self.remit.dir}/kept"), USAGE,
                         f"`{self.remit.dir}/kept` is neither a checkpoint nor a receipt", "remit ledger checkpoint", "remit receipt")
        self.refused(cli("person", "link", 'Employee::"nobody"'), NOT_FOUND, "remit person")
        facts = f"{self.remit.dir}/facts.json"
        pathlib.Path(facts).write_text('[{"uid": {"type": "Environment", "id": "mars"}, "attrs": {"approval": "maybe"}, "parents": []}]')
        self.refused(cli("facts", "put", facts), USAGE, 'Environment::"mars"', "approval", "remit catalog schema")
        pathlib.Path(facts).write_text('[{"uid": {"type": "Planet", "id": "mars"}, "attrs": {}, "parents": []}]')
        self.refused(cli("facts", "put", facts), USAGE, "Planet", "remit catalog schema")
        for text in ("{}", "[", '"facts"'):
            pathlib.Path(facts).write_text(text)
            self.refused(cli("facts", "put", facts), USAGE, facts, '"attrs": {}')
        # Facts that do not fit are found before the catalog is loaded.
        folder = f"{self.remit.dir}/catalog"
        shutil.copytree(harness.SOURCE / "catalogs/deploy", folder)
        hash = lambda: self.remit.cli("catalog", "show", "--json").json["hash"]
        before = hash()
        with open(f"{folder}/deploy.cedar", "a") as file:
            file.write("// another one\n")
        for text, words in (("[", ["facts.json"]), ("{}", ["not an array"]), ('[{"uid": {"type": "Planet", "id": "mars"}, "attrs": {}, "parents": []}]', ["Planet"]),
                            ('[{"id": "mars"}]', ["facts.json", "`uid`"])):
            pathlib.Path(f"{folder}/facts.json").write_text(text)
            self.refused(cli("catalog", "load", folder, "--with-facts"), USAGE, *words)
            self.assertEqual(hash(), before, text)
        self.refused(cli("replace", "apply", "/nothing.json"), NOT_FOUND, "/nothing.json", "remit replace plan ACCOUNT --out /nothing.json")
        self.refused(cli("replace", "status", "/no thing"), NOT_FOUND, "remit replace plan ACCOUNT --out '/no thing'")
        nobody = harness.free_port()
        self.refused(cli("scan", "postgres", f"postgresql://dba@127.0.0.1:{nobody}/orders"), UNAVAILABLE, "refused", f"pg_isready -h 127.0.0.1 -p {nobody}")

    def test_a_catalog_that_does_not_validate_leaves_the_one_in_force(self):
        started = self.remit.start_task(self.ci, "deploy", {"service": "checkout", "environment": "prod"}, from_text=True)
        folder = f"{self.remit.dir}/catalog"
        for file, old, new, words in [
                ("deploy.cedar", "principal.service", "principal.servize", ["deploy.cedar:3:", "servize"]),
                ("deploy.cedar", "@unless_approved(\"1\")", "@unless_aproved(\"1\")", ["deploy.cedar:13:", "unless_aproved"]),
                ("deploy.cedar", "permit (principal is DeployService, action == Action::\"deploy\"",
                 "permit (principal is DeployService, action == Action::\"depoy\"",
                 ["deploy.cedar:3:", "depoy"]),
                ("deploy.cedarschema", "@ttl(\"30m\")", "@ttl(\"forever\")", ["deploy.cedarschema:", "forever"]),
                ("deploy.cedarschema", "entity Group;", "entity Group", ["deploy.cedarschema:"]),
                ("deploy.cedar", "@id(\"deploy-its-service\")", "entity Group;", ["deploy.cedar:2:", "go into a .cedarschema file"]),
        ]:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(harness.SOURCE / "catalogs/deploy", folder)
            path = pathlib.Path(folder, file)
            self.assertIn(old, path.read_text())
            path.write_text(path.read_text().replace(old, new, 1))
            done = self.remit.cli("catalog", "load", folder, check=False)
            self.assertEqual((done.returncode, done.stdout), (USAGE, ""), str(done))
            for word in words:
                self.assertIn(word, done.stderr)
            self.assertEqual(self.remit.cli("catalog", "check", folder, check=False).returncode, USAGE)
        # What runs goes on under the catalog in force.
        self.assertTrue(self.remit.cli("check", started["task"]["id"], "deploy", 'Application::"checkout"', "--json").json["allowed"])
        self.remit.complete(started)
        self.before["ended"] = self.state()["ended"]


class Starting(Bad):
    """Of a server that should not start."""

    def setUp(self):
        self.remit = self.server(start=False)

    def refuses(self, server, code, *words, hint=True):
        said = len(server.stderr())
        process = server.launch()
        self.assertEqual(process.wait(harness.LIMIT), code, server.stderr())
        self.one_error(server.stderr()[said:], *words, hint=hint)

    def test_a_configuration_that_is_wrong(self):
        keep = pathlib.Path(self.remit.config).read_text()
        for change, words, hint in [
                (lambda: self.remit.edit('level = "info"', 'levle = "info"'), [".toml:", "`log.levle`", "did you mean `log.level`?"], True),
                (lambda: self.remit.edit('level = "info"', 'level = "loud"'), [".toml:", "`loud`", "debug, info"], True),
                (lambda: self.remit.append("[lisen]\nport = 1"), [".toml:", "`lisen`", "did you mean `listen`?"], True),
                (lambda: self.remit.edit("port = ", "port = -"), [".toml:", "port"], False),
                (lambda: self.remit.append("= ="), [".toml:", "not TOML"], False),
                (lambda: self.remit.append('[targets.x]\ntype = "oracle"'), [".toml:", "`oracle`", "postgres"], True),
                (lambda: self.remit.append('[targets.x]\ntype = "postgres"'), [".toml:", "`host`"], False),
                (lambda: self.remit.append('[targets.x]\ntype = "postgres"\nhost = "h"\ndatabase = "d"\npassword_file = "none"'), ["none"], False),
                (lambda: self.remit.edit('address = "127.0.0.1"', 'address = "0.0.0.0"'), ["TLS"], True),
        ]:
            change()
            said = len(self.remit.stderr())
            code = self.remit.launch().wait(harness.LIMIT)
            self.assertIn(code, (USAGE, NOT_FOUND), self.remit.stderr()[said:])
            self.one_error(self.remit.stderr()[said:], *words, hint=hint or "hint:" in self.remit.stderr()[said:])
            self.assertEqual(os.listdir(self.remit.data), [], "a store was made under a configuration that was refused")
            pathlib.Path(self.remit.config).write_text(keep)
        done = harness.run("serve", "--config", "/nothing/remit.toml", check=False)
        self.refused(done, NOT_FOUND, "/nothing/remit.toml", "remit init")
        self.refused(harness.run("init", f"{self.remit.dir}/etc", check=False), STATE, "is there already")
        self.assertEqual(pathlib.Path(self.remit.config).read_text(), keep)

    def test_a_database_of_another_program(self):
        store = pathlib.Path(self.remit.store)
        other = sqlite3.connect(store)
        other.execute("CREATE TABLE photos (name)")
        other.execute("INSERT INTO photos VALUES ('holiday')")
        other.commit()
        other.close()
        store.chmod(0o600)
        for content in (store.read_bytes(), b"dear diary\n" * 50, b"x"):
            store.write_bytes(content)
            self.refuses(self.remit, STATE, "another program's file", "nothing was changed")
            self.assertEqual(store.read_bytes(), content)
            self.assertEqual(os.listdir(self.remit.data), ["remit.db"])
        store.unlink()
        self.remit.start()

    def test_a_master_key_that_is_missing_open_or_another(self):
        self.remit.start().stop()
        key = pathlib.Path(self.remit.dir, "etc/master.key")
        right = key.read_bytes()
        before = pathlib.Path(self.remit.store).read_bytes()
        key.chmod(0o644)
        self.refuses(self.remit, STATE, "0644", "chmod 600")
        key.chmod(0o600)
        key.write_bytes(right[:-1])
        self.refuses(self.remit, STATE, "exactly 32 bytes")
        key.write_bytes(bytes(32))
        self.refuses(self.remit, STATE, "master key", "master_key_file")
        key.unlink()
        self.refuses(self.remit, STATE, "master.key", "remit init")
        self.assertEqual(pathlib.Path(self.remit.store).read_bytes(), before)
        key.write_bytes(right)
        key.chmod(0o600)
        self.remit.start()

    def test_a_port_or_socket_that_is_taken(self):
        self.remit.start()
        other = self.server(start=False)
        mine = other.port
        other.edit(f"port = {mine}", f"port = {self.remit.port}")
        self.refuses(other, UNAVAILABLE, f"127.0.0.1:{self.remit.port}", "somebody else listens")
        other.edit(f"port = {self.remit.port}", f"port = {mine}")
        other.edit(other.socket, self.remit.socket)
        self.refuses(other, UNAVAILABLE, self.remit.socket, "somebody else listens")
        self.assertEqual(self.remit.api("GET", "/healthz", bearer=OPERATOR).status, 200)  # the socket is still the first one's
        # After a kill -9 the socket's file is nobody's, and in nobody's way.
        self.remit.kill()
        self.assertTrue(os.path.exists(self.remit.socket))
        self.remit.start()

    def test_a_second_server_on_the_same_store(self):
        self.remit.start()
        self.remit.load("deploy")
        started = self.remit.start_task(self.remit.actor('Pipeline::"ci"'), "deploy", {"service": "checkout", "environment": "prod"}, from_text=True)
        second = self.server(start=False)
        second.edit(f'data_dir = "{second.data}"', f'data_dir = "{self.remit.data}"')
        shutil.copy(f"{self.remit.dir}/etc/master.key", f"{second.dir}/etc/master.key")
        self.refuses(second, STATE, "in use", str(self.remit.pid), "a store of its own")
        self.remit.complete(started)
        self.assertTrue(self.remit.verify_ledger().json["ok"])
        # When the first one is gone, however it went, the second may.
        self.remit.kill()
        second.start()
        self.assertEqual(second.task(started["task"]["id"])["state"], "completed")


class DiskFull(Bad):
    """A disk that is full: nothing starts, ends fit all the same, and nothing is lost."""

    def setUp(self):
        self.remit = self.server(start=False, replace={'reserve = "32MiB"': 'reserve = "4MiB"'})
        self.mounted = os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "none", self.remit.data],
                                                            capture_output=True).returncode == 0
        if self.mounted:
            self.addCleanup(subprocess.run, ["umount", "-l", self.remit.data], capture_output=True)

    def fill(self):
        """From here on the server can write no further byte that it did not have before."""
        if not self.mounted:  # no disk of our own: the kernel refuses this process alone to make files longer
            resource.prlimit(self.remit.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            return
        with open(f"{self.remit.data}/ballast", "wb", buffering=0) as ballast:
            for size in (1 << 20, 1 << 12):
                try:
                    while True:
                        ballast.write(bytes(size))
                except OSError:
                    pass

    def free(self):
        if self.mounted:
            os.unlink(f"{self.remit.data}/ballast")
        else:
            resource.prlimit(self.remit.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def test_a_full_disk(self):
        self.remit.start(preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
        self.remit.load("deploy")
        ci = self.remit.actor('Pipeline::"ci"')
        ci.session()
        start = lambda: ci.api("POST", "/v1/tasks",
                               {"type": "deploy", "parameters": {"service": "checkout", "environment": "prod"}, "from_text": True})
        running = [start().json for _ in range(3)]
        self.fill()

        def refused():  # what still fits into space that was taken before may pass
            answer = start()
            return answer if answer.status != 201 else running.append(answer.json)
        answer = eventually(refused)
        self.assertIn(answer.status, (429, 503), str(answer))
        self.assertEqual(answer.headers["content-type"].split(";")[0], "application/problem+json")
        self.assertIn(answer.json["type"].removeprefix("urn:remit:error:"), ("store-full", "store-failed"), str(answer))
        done = ci.cli("start", "deploy", *PROD, "--json", check=False)  # its session needs the disk as well
        self.assertEqual(done.returncode, UNAVAILABLE, str(done))
        self.assertEqual(self.remit.api("GET", "/readyz", bearer=OPERATOR).status, 503)
        self.assertEqual(self.remit.api("GET", "/healthz", bearer=OPERATOR).status, 200)

        # What runs may still be used, and can be ended.
        first, *others = running
        check = lambda one: self.remit.api("POST", "/v1/check", {"token": one["token"], "action": "deploy", "resource": 'Application::"checkout"'},
                                           bearer=OPERATOR)
        self.assertTrue(check(first).json["allowed"])
        ended = self.remit.api("POST", f"/v1/tasks/{first['task']['id']}/complete", {"wait": "5s"}, bearer=first["holder"])
        self.assertIn(ended.status, (200, 503), str(ended))  # written into the space that is kept for this, or latched and tried again
        if self.mounted:
            self.assertEqual(ended.status, 200, str(ended))
        self.assertEqual(self.remit.api("GET", "/v1/whoami", bearer=first["token"]).status, 401)
        self.assertFalse(check(first).json["allowed"])

        # Space again: it goes on by itself, and nothing that was said to be done is lost, also after a crash.
        self.free()
        eventually(lambda: self.remit.api("GET", "/readyz", bearer=OPERATOR).status == 200)
        again = eventually(lambda: (answer := start()).status == 201 and answer).json
        eventually(lambda: self.remit.task(first["task"]["id"])["state"] == "completed")
        self.remit.restart(hard=True)
        self.assertEqual(self.remit.task(first["task"]["id"])["state"], "completed")
        self.assertFalse(check(first).json["allowed"])
        for one in [*others, again]:
            self.assertTrue(check(one).json["allowed"])
        self.assertTrue(self.remit.verify_ledger().json["ok"])


if __name__ == "__main__":
    harness.main()
