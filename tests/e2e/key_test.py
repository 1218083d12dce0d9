"""Signing keys through the real binary: rotated by whom the catalog permits, told to who verifies, and nothing lost over restarts and copies."""

import json
import pathlib
import sqlite3

import formats_test
import harness
from harness import eventually


def kid_of(jwt):
    return json.loads(harness.b64url_decode(jwt.split(".")[0]))["kid"]


class Keys(harness.Case):
    def setUp(self):
        self.remit = self.server(catalogs=["deploy"])
        self.ci = self.remit.actor('Pipeline::"ci"')

    def start(self):
        return self.remit.start_task(self.ci, "deploy", {"service": "checkout", "environment": "staging"}, from_text=True)

    def jwt(self, started):
        return harness.run("token", "--audience", "https://cd.example", "--json",
                           env={"REMIT_ADDR": self.remit.url, "REMIT_TOKEN": started["token"]}).json["token"]

    def active(self, token):
        return self.remit.api("POST", "/introspect", form={"token": token}, bearer=harness.OPERATOR).json["active"]

    def jwks(self):
        return self.remit.api("GET", "/jwks").json

    def receipt_jwks(self):
        return self.remit.api("GET", "/jwks/receipts").json

    def published(self):
        return [key["kid"] for key in self.jwks()["keys"] + self.receipt_jwks()["keys"]]

    def keys(self, key):
        return [one for one in self.remit.cli("key", "list", "--json").json["keys"] if one["key"] == key]

    def signs(self, jwt):
        """Whether somebody else's code verifies it with /jwks, as a resource server does."""
        try:
            formats_test.open_jws(jwt, self.jwks(), "at+jwt")
            return True
        except StopIteration:  # no such kid
            return False

    def test_tokens_go_on_and_new_ones_have_the_new_key(self):
        started = self.start()
        before = self.jwt(started)
        dry = self.remit.cli("key", "rotate", "access", "--dry-run")
        self.assertIn(f"would be rotated: access {kid_of(before)}", dry.stdout)
        self.assertIn("1 token of tasks stays good", dry.stderr)
        self.assertEqual(self.keys("access")[0]["kid"], kid_of(before))
        rotated = self.remit.cli("key", "rotate", "access", "--idempotency-key", "monday", "--json").json
        self.assertEqual(rotated["old"], kid_of(before))
        self.assertEqual(self.remit.cli("key", "rotate", "access", "--idempotency-key", "monday", "--json").json, rotated)
        after = self.jwt(started)
        self.assertEqual(kid_of(after), rotated["new"])
        for _ in range(2):
            for token in (before, after):
                self.assertTrue(self.active(token))
                self.assertTrue(self.signs(token))
            self.remit.restart(hard=True)
        self.assertEqual([(one["kid"], one["state"]) for one in self.keys("access")], [(rotated["new"], "signing"), (rotated["old"], "published")])
        shown = self.remit.cli("key", "list").stdout
        self.assertIn(rotated["old"], shown)
        self.assertIn("published", shown)
        # What stays of it in the store is public, and sealed so that nobody else puts one there.
        rows = dict(sqlite3.connect(f"file:{self.remit.store}?mode=ro", uri=True).execute("SELECT key, value FROM signing_key").fetchall())
        rows = {(key if isinstance(key, str) else key.decode()): value for key, value in rows.items()}
        kept = formats_test.open_envelope(self.remit, rows["old/access/" + rotated["old"]], b"remit old signing key v1", b"access", rotated["old"].encode())
        self.assertNotIn("d", json.loads(kept)["jwk"])
        self.assertTrue(self.remit.verify_ledger().json["ok"])

    def test_the_old_private_key_is_nowhere_in_the_stores_files(self):
        db = sqlite3.connect(f"file:{self.remit.store}?mode=ro", uri=True)
        for key in ("access", "receipt"):
            row = bytes(db.execute("SELECT value FROM signing_key WHERE CAST(key AS TEXT) = ?", (key,)).fetchone()[0])
            files = lambda: b"".join(pathlib.Path(f"{self.remit.store}{tail}").read_bytes() for tail in ("", "-wal"))
            self.assertIn(row[-48:], files())
            self.remit.cli("key", "rotate", key)
            self.assertNotIn(row[-48:], files())
        db.close()

    def test_a_key_that_has_leaked(self):
        started = self.start()
        before = self.jwt(started)
        told = self.remit.cli("key", "rotate", "access", "--leaked")
        self.assertIn("no JWT is accepted here any more; 1 token of tasks has to be fetched anew", told.stderr)
        self.assertIn("tasks go on, and so does each REMIT_TOKEN", told.stderr)
        for _ in range(2):
            self.assertFalse(self.active(before))
            self.assertFalse(self.signs(before))
            self.assertNotIn(kid_of(before), self.published())
            self.assertTrue(self.active(started["token"]))
            self.assertTrue(self.active(self.jwt(started)))
            self.remit.restart(hard=True)
        self.assertTrue(self.remit.complete(started)["all_dead"])

    def test_receipts_and_checkpoints_of_before_are_verified_after_several_rotations(self):
        checkpoint = pathlib.Path(self.remit.dir) / "checkpoint.txt"
        receipts = []
        for number in range(3):
            started = self.start()
            self.remit.complete(started)
            receipts.append(self.remit.cli("receipt", started["task"]["id"], "--json").json)
            if number == 0:
                checkpoint.write_text(self.remit.cli("ledger", "checkpoint").stdout)
            self.remit.cli("key", "rotate", "receipt")
        self.remit.restart()
        self.assertEqual(len({kid_of(receipt["jws"]) for receipt in receipts}), 3)
        for receipt in receipts:
            kid = kid_of(receipt["jws"])
            signed = formats_test.open_jws(receipt["jws"], self.receipt_jwks(), "remit-receipt+jwt")
            self.assertEqual(json.loads(signed)["task"]["id"], receipt["task"]["id"])
            of = next(one for one in self.keys("receipt") if one["kid"] == kid)
            self.assertEqual(of["state"], "published")
            self.assertNotIn("published_until", of)
            self.assertTrue(of["since"] <= receipt["issued"] <= of["until"], (of, receipt["issued"]))
            formats_test.open_checkpoint(receipt["proof"]["checkpoint"], receipt["proof"]["checkpoint_key"])
        key = receipts[0]["proof"]["checkpoint_key"]
        self.assertEqual(self.keys("checkpoint")[0]["verifier"], key)
        self.assertTrue(self.remit.verify_ledger("--against", checkpoint, "--key", key).json["complete"])
        # That one of them had leaked is seen afterwards: it alone goes.
        kids = [kid_of(receipt["jws"]) for receipt in receipts]
        signs = self.keys("receipt")[0]["kid"]
        would = self.remit.cli("key", "rotate", "receipt", "--leaked", "--kid", kids[0], "--dry-run")
        self.assertIn(f"receipt {kids[0]} would be not trusted any more; none is rotated", would.stdout)
        told = self.remit.cli("key", "rotate", "receipt", "--leaked", "--kid", kids[0])
        self.assertIn(f"receipt {kids[0]} is not trusted any more; none is rotated", told.stdout)
        for _ in range(2):
            self.assertEqual([kid in self.published() for kid in kids], [False, True, True])
            self.assertEqual(self.keys("receipt")[0]["kid"], signs)
            self.remit.restart(hard=True)

    def test_a_copy_that_is_put_back_has_no_key_of_tokens_of_before(self):
        started = self.start()
        before = self.jwt(started)
        receipt = self.keys("receipt")[0]["kid"]
        for key in ("access", "receipt"):
            self.remit.cli("key", "rotate", key)
        after = self.jwt(started)
        copy = pathlib.Path(self.remit.dir) / "copy.db"
        self.remit.cli("backup", copy, "--config", self.remit.config)
        newer = self.remit.cli("key", "rotate", "access", "--json").json["new"]
        rotated = self.remit.cli("key", "rotate", "receipt", "--leaked", "--json").json
        leaked = rotated["old"]
        beside = pathlib.Path(f"{self.remit.dir}/data-anchor/anchor.barred")
        # One of before the rotations does not name it either.
        eventually(lambda: rotated["new"] in beside.read_text(), what="the list beside the anchor names the key that is trusted now")
        self.assertNotIn(leaked, beside.read_text())
        self.remit.kill()
        self.remit.cli("restore", copy, "--config", self.remit.config)
        self.remit.start("--restored")
        for kid in (kid_of(before), kid_of(after), newer, leaked):
            self.assertNotIn(kid, self.published())
        self.assertEqual([one["state"] for one in self.keys("receipt") if one["kid"] == leaked], ["leaked"])
        self.assertIn(receipt, self.published())
        for token in (before, after):
            self.assertFalse(self.active(token))


