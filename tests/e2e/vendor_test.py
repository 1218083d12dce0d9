"""Vendor maintenance, on a real PostgreSQL: an engineer of a vendor reads two tables during a window, after a yes, and can do nothing else."""

import json
import re

import harness
import orders
from harness import eventually

REFUSED = "42501"  # insufficient_privilege

# What a window must not do, and PostgreSQL's own word for it.
ATTACKS = [
    ("another table", "SELECT count(*) FROM public.salaries", REFUSED),
    ("insert", "INSERT INTO public.invoices VALUES (5000, 1)", REFUSED),
    ("update", "UPDATE public.customers SET name = 'Eve'", REFUSED),
    ("delete", "DELETE FROM public.invoices", REFUSED),
    ("truncate", "TRUNCATE public.invoices", REFUSED),
    ("lock", "BEGIN; LOCK TABLE public.invoices IN ACCESS EXCLUSIVE MODE", REFUSED),
    ("another schema", "SELECT count(*) FROM hr.people", REFUSED),
    ("create a table", "CREATE TABLE public.mine (n int)", REFUSED),
    ("create a schema", "CREATE SCHEMA mine", REFUSED),
    ("create a temporary table", "CREATE TEMPORARY TABLE mine (n int)", REFUSED),
    ("create a large object", "SELECT lo_create(0)", REFUSED),
    ("create a role", "CREATE ROLE mine", REFUSED),
    ("create a database", "CREATE DATABASE mine", REFUSED),
    ("become Remit", "SET ROLE remit", REFUSED),
    ("become the superuser", "SET ROLE postgres", REFUSED),
    ("become somebody", "SET ROLE somebody", REFUSED),
    ("a SECURITY DEFINER function", "SELECT public.peek()", REFUSED),
    ("a function of Remit", "SELECT remit.identity()", REFUSED),
    ("a table of Remit", "SELECT * FROM remit.scope", REFUSED),
    ("a file of the server", "SELECT pg_read_file('postgresql.conf')", REFUSED),
    ("a program of the server", "COPY public.invoices TO PROGRAM 'cat'", REFUSED),
    ("all passwords", "SELECT rolpassword FROM pg_authid", REFUSED),
    ("its own life", "ALTER ROLE CURRENT_USER VALID UNTIL 'infinity'", REFUSED),
    ("grant what it has", "GRANT SELECT ON public.invoices TO somebody", None),  # a warning, and nothing granted
]


