"""What was written by an older Remit is read by this one; copies are made while it is used, and put back."""

import base64
import json
import lzma
import os
import pathlib
import sqlite3
import stat
import threading

import formats_test
import harness
from harness import eventually

FIXTURES = harness.SOURCE / "tests" / "fixtures"


class Upgrade(harness.Case):
    def old_store(self, name):
        """A server on a copy of a fixture, not started."""
        fixture = FIXTURES / name
        server = self.server(start=False)
        os.makedirs(server.data, 0o700, exist_ok=True)
        for path, content in ((server.store, lzma.decompress((fixture / "remit.db.xz").read_bytes())),
                              (f"{server.dir}/etc/master.key", base64.b64decode((fixture / "master.key.b64").read_bytes()))):
            pathlib.Path(path).unlink(missing_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
        return server, fixture, json.loads((fixture / "tasks.json").read_text())

    def actor(self, server, fixture, client_id):
        key = f"{server.dir}/{client_id}.key"
        with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write((fixture / f"{client_id}.key").read_text())
        return harness.Actor(server, client_id, client_id, key)

    def test_a_store_of_0_1_is_opened_and_goes_on(self):
        server, fixture, tasks = self.old_store("store-0.1")
        rows = sqlite3.connect(server.store).execute("SELECT value FROM task UNION ALL SELECT value FROM ended_task").fetchall()
        self.assertEqual({row[0][0] for row in rows}, {1}, "the fixture has the first form")
        # Whatever the clock of this machine says: the fixture's time is its own.
        server.start("--accept-clock")

        done = server.task(tasks["done"])
        self.assertEqual((done["state"], done["reason"], done["parameters"]["service"]["__entity"]["id"]), ("completed", "CHG-1", "checkout"))
        self.assertEqual((server.task(tasks["revoked"])["state"], server.task(tasks["revoked"])["end_reason"]), ("revoked", "a test"))
        self.assertEqual(server.task(tasks["approved"])["approvals"][0]["person"], 'Employee::"rita"')
        for living in ("live", "asked", "approved"):
            self.assertEqual(server.task(tasks[living])["id"], tasks[living])
        self.assertEqual(server.api("GET", f"/v1/tasks/{tasks['done']}/receipt", bearer=harness.OPERATOR).json["all_dead"], True)

        ci = self.actor(server, fixture, "ci")
        started = server.start_task(ci, "deploy", {"service": "checkout", "environment": "staging"}, reason="CHG-9")
        self.assertTrue(server.complete(started)["all_dead"])
        rotator = self.actor(server, fixture, "rotator")
        rotate = server.start_task(rotator, "rotate", {"secret": "prod/db/orders"})
        read = harness.run("secret", "get", "prod/db/orders", env={"REMIT_ADDR": server.url, "REMIT_TOKEN": rotate["token"]})
        self.assertEqual(read.stdout, "the old password")
        for living in ("live", "approved"):
            if server.task(tasks[living])["state"] == "active":
                server.cli("revoke", tasks[living], "--why", "over")
        eventually(lambda: all(server.task(tasks[t])["state"] not in ("active",) for t in ("live", "approved")))

        # Its keys are rotated like any, and verify on.
        receipt = server.api("GET", f"/v1/tasks/{tasks['done']}/receipt", bearer=harness.OPERATOR).json["jws"]
        keys = server.api("GET", "/v1/keys", bearer=harness.OPERATOR).json["keys"]
        self.assertEqual([(one["key"], one["state"], "since" in one) for one in keys],
                         [(key, "signing", False) for key in ("access", "receipt", "checkpoint")])
        server.cli("key", "rotate", "receipt")
        formats_test.open_jws(receipt, server.api("GET", "/jwks/receipts").json, "remit-receipt+jwt")

        # The ledger is the old one, continued.
        self.assertTrue(server.verify_ledger("--against", fixture / "checkpoint.txt").json["complete"])
        server.restart(hard=True)
        self.assertEqual(server.task(started["task"]["id"])["state"], "completed")
        self.assertEqual(server.task(tasks["done"])["reason"], "CHG-1")

    def test_a_copy_is_made_while_tasks_come_and_go_and_is_put_back(self):
        server = self.server(catalogs=["deploy"])
        ci = server.actor('Pipeline::"ci"')
        stop = threading.Event()

        def work():
            while not stop.is_set():
                server.complete(server.start_task(ci, "deploy", {"service": "checkout", "environment": "staging"}))

        ci.session()
        worker = threading.Thread(target=work)
        worker.start()
        try:
            copies = pathlib.Path(server.dir) / "copies"
            copies.mkdir()
            for i in range(3):
                done = server.cli("backup", copies / f"{i}.db", "--config", server.config, "--json").json
                self.assertTrue(done["ok"])
            named = server.cli("backup", copies, "--config", server.config, "--json").json["file"]
            self.assertRegex(named, r"/remit-\d{8}T\d{6}Z\.db$")
        finally:
            stop.set()
            worker.join()
        copy = copies / "2.db"
        self.assertEqual(stat.S_IMODE(copy.stat().st_mode), 0o600)
        key = pathlib.Path(f"{server.dir}/etc/master.key").read_bytes()
        self.assertNotIn(key, copy.read_bytes(), "never the master key")
        self.assertEqual(server.cli("backup", copy, "--config", server.config, check=False).returncode, 5, "nothing is overwritten")

        living = server.start_task(ci, "deploy", {"service": "billing", "environment": "prod"})
        checkpoint = pathlib.Path(server.dir) / "checkpoint.txt"
        checkpoint.write_text(server.cli("ledger", "checkpoint").stdout)
        refused = server.cli("restore", copy, "--config", server.config, check=False)
        self.assertIn("in use", refused.stderr)
        server.kill()  # with a log that is not copied back
        restored = server.cli("restore", copy, "--config", server.config, "--json").json
        server.start("--restored")
        self.assertEqual(server.api("GET", f"/v1/tasks/{living['task']['id']}", bearer=harness.OPERATOR).status, 404)
        self.assertEqual(server.verify_ledger("--against", checkpoint, check=False).returncode, 8, "an old checkpoint says that something is missing")
        server.stop()
        # What was there is whole.
        self.assertTrue(server.cli("ledger", "verify", "--store", restored["kept"], "--against", checkpoint, "--json").json["complete"])


if __name__ == "__main__":
    harness.main()