class FourEyes(harness.Case):
    def test_who_may_and_a_second_yes(self):
        # The ready-made catalog, and two eyes more.
        folder = pathlib.Path(harness.temp_dir()) / "four-eyes"
        folder.mkdir()
        (folder / "keys.cedar").write_text('@id("keys-need-two") @unless_approved("1")\nforbid (principal, action == Remit::Action::"key.rotate", resource);\n')
        server = self.server(start=False)
        server.start()
        catalogs = [harness.SOURCE / "catalogs" / "administration", harness.SOURCE / "catalogs" / "deploy", folder]
        server.cli("catalog", "load", *catalogs)
        facts = pathlib.Path(server.dir) / "people.json"
        facts.write_text(json.dumps([{"uid": {"type": "Employee", "id": who}, "attrs": {}, "parents": [{"type": "Team", "id": "administrators"}]}
                                     for who in ("ann", "bob")] + [{"uid": {"type": "Employee", "id": "eve"}, "attrs": {}, "parents": []}]))
        server.cli("facts", "put", facts)
        eve, ann, bob = (server.person(f'Employee::"{who}"') for who in ("eve", "ann", "bob"))
        before = server.api("GET", "/jwks").json
        reason = lambda result: json.loads(result.stderr)["error"]["reason"]
        self.assertEqual(reason(eve.cli("key", "rotate", "access", "--json", check=False)), "administration-denied")
        self.assertEqual(reason(eve.cli("key", "list", "--json", check=False)), "administration-denied")
        self.assertEqual(reason(server.cli("key", "rotate", "access", "--json", check=False)), "set-up-is-over")
        self.assertEqual(reason(ann.cli("key", "rotate", "checkpoint", "--json", check=False)), "key-not-rotatable")
        waits = ann.cli("key", "rotate", "access", check=False)
        self.assertEqual(waits.returncode, 7, waits)
        self.assertEqual(server.api("GET", "/jwks").json, before)
        shown = bob.cli("approvals").stdout
        self.assertIn("key.rotate", shown)
        self.assertIn(before["keys"][0]["kid"], shown)
        bob.cli("approve", waits.stdout.strip())
        self.assertNotEqual(server.api("GET", "/jwks").json, before)
        event = next(json.loads(entry["body"]) for entry in server.api("GET", "/ledger/entries?from=0&count=500", bearer=harness.OPERATOR).json["entries"]
                     if json.loads(entry["body"])["type"] == "key.rotated")
        self.assertEqual((event["old"], event["by"]), (before["keys"][0]["kid"], 'Employee::"ann"'))
        # What has leaked waits for nobody, and is the operator's too.
        self.assertEqual(ann.cli("key", "rotate", "access", "--leaked", check=False).returncode, 0)
        server.cli("key", "rotate", "access", "--leaked")


if __name__ == "__main__":
    harness.main()
