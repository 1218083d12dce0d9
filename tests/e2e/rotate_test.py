"""Rotate one secret: an automation reads and writes exactly one path of the built-in store; everything beside it looks like nothing is there."""

import pathlib
import sqlite3

import harness
from harness import OPERATOR, eventually

PATH = "prod/db/orders"
REMIT = harness.BIN


class Rotate(harness.Case):
    def setUp(self):
        self.remit = self.server(catalogs=["rotate"])
        self.rotator = self.remit.actor('Automation::"rotator"')
        for path, value in ((PATH, "old-value-of-orders"), ("prod/db/billing", "value-of-billing"), ("prod/web/tls", "value-of-tls")):
            self.remit.cli("secret", "put", path, input=value)

    def start(self, secret=PATH):
        return self.remit.start_task(self.rotator, "rotate", {"secret": secret}, from_text=True)

    def get(self, started, path, query=""):
        return self.remit.api("GET", f"/v1/secrets/{path}{query}", bearer=started["token"])

    def test_a_rotation(self):
        run = self.rotator.cli("run", "rotate", f"secret={PATH}", "--", "sh", "-c",
                               f'old=$({REMIT} secret get {PATH}) && echo "was $old" && printf %s "new-$old" | {REMIT} secret put {PATH} && '
                               f'{REMIT} secret get {PATH}')
        self.assertEqual(run.stdout, f"was old-value-of-orders\n{PATH} is at version 2\nnew-old-value-of-orders")
        self.assertEqual(run.stderr.splitlines()[-1], "remit: REMIT_TOKEN is dead: asked with it, the server refuses")
        self.assertNotIn("value", run.stderr)

        # Both versions are there for the next one; none beyond.
        started = self.start()
        self.assertEqual((self.get(started, PATH).json["value"], self.get(started, PATH).json["version"]), ("new-old-value-of-orders", 2))
        self.assertEqual(self.get(started, PATH, "?version=1").json["value"], "old-value-of-orders")
        self.assertEqual(self.get(started, PATH, "?version=3").status, 404)
        self.remit.complete(started)
        self.assertEqual(self.get(started, PATH).status, 401)

    def test_what_is_beside_it_looks_like_nothing_is_there(self):
        started = self.start()
        self.assertEqual(self.get(started, PATH).status, 200)
        nothing = self.get(started, "prod/db/nothing")  # this one really is not there
        self.assertEqual(nothing.status, 404)

        def same_as_nothing(answer, path):
            self.assertEqual(answer.body.replace(f"`{path}`", "`X`"), nothing.body.replace("`prod/db/nothing`", "`X`"))
            headers = {k: v for k, v in answer.headers.items() if k not in ("date", "content-length")}
            self.assertEqual((answer.status, headers),
                             (nothing.status, {k: v for k, v in nothing.headers.items() if k not in ("date", "content-length")}))

        for path in ("prod/db/billing", "prod/web/tls", "prod/db", "prod", "prod/db/orders2", "prod/db/orders/x", "prod/db/order"):
            same_as_nothing(self.get(started, path), path)
            same_as_nothing(self.get(started, path, "?version=1"), path)
            same_as_nothing(self.get(started, path, "?list=true"), path)
            same_as_nothing(self.remit.api("PUT", f"/v1/secrets/{path}", {"value": "mine"}, bearer=started["token"]), path)
        same_as_nothing(self.get(started, PATH, "?list=true"), PATH)  # nor does it list below its own
        # Paths that are none, in every spelling: refused, and never somebody else's secret.
        for path in ("prod/db/../db/billing", "prod/db/%2e%2e/db/billing", "prod//db/billing", "prod%2Fdb%2Fbilling", "prod/db/billing%00",
                     "PROD/DB/BILLING",
                     "prod/db/billing/", "prod/db/%252e%252e/billing"):
            answer = self.get(started, path)
            self.assertIn(answer.status, (400, 404), f"{path}: {answer}")
            self.assertNotIn("value-of", answer.body)
        # The command line says the same of both.
        def said(path):
            done = self.remit.cli("secret", "get", path, env={"REMIT_TOKEN": started["token"]}, check=False)
            return done.returncode, done.stdout, done.stderr.replace(path, "X")
        self.assertEqual(said("prod/db/billing"), said("prod/db/nothing"))
        self.assertEqual(said("prod/db/billing")[0], 4)
        self.remit.complete(started)
        # Nothing was written by what was refused.
        billing = self.start("prod/db/billing")
        self.assertEqual((self.get(billing, "prod/db/billing").json["value"], self.get(billing, "prod/db/billing").json["version"]),
                         ("value-of-billing", 1))

    def test_who_has_no_task_has_no_secret(self):
        started = self.start()
        for bearer in (OPERATOR, self.rotator.session(), started["holder"]):  # the operator writes the first version, and reads none
            answer = self.remit.api("GET", f"/v1/secrets/{PATH}", bearer=bearer)
            self.assertIn(answer.status, (403, 404), str(answer))
            self.assertNotIn("value-of", answer.body)
        refused = self.rotator.api("POST", "/v1/tasks", {"type": "rotate", "parameters": {"secret": "prod/web/tls"}, "from_text": True})
        self.assertEqual(refused.status, 403, str(refused))

    def test_two_who_write_at_once_both_know(self):
        started = self.start()

        def write(number):
            return self.remit.api("PUT", f"/v1/secrets/{PATH}", {"value": f"value-{number}"}, bearer=started["token"])
        answers = harness.in_parallel([lambda n=n: write(n) for n in range(16)], 8)
        written = {one.json["version"]: n for n, one in enumerate(answers) if one.status == 200}
        self.assertEqual(len(written), sum(one.status == 200 for one in answers), "a version was given twice")
        self.assertTrue(written)
        self.assertEqual({one.status for one in answers} - {200, 409}, set())
        for version, number in written.items():
            answer = self.get(started, PATH, f"?version={version}")
            self.assertTrue(answer.status == 404 or answer.json["value"] == f"value-{number}", str(answer))  # old versions may be gone, never changed
        self.assertEqual(self.get(started, PATH).json["version"], max(written))

    def test_a_row_that_was_moved_does_not_open(self):
        self.remit.stop()
        self.assertFalse([f for f in pathlib.Path(self.remit.data).iterdir() if b"value-of" in f.read_bytes()])
        with sqlite3.connect(self.remit.store) as db:
            rows = {bytes(key): value for key, value in db.execute("SELECT key, value FROM secret")}
            orders = [key for key in rows if PATH.encode() in key]
            billing = [key for key in rows if b"prod/db/billing" in key]
            self.assertEqual(len(orders), len(billing))
            self.assertTrue(orders)
            for to, of in zip(sorted(orders), sorted(billing)):  # the rotator would read billing's value
                db.execute("UPDATE secret SET value = ? WHERE key = ?", (rows[of], to))
        db.close()
        self.remit.start()
        started = self.start()
        answer = self.get(started, PATH)
        self.assertEqual(answer.status, 500, str(answer))
        self.assertNotIn("value-of", answer.body)
        eventually(lambda: "sealed-data-corrupt" in self.remit.stderr())
        self.assertNotIn("value-of", self.remit.stderr())
        done = self.remit.cli("secret", "get", PATH, env={"REMIT_TOKEN": started["token"]}, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""), str(done))
        # The one that was not touched still opens.
        self.remit.complete(started)
        started = self.start("prod/db/billing")
        self.assertEqual(self.get(started, "prod/db/billing").json["value"], "value-of-billing")

    def test_without_the_master_key_nothing_opens(self):
        self.remit.stop()
        key = pathlib.Path(self.remit.dir, "etc/master.key")
        kept = key.read_bytes()
        key.unlink()
        harness.run("init", f"{self.remit.dir}/other", "--data-dir", f"{self.remit.dir}/other-data", "--socket", f"{self.remit.dir}/other.sock")
        key.write_bytes(pathlib.Path(self.remit.dir, "other/master.key").read_bytes())
        key.chmod(0o600)
        process = self.remit.launch()
        self.assertNotEqual(process.wait(60), 0)
        self.assertIn("master key", self.remit.stderr())
        key.write_bytes(kept)
        self.remit.start()
        self.assertEqual(self.get(self.start(), PATH).json["value"], "old-value-of-orders")


if __name__ == "__main__":
    harness.main()