class Vendor(harness.Case):
    """In this order: what PUBLIC may do is closed first."""

    accepted = "connect:postgres"

    @classmethod
    def setUpClass(cls):
        cls.postgres = orders.make_postgres("--tls", "--set", "log_statement=all")
        cls.addClassCleanup(cls.postgres.close)
        cls.orders = orders.Orders(cls.postgres)
        cls.addClassCleanup(cls.orders.close)
        cls.server, cls.vera, cls.dana = cls.orders.server, cls.orders.vera, cls.orders.dana

    def run_window(self, *command, tables="public.invoices public.customers", env=None):
        """`remit run maintenance` by vera, with dana's yes when it waits."""
        named = ",".join(f"orders/{table}" for table in tables.split())
        process = self.start("run", "maintenance", f"tables={named}", "--reason", "CHG-77", "--", *command, env={**self.vera.env, **(env or {})})
        def waiting():
            self.assertIsNone(process.poll(), process.poll() is not None and process.stderr.read())
            return self.dana.cli("approvals", "--json").json["approvals"]
        asked = eventually(waiting, what="the request waits for dana")
        self.assertEqual(len(asked), 1)
        self.assertEqual(asked[0]["reason"], "CHG-77")
        self.assertEqual(asked[0]["actor"], 'Engineer::"vera"')
        self.dana.cli("approve", asked[0]["id"], "--hash", asked[0]["hash"])
        out, err = process.communicate(timeout=120)
        self.task = re.search(r"tsk_[0-9a-z]{26}", err)[0]
        return harness.Completed(process.args, process.returncode, out, err)

    def test_1_check_lists_what_public_may_do_until_it_is_closed(self):
        found = self.server.cli("target", "check", "orders", "--json", check=False)
        self.assertEqual(found.returncode, 8, found)
        names = {item["name"] for item in found.json["items"] if not item["accepted"]}
        self.assertIn("connect:other", names)
        self.assertIn("temporary:orders", names)
        self.assertIn("large-objects:orders", names)
        self.assertTrue(any(name.startswith("definer:orders/") and "peek" in name for name in names), names)
        human = self.server.cli("target", "check", "orders", check=False)
        self.assertEqual(human.returncode, 8)
        self.assertIn("connect:other", human.stdout)

        # One is accepted by name, the rest is closed by the owner with the script as it was printed.
        accepted = self.accepted
        self.assertIn(accepted, names)
        self.server.edit('type = "postgres"\nhost = "127.0.0.1"', f'type = "postgres"\naccepted = [{json.dumps(accepted)}]\nhost = "127.0.0.1"')
        self.server.restart()
        for _ in range(5):  # closing one can uncover another
            found = self.server.cli("target", "check", "orders", "--json", check=False)
            if found.returncode == 0:
                break
            self.postgres.psql(found.json["script"], "orders")
        self.assertEqual(found.returncode, 0, found)
        self.assertEqual([item["name"] for item in found.json["items"]], [accepted])
        self.assertTrue(found.json["items"][0]["accepted"])

    def test_2_explain_says_all_that_there_is(self):
        said = self.vera.cli("explain", "maintenance", "tables=orders/public.invoices,orders/public.customers", "--json").json
        self.assertEqual({(p["action"], p["resource"]) for p in said["permissions"]},
                         {('Postgres::Action::"select"', 'Postgres::Table::"orders/public.invoices"'),
                          ('Postgres::Action::"select"', 'Postgres::Table::"orders/public.customers"')})
        self.assertEqual(said["accepted"], [f"orders: {self.accepted}"])

    def test_3_a_window_reads_its_tables_and_nothing_else(self):
        statements = "".join(f"\\echo <{name}>\n{sql};\n\\echo <{name}=:SQLSTATE>\nROLLBACK;\n" for name, sql, _ in ATTACKS)
        script = f"{self.server.dir}/attacks.sql"
        with open(script, "w") as file:
            file.write("\\set VERBOSITY verbose\nSELECT 'invoices', count(*) FROM public.invoices;\nSELECT 'customers', name FROM public.customers;\n"
                       + statements + "\\echo end\n")
        done = self.run_window("psql", "-X", "-A", "-t", "-f", script)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("invoices|1000", done.stdout)
        self.assertIn("customers|Ada", done.stdout)
        self.assertTrue(done.stdout.endswith("end\n"), done)
        states = dict(re.findall(r"<([^<>=]+)=(\w{5})>", done.stdout))
        for name, sql, state in ATTACKS:
            if state:
                self.assertEqual(states[name], state, f"{name}: {sql}\n{done}")
        self.assertEqual(self.postgres.psql("SELECT count(*), max(id) FROM public.invoices", "orders").stdout, "1000|1000\n")
        self.assertEqual(self.postgres.psql("SELECT has_table_privilege('somebody', 'public.invoices', 'select')", "orders").stdout, "f\n")

    def test_4_no_other_database(self):
        done = self.run_window("sh", "-c", "psql -X -d other -c 'SELECT 1'; psql -X -d postgres -c 'SELECT 1'; psql -X -d template1 -c 'SELECT 1'")
        self.assertNotEqual(done.returncode, 0, done)
        for database in ("other", "template1"):  # postgres was accepted
            self.assertIn(f'permission denied for database "{database}"', done.stderr)

    def test_5_one_table_of_the_two(self):
        done = self.run_window("sh", "-c", "psql -X -A -t -c 'SELECT count(*) FROM invoices' && psql -X -A -t -c 'SELECT 1 FROM customers'",
                               tables="public.invoices")
        self.assertEqual(done.stdout, "1000\n", done)
        self.assertIn("permission denied for table customers", done.stderr)
        self.assertEqual(done.returncode, 1)

    def test_6_the_variables_and_the_proof(self):
        done = self.run_window("sh", "-c", "env | grep -E '^PG' | sort; psql -X -A -t -c 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'",
                               env={"PGSERVICE": "elsewhere", "PGOPTIONS": "-c search_path=hr", "PGSSLMODE": "disable", "PGHOSTADDR": "192.0.2.1"})
        self.assertEqual(done.returncode, 0, done)
        got = dict(line.split("=", 1) for line in done.lines if line.startswith("PG"))
        role = got.pop("PGUSER")
        self.assertRegex(role, rf"^remit_{self.orders.installation}_crd_[0-9a-z]{{26}}$")
        password = got.pop("PGPASSWORD")
        self.assertEqual(got, {"PGHOST": self.postgres.host, "PGPORT": str(self.postgres.port), "PGDATABASE": "orders", "PGSSLMODE": "verify-full",
                               "PGSSLROOTCERT": self.postgres.sslrootcert})
        self.assertEqual(done.lines[-1], "t", "the session has no TLS")

        # The end: gone, refused for the right reason, and written down so that who was not there can see it.
        self.assertEqual(self.postgres.psql(f"SELECT count(*) FROM pg_roles WHERE rolname = '{role}'").stdout, "0\n")
        self.assertIn("28P01", done.stderr)
        receipt = self.orders.receipt(self.task)
        self.assertTrue(receipt["all_dead"])
        self.assertEqual([yes["person"] for yes in receipt["task"]["approvals"]], ['Employee::"dana"'])
        self.assertEqual(receipt["task"]["reason"], "CHG-77")
        [credential] = receipt["credentials"]
        self.assertEqual(credential["name"], role)
        self.assertEqual([e["step"] for e in credential["evidence"]], ["disarmed", "gone", "refused"])
        self.assertIn("28P01", credential["evidence"][-1]["detail"])
        self.assertEqual(receipt["accepted"], [f"orders: {self.accepted}"])
        self.assertNotIn(password, json.dumps(receipt))
        self.assertIn("remit.make(", self.postgres.log_text())  # it writes down each statement, with what is in it
        self.assertNotIn(password, self.postgres.log_text())
        self.assertNotIn(password, self.server.stderr())

    def test_7_not_without_a_yes_not_for_others_tables(self):
        tables = "tables=orders/public.invoices"
        self.assertEqual(self.vera.cli("start", "maintenance", "tables=orders/public.salaries", "--reason", "CHG-1", check=False).returncode, 3)
        otto = self.server.person('Engineer::"otto"')
        self.assertEqual(otto.cli("start", "maintenance", tables, "--reason", "CHG-1", check=False).returncode, 3)
        self.assertEqual(self.dana.cli("start", "maintenance", tables, "--reason", "CHG-1", check=False).returncode, 3)
        self.assertNotEqual(self.vera.cli("start", "maintenance", tables, check=False).returncode, 0, "a window without a reason")

        asked = self.orders.request()
        answer = self.server.api("GET", f"/v1/tasks/{asked['task']['id']}/environment", bearer=asked["holder"])
        self.assertNotEqual(answer.status, 200, str(answer))
        self.assertEqual(self.orders.roles(), [])
        # Who asked does not approve; a hash of something else is not a yes to this.
        [approval] = self.dana.cli("approvals", "--json").json["approvals"]
        for who, hash in [(self.vera, approval["hash"]), (otto, approval["hash"]), (self.dana, approval["hash"][::-1])]:
            answer = who.api("POST", f"/v1/approvals/{approval['id']}/approve", {"hash": hash})
            self.assertGreaterEqual(answer.status, 400, str(answer))
        self.dana.cli("deny", approval["id"], "--why", "not today")
        self.assertEqual(self.server.task(asked["task"]["id"])["state"], "denied")
        self.assertEqual(self.orders.roles(), [])


if __name__ == "__main__":
    harness.main()
