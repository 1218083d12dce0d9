"""Standing access with real servers: an offboarding ends what an actor's accounts hold at PostgreSQL, and `remit replace` asks and tells Remit's server."""

import json
import os
import pathlib

import harness
from harness import eventually

POPULATE = r"""
CREATE DATABASE orders;
CREATE ROLE remit LOGIN PASSWORD 'remit-password';
CREATE ROLE remit_offboard SUPERUSER LOGIN PASSWORD 'offboard-password';
CREATE ROLE billing LOGIN PASSWORD 'billing-password';
\connect orders
CREATE TABLE public.invoices (id int);
CREATE TABLE public.notes (id int);
ALTER TABLE public.notes OWNER TO billing;
GRANT SELECT, INSERT ON public.invoices TO billing;
"""
CI = 'Pipeline::"ci"'
MAY_SELECT = "SELECT has_table_privilege('billing', 'invoices', 'SELECT')"


class Standing(harness.Case):
    def setUp(self):
        self.postgres_server = self.postgres()
        self.postgres_server.psql(POPULATE)

    def sql(self, sql, **kwargs):
        return self.postgres_server.psql(sql, "orders", **kwargs).stdout.strip()

    def serve(self, *catalogs, superuser=True):
        server = self.server(start=False)
        settings = {}
        if superuser:
            path = f"{server.dir}/etc/superuser.password"
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write("offboard-password\n")
            settings = {"superuser": "remit_offboard", "superuser_password_file": path}
        server.add_postgres_target("orders", self.postgres_server, "orders", **settings)
        server.start()
        server.load(*catalogs)
        return server

    def events(self, server, *types):
        entries = server.api("GET", "/ledger/entries?from=0&count=1000", bearer=harness.OPERATOR).json["entries"]
        events = [json.loads(entry["body"]) for entry in entries]
        return [event for event in events if event["type"] in types]


