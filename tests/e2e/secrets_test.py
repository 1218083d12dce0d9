"""Secrets stay secret: a whole run of everything, with the log at its loudest, and then every secret that was handed out is looked for in
everything that was written: the server's log, the store's files, the ledger, PostgreSQL's log, process lists, and what other commands printed.
"""

import base64
import json
import os
import pathlib
import re
import sys
import threading

import harness
import orders
from cryptography.hazmat.primitives import serialization
from harness import OPERATOR, eventually

HANDLE = re.compile(rb"\brm[thapl]_[A-Za-z0-9_-]{40,}")  # whatever the handle, also one that no test knows
PRIVATE_KEYS = [b"PRIVATE KEY-----", b"\x02\x01\x01\x04\x20", bytes.fromhex("302e020100300506032b657004220420"), b'"d":"']  # PEM, EC, Ed25519, JWK

# What runs inside a task: hands what it got to the test, in a file that is not looked into.
TASK = r"""
import json, os, subprocess, sys
out, *words = sys.argv[1:]
got = {name: value for name, value in os.environ.items() if name in ("REMIT_TOKEN", "PGPASSWORD")}
for number, command in enumerate(words):
    got["said-%d" % number] = subprocess.run(["sh", "-c", command], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
json.dump(got, open(out, "w"))
"""


# What other tests type is theirs; what this run handed out must not be seen anywhere.
ELSEWHERE = "process lists of the whole machine"