class Offboarding(Standing):
    def test_what_an_account_holds_goes_and_what_it_owns_is_named(self):
        server = self.serve("deploy")
        wrong = server.cli("actor", "put", CI, "--account", "nowhere/billing", check=False)
        self.assertIn("there is no target `nowhere`", wrong.stderr)
        server.cli("actor", "put", CI, "--account", "orders/billing")
        self.assertIn("orders/billing", server.cli("actor", "list").stdout)
        done = server.cli("offboard", CI, "--reason", "moved", check=False)
        self.assertEqual(done.returncode, 8, done)
        self.assertIn("ended account billing at orders", done.stdout)
        self.assertIn("open  ownership OWNER on table public.notes", done.stdout)
        self.assertEqual(self.sql(MAY_SELECT), "f")
        refused = self.postgres_server.psql("SELECT 1", "orders", user="billing", password="billing-password", check=False)
        self.assertIn('role "billing" is not permitted to log in', refused.stderr)
        # Who, which account, the plan, what went and the evidence are in the ledger, and what was meant stands before it.
        told = self.events(server, "offboard.begun", "standing.ending", "standing.ended", "offboard.open")
        self.assertEqual([event["type"] for event in told], ["offboard.begun", "standing.ending", "standing.ending", "standing.ended", "offboard.open"])
        self.assertEqual(told[0]["accounts"], ["orders/billing"])
        self.assertEqual((told[3]["account"], told[3]["actor"], told[3]["removed"]), ("billing", CI, 2))
        self.assertEqual(told[3]["plan"], told[2]["plan"])
        # Its plan is a file as `remit replace` knows it.
        status = harness.run("replace", "status", told[2]["file"], "--json",
                             env={"PGHOST": self.postgres_server.host, "PGPORT": self.postgres_server.port, "PGUSER": "postgres"})
        self.assertEqual((status.json["phase"], status.json["drift"]), ("applied", False))
        # The rest by hand, and asked again.
        self.sql("ALTER TABLE notes OWNER TO postgres")
        again = server.cli("offboard", CI, "--json")
        self.assertTrue(again.json["complete"])
        self.assertEqual(again.json["standing_access"], "looked at")
        self.assertTrue(server.verify_ledger().json["ok"])

    def oid(self, role):
        return self.sql(f"SELECT oid FROM pg_roles WHERE rolname = '{role}'")

    def decoy(self):
        self.sql("ALTER ROLE billing RENAME TO hidden")
        self.sql("CREATE ROLE billing LOGIN")

    def assert_found_out(self, server, oid):
        done = server.cli("offboard", CI, check=False)
        self.assertEqual(done.returncode, 8, done)
        self.assertIn(f"open  account billing at orders  the role that had this name (OID {oid}) is called `hidden` now", done.stdout)
        self.assertIn(f"another role (OID {self.oid('billing')}) that nobody declared: nothing was done to either", done.stdout)
        self.assertEqual(self.sql("SELECT count(*) FROM pg_roles WHERE rolname IN ('billing', 'hidden') AND rolcanlogin"), "2")
        self.assertEqual(self.events(server, "standing.ending"), [])

    def test_a_decoy_that_came_after_the_declaration_is_found_out(self):
        server = self.serve("deploy")
        oid, system = self.oid("billing"), self.sql("SELECT system_identifier FROM pg_control_system()")
        put = server.cli("actor", "put", CI, "--account", "orders/billing")
        self.assertIn(f"orders/billing is the role with OID {oid} at cluster {system}: `remit offboard` ends that one", put.stdout)
        noted, = self.events(server, "standing.noted")
        self.assertEqual((noted["target"], noted["account"], noted["account_oid"], noted["system"]), ("orders", "billing", oid, system))
        self.decoy()
        server.restart(hard=True)
        self.assert_found_out(server, oid)
        self.assertTrue(server.verify_ledger().json["ok"])

    def test_a_target_that_is_down_when_it_is_declared_is_seen_later(self):
        server = self.serve("deploy")
        oid = self.oid("billing")
        self.postgres_server.stop()
        put = server.cli("actor", "put", CI, "--account", "orders/billing")
        self.assertIn("is registered", put.stdout)
        self.assertIn("orders/billing is declared, and was not seen: ", put.stderr)
        self.assertIn("until then whatever role has this name is taken for it", put.stderr)
        self.assertIn("its OID is not noted", server.cli("doctor", check=False).stdout)
        self.postgres_server.start()
        self.assertNotIn("its OID is not noted", server.cli("doctor", check=False).stdout)
        self.assertEqual(len(self.events(server, "standing.noted")), 1)
        self.decoy()
        self.assert_found_out(server, oid)

    def test_what_an_older_store_has_declared_is_seen_at_the_start(self):
        server = self.serve("deploy")
        self.postgres_server.stop()
        server.cli("actor", "put", CI, "--account", "orders/billing")
        self.postgres_server.start()
        oid = self.oid("billing")
        server.restart()
        eventually(lambda: self.events(server, "standing.noted"), what="its OID is noted")
        self.decoy()
        self.assert_found_out(server, oid)

    def test_a_server_that_is_down_is_named_and_the_next_start_goes_on(self):
        server = self.serve("deploy")
        server.cli("actor", "put", CI, "--account", "orders/billing")
        self.sql("ALTER TABLE notes OWNER TO postgres")
        self.postgres_server.stop()
        done = server.cli("offboard", CI, check=False)
        self.assertEqual(done.returncode, 8, done)
        self.assertIn("open  account billing at orders", done.stdout)
        self.postgres_server.start()
        self.assertEqual(self.sql(MAY_SELECT), "t")
        server.restart(hard=True)
        eventually(lambda: self.sql(MAY_SELECT) == "f", what="the next start goes on")
        eventually(lambda: self.events(server, "offboard.done"), what="and says that it is complete")
        # Once is enough.
        server.restart()
        self.assertEqual(len(self.events(server, "offboard.done")), 1)

    def test_without_a_superuser_it_is_read_and_named(self):
        server = self.serve("deploy", superuser=False)
        server.cli("actor", "put", CI, "--account", "orders/billing")
        done = server.cli("offboard", CI, check=False)
        self.assertEqual(done.returncode, 8, done)
        self.assertIn("grants in database `orders`", done.stdout)
        self.assertEqual(self.sql(MAY_SELECT), "t")


class Replacing(Standing):
    def setUp(self):
        super().setUp()
        self.remit = self.serve("administration", "deploy", superuser=False)
        team = f"{self.remit.dir}/team.json"
        pathlib.Path(team).write_text(json.dumps([
            {"uid": {"type": "Employee", "id": name}, "attrs": {}, "parents": [{"type": "Team", "id": "administrators"}] if name != "eve" else []}
            for name in ("ann", "bob", "eve")]))
        self.remit.cli("facts", "put", team)
        self.ann, self.eve = self.remit.person('Employee::"ann"'), self.remit.person('Employee::"eve"')
        self.remit.person('Employee::"bob"')
        self.admin = {"PGHOST": self.postgres_server.host, "PGPORT": self.postgres_server.port, "PGUSER": "postgres"}
        self.plan = f"{self.remit.dir}/billing.json"
        planned = harness.run("replace", "plan", "billing", "--out", self.plan, "--json", env=self.admin)
        self.hash = planned.json["hash"]

    def as_(self, who, *args, **kwargs):
        return who.cli("replace", *args, env=self.admin, **kwargs)

    def test_it_is_asked_first_and_told_after(self):
        refused = self.as_(self.eve, "apply", self.plan, "--json", check=False)
        self.assertEqual(json.loads(refused.stderr)["error"]["reason"], "administration-denied", refused)
        self.assertEqual(self.sql(MAY_SELECT), "t")
        self.assertEqual(self.events(self.remit, "replace.begun"), [])
        self.as_(self.ann, "apply", self.plan)
        self.assertEqual(self.sql(MAY_SELECT), "f")
        begun, done = self.events(self.remit, "replace.begun", "replace.done")
        self.assertEqual((begun["step"], begun["by"], begun["account"], begun["plan"]), ("apply", 'Employee::"ann"', "billing", self.hash))
        self.assertEqual((done["removed"], done["refused"], done["plan"]), (2, 2, self.hash))
        self.assertIn("SELECT on table public.invoices in database `orders` to `billing` by `postgres`", done["gone"])
        # Giving back is no operator's.
        refused = self.as_(self.remit, "rollback", self.plan, "--json", check=False)
        self.assertEqual(json.loads(refused.stderr)["error"]["reason"], "set-up-is-over", refused)
        self.assertEqual(self.sql(MAY_SELECT), "f")
        self.as_(self.ann, "rollback", self.plan)
        self.assertEqual(self.sql(MAY_SELECT), "t")
        self.assertEqual([event["step"] for event in self.events(self.remit, "replace.done")], ["apply", "rollback"])

    def test_what_fails_is_told_too(self):
        self.sql("GRANT DELETE ON invoices TO billing")
        self.assertNotEqual(self.as_(self.ann, "apply", self.plan, check=False).returncode, 0)
        failed, = self.events(self.remit, "replace.failed")
        self.assertIn("changed-since-plan", failed["why"])

    def test_a_server_that_is_down_refuses_unless_it_is_left_out(self):
        self.remit.stop()
        refused = self.as_(self.ann, "apply", self.plan, check=False)
        self.assertEqual(refused.returncode, 6, refused)
        self.assertIn("nothing was done", refused.stderr)
        self.assertIn("--without-server", refused.stderr)
        self.assertEqual(self.sql(MAY_SELECT), "t")
        done = self.as_(self.ann, "apply", self.plan, "--without-server")
        self.assertIn("writes this down", done.stderr)
        self.assertEqual(self.sql(MAY_SELECT), "f")
        # Nor is anybody asked where none is configured.
        done = harness.run("replace", "rollback", self.plan, env=self.admin)
        self.assertIn("no Remit server is configured", done.stderr)
        self.assertEqual(self.sql(MAY_SELECT), "t")


if __name__ == "__main__":
    harness.main()