class ProcessList(threading.Thread):
    """All command lines of this machine, as often as it gets to look; and which are this test's own: other tests run beside it."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.own, self.over, self.looks = set(), set(), threading.Event(), 0
        self.me = os.getpid()

    def is_own(self, pid):
        """Whether this process is an ancestor."""
        for _ in range(64):
            if pid == self.me:
                return True
            if pid <= 1:
                return False
            with open(f"/proc/{pid}/stat") as file:
                pid = int(file.read().rpartition(")")[2].split()[1])
        return False

    def run(self):
        while not self.over.is_set():
            for name in os.listdir("/proc"):
                if name.isdigit():
                    try:
                        with open(f"/proc/{name}/cmdline", "rb") as file:
                            line = file.read().replace(b"\0", b" ")
                        self.seen.add(line)
                        if line not in self.own and self.is_own(int(name)):
                            self.own.add(line)
                    except (OSError, ValueError, IndexError):
                        pass
            self.looks += 1
            self.over.wait(0.002)

    def stop(self):
        self.over.set()
        self.join()
        return b"\n".join(self.seen), b"\n".join(self.own)


class Secrets(harness.Case):
    def setUp(self):
        self.secrets = {}   # name: what must not be found
        self.written = {}   # where: bytes
        self.private = harness.temp_dir()
        self.addCleanup(harness.shutil.rmtree, self.private, True)

    def secret(self, name, value):
        """Notes one, in the forms in which it could lie about."""
        self.assertGreaterEqual(len(value), 12, name)
        raw = value if isinstance(value, bytes) else value.encode()
        self.secrets[name] = raw
        self.secrets[name + " in hex"] = raw.hex().encode()
        self.secrets[name + " in base64"] = base64.b64encode(raw).rstrip(b"=")
        self.secrets[name + " in base64url"] = base64.urlsafe_b64encode(raw).rstrip(b"=")
        if isinstance(value, str) and re.match(r"rm[thapl]_", value):
            self.secrets[name + " decoded"] = harness.b64url_decode(value[4:])

    def key(self, name, file):
        pem = pathlib.Path(file).read_text()
        number = serialization.load_pem_private_key(pem.encode(), None).private_numbers().private_value
        self.secret(f"{name}'s key", number.to_bytes(32, "big"))
        self.secret(f"{name}'s key as PEM", pem.splitlines()[1])

    def cli(self, server, *args, **kwargs):
        """A command whose output is looked into."""
        done = server.cli(*args, **kwargs)
        where = f"remit {' '.join(map(str, args[:3]))} #{len(self.written)}"
        self.written[where] = (done.stdout + done.stderr).encode()
        return done

    def api(self, server, *args, **kwargs):
        answer = server.api(*args, **kwargs)
        self.written[f"{args[0]} {args[1]} #{len(self.written)}"] = answer.body.encode() + repr(answer.headers).encode()
        return answer

    def run_task(self, server, who, words, *commands, approve=None, env=None):
        """`remit run WORDS -- TASK`; what it had."""
        out = f"{self.private}/{len(self.secrets)}.json"
        process = self.start("run", *words, "--", sys.executable, self.script(TASK), out, *commands, env={**who.env, **(env or {})})
        if approve is not None:
            def waiting():
                self.assertIsNone(process.poll(), process.poll() is not None and process.stderr.read())
                return approve.cli("approvals", "--json").json["approvals"]
            approval = eventually(waiting)[0]["id"]
            self.cli(server, "approvals", env=approve.env)
            self.cli(server, "approve", approval, env=approve.env)
        stdout, stderr = process.communicate(timeout=harness.LIMIT)
        self.assertEqual(process.returncode, 0, stderr)
        self.written[f"remit run {words[0]}"] = (stdout + stderr).encode()
        return json.loads(pathlib.Path(out).read_text())

    def found(self, data, handles=True):
        """The names of what is found; with `handles` also any handle of Remit's, whoever got it."""
        names = [name for name, needle in self.secrets.items() if needle in data]
        return names + [f"a handle: {one[:8]!r}…" for one in HANDLE.findall(data) if handles]

    def test_a_full_run(self):
        processes = ProcessList()
        processes.start()
        self.addCleanup(processes.over.set)
        postgres = orders.make_postgres("--set", "log_statement=all", "--set", "log_min_error_statement=debug5", "--set", "log_connections=on")
        self.addCleanup(postgres.close)
        server = self.server(start=False, replace={'level = "info"': 'level = "debug"'})
        password = "the-password-of-remit-itself"
        server.add_postgres_target("orders", postgres, "orders", password=password, tables=["public.invoices", "public.customers"],
                                   databases=["other"])
        self.secret("the target's password", password)
        self.secret("the master key", pathlib.Path(server.dir, "etc/master.key").read_bytes())
        server.start()
        server.load("deploy", "support", "rotate", "vendor")
        script = self.cli(server, "target", "init", "postgres", "orders", "--config", server.config).stdout
        postgres.psql(script, "orders")
        self.cli(server, "target", "check", "orders", check=False)

        # Who is there, and how they come in.
        ci, bot = server.actor('Pipeline::"ci"'), server.actor('Agent::"triage-bot"')
        helpdesk, rotator = server.actor('Service::"helpdesk"'), server.actor('Automation::"rotator"')
        for actor in (ci, bot, helpdesk, rotator):
            self.key(actor.uid, actor.key_file)
            self.secret(f"{actor.uid}'s session", actor.session())
        people = {name: server.person(uid, sign_in=False) for name, uid in
                  [("rita", 'Employee::"rita"'), ("sam", 'Employee::"sam"'), ("dana", 'Employee::"dana"'), ("vera", 'Engineer::"vera"')]}
        for name, person in people.items():
            link = server.cli("person", "link", person.uid, "--json").json  # hands the code out
            self.secret(f"{name}'s code", link["code"])
            self.cli(server, "sign-in", input=link["code"] + "\n", env=person.env)
            self.secret(f"{name}'s session", person.session())
            self.assertNotEqual(self.cli(server, "sign-in", input=link["code"] + "\n", env=person.env, check=False).returncode, 0)  # once

        # The four jobs.
        remit = harness.BIN
        got = self.run_task(server, ci, ["deploy", "service=checkout", "environment=prod-eu"], f"{remit} token --audience https://a.example",
                            f"{remit} token --audience https://b.example --offline", approve=people["rita"])
        self.secret("the deployment's token", got["REMIT_TOKEN"])
        for number in (0, 1):
            self.assertEqual(got[f"said-{number}"].count("."), 2)
            self.secret(f"the JWT's signature {number}", got[f"said-{number}"].split(".")[2])
        value, rotated = "hunter2-hunter2-old", "hunter2-hunter2-new"
        self.secret("the old secret", value)
        self.secret("the new secret", rotated)
        self.cli(server, "secret", "put", "prod/db/orders", input=value)
        got = self.run_task(server, rotator, ["rotate", "secret=prod/db/orders"], f"{remit} secret get prod/db/orders",
                            f"{remit} secret get prod/db/orders | sed s/old/new/ | {remit} secret put prod/db/orders")
        self.assertEqual(got["said-0"], value)
        self.secret("the rotation's token", got["REMIT_TOKEN"])
        got = self.run_task(server, people["vera"], ["maintenance", "tables=orders/public.invoices", "--reason", "CHG-1"],
                            "psql -X -A -t -c 'SELECT count(*) FROM public.invoices'", approve=people["dana"])
        self.assertEqual(got["said-0"], "1000")
        self.secret("the window's token", got["REMIT_TOKEN"])
        self.secret("the window's password", got["PGPASSWORD"])
        triage = server.start_task(bot, "triage", {"ticket": "T-2"}, from_text=True)
        self.secret("the triage's token", triage["token"])
        self.secret("the triage's holder key", triage["holder"])
        comment = {"subject": {"type": "remit_token", "id": triage["token"]}, "action": {"name": "ticket.comment"},
                   "resource": {"type": "Ticket", "id": "T-2"}}
        self.api(server, "POST", "/access/v1/evaluation", comment, bearer=helpdesk.session())
        self.cli(server, "approve", people["sam"].cli("approvals", "--json").json["approvals"][0]["id"], env=people["sam"].env)
        self.assertTrue(self.api(server, "POST", "/access/v1/evaluation", comment, bearer=helpdesk.session(),
                                 headers={"Idempotency-Key": "once"}).json["decision"])
        self.cli(server, "check", "-", "ticket.read", 'Ticket::"T-2"', env={"REMIT_TOKEN": triage["token"]})
        self.api(server, "POST", "/introspect", form={"token": triage["token"]}, bearer=OPERATOR)
        # A window that is open when the server is killed.
        asked = people["vera"].api("POST", "/v1/tasks", {"type": "maintenance", "parameters": {"tables": orders.TABLES}, "reason": "CHG-2"}).json
        people["dana"].cli("approve", asked["approval"])
        self.secret("the open window's token", asked["token"])
        self.secret("the open window's holder key", asked["holder"])

        # What goes wrong says so without saying what it was given.
        self.cli(server, "whoami", env={"REMIT_TOKEN": triage["token"] + "x"}, check=False)
        self.cli(server, "whoami", env={"REMIT_TOKEN": triage["holder"][:-1]}, check=False)
        self.cli(server, "sign-in", input="rml_" + people["rita"].session()[4:], env=people["rita"].env, check=False)
        for body in (f'{{"value": "{value}'.encode(), f'{{"valeu": "{value}"}}'.encode(), f'{{"value": "{value}", "encoding": "base65"}}'.encode(),
                     f'{{"value": {{"{value}": 1}}}}'.encode()):
            self.assertEqual(self.api(server, "PUT", "/v1/secrets/prod/db/orders", body, bearer=triage["token"]).status, 400)
        self.api(server, "POST", "/introspect", form={"token": triage["token"], "tokne": triage["token"]}, bearer=OPERATOR)
        self.api(server, "POST", "/token", form={"grant_type": "client_credentials", "client_id": "x", "client_assertion": triage["token"]})
        self.api(server, "POST", "/v1/sign-in", {"code": triage["holder"]})
        self.api(server, "GET", "/v1/whoami", headers={"Authorization": f"Basic {triage['token']}"})

        # What others may look at.
        def live():
            task = server.task(asked["task"]["id"])
            return task["credentials"] and task["credentials"][0]["state"] == "live"
        eventually(live)
        got = server.api("GET", f"/v1/tasks/{asked['task']['id']}/environment", bearer=asked["holder"]).json["environment"]
        self.secret("the open window's password", got["PGPASSWORD"])
        for words in (["list"], ["list", "--state", "ended", "--json"], ["actor", "list", "--json"], ["person", "list", "--json"], ["approvals"],
                      ["ledger", "export", "--count", "1000"], ["ledger", "checkpoint"], ["target", "list"], ["catalog", "show"], ["facts", "show"],
                      ["secret", "list", "prod"], ["show", triage["task"]["id"], "--json"], ["show", asked["task"]["id"], "--json"]):
            self.cli(server, *words)
        for path in ("/metrics", "/v1/tasks", "/v1/actors", "/jwks", "/jwks/receipts", "/openapi.json", "/ledger/entries?from=0&count=1000"):
            self.api(server, "GET", path, bearer=OPERATOR)
        self.scan_files(server, "while it runs")
        server.restart(hard=True)
        self.scan_files(server, "after a kill")
        server.complete(asked, wait="30s")
        server.complete(triage)
        for task in server.cli("list", "--state", "ended", "--json").json["tasks"]:
            self.cli(server, "receipt", task["id"], "--json")
        self.cli(server, "ledger", "verify", "--config", server.config)
        server.stop()
        self.scan_files(server, "after its end")
        self.written["PostgreSQL's log"] = postgres.log_text().encode()
        self.written[ELSEWHERE], self.written["process lists"] = processes.stop()

        # It looked where there is something to see, and sees what is there.
        self.assertGreater(processes.looks, 50)
        self.assertIn(b"secret put prod/db/orders", self.written["process lists"])
        self.assertIn(b"CREATE ROLE", self.written["PostgreSQL's log"])
        self.assertTrue(self.found(pathlib.Path(people["rita"].config_home, "remit/session").read_bytes()))
        self.assertTrue(self.found(pathlib.Path(server.dir, "etc/master.key").read_bytes()))
        self.assertTrue(self.found(pathlib.Path(ci.key_file).read_bytes()))
        self.assertGreater(len(self.secrets), 100)
        flaws = [f"{where}: {name}" for where, data in self.written.items() for name in self.found(data, handles=where != ELSEWHERE)]
        flaws += [f"{where}: a private key ({key!r})" for where, data in self.written.items() if "store" in where or "log" in where
                  or "ledger" in where
                  for key in PRIVATE_KEYS if key in data]
        if flaws:
            self.fail("found where it must not be:\n" + "\n".join(flaws))

    def scan_files(self, server, when):
        """The log, and everything in the data folder: the database, its -wal, locks, the reserve."""
        self.written[f"the server's log {when}"] = server.stderr().encode()
        files = sorted(path for path in pathlib.Path(server.data).rglob("*") if path.is_file())
        self.assertIn("remit.db", [path.name for path in files])
        for path in files:
            self.written[f"the store's {path.name} {when}"] = path.read_bytes()


if __name__ == "__main__":
    harness.main()
