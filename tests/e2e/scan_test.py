"""Standing access: what accounts of a PostgreSQL server hold and use, as people see it; and the task types that are proposed for it."""

import json
import os
import pathlib
import re
import shutil

import harness

FLAGS = [word for setting in ("shared_preload_libraries=pgaudit", "pgaudit.log=read,write,function", "pgaudit.log_relation=on", "logging_collector=on",
                              "log_destination=csvlog,jsonlog", "log_disconnections=on", "log_timezone=America/New_York") for word in ("--set", setting)]

WORLD = """
CREATE DATABASE orders;
CREATE ROLE readers; CREATE ROLE billing LOGIN PASSWORD 'x' IN ROLE readers; CREATE ROLE idle LOGIN PASSWORD 'x';
CREATE ROLE shop LOGIN PASSWORD 'x';
\\connect orders
CREATE TABLE invoices (id serial, amount int); CREATE TABLE customers (id int); CREATE TABLE salaries (id int); CREATE SCHEMA archive; CREATE TABLE archive.salaries (id int);
GRANT SELECT ON invoices, customers TO readers; GRANT INSERT, DELETE ON invoices TO billing; GRANT USAGE ON SEQUENCE invoices_id_seq TO billing;
CREATE SEQUENCE numbers; CREATE TABLE slips (id int DEFAULT nextval('numbers'), amount int); GRANT INSERT ON slips TO shop; GRANT USAGE ON SEQUENCE numbers TO shop;
"""


class Scan(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.pg = harness.Postgres(*FLAGS)
        cls.pg.psql(WORLD)
        cls.work("SELECT * FROM invoices; INSERT INTO invoices (amount) VALUES (1)", "billing")
        cls.work("SELECT * FROM salaries", "billing")
        cls.work("INSERT INTO slips (amount) VALUES (1)", "shop")
        cls.work("SELECT * FROM invoices", "billing")
        cls.work("DO $$ BEGIN RAISE LOG 'AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.customers,x,<not logged>'; END $$", "billing")
        cls.folder = pathlib.Path(cls.pg.data) / "log"
        harness.eventually(lambda: sum(text.read_text().count('"disconnection: session time') for text in cls.folder.glob("*.csv")) >= 6)

    @classmethod
    def tearDownClass(cls):
        cls.pg.close()

    @classmethod
    def work(cls, sql, user):
        cls.pg.psql(sql, database="orders", user=user, password="x", check=False)

    def setUp(self):
        self.dir = pathlib.Path(harness.temp_dir("remit-scan-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        # A copy, so that a log that is being written makes no difference.
        self.logs = self.dir / "log"
        shutil.copytree(self.folder, self.logs)

    def address(self, database="orders"):
        return f"postgresql://postgres@127.0.0.1:{self.pg.port}/{database}"

    def scan(self, *args, check=True, log=None):
        return harness.run("scan", "postgres", self.address(), "--log", log or self.logs, *args, check=check)

    def account(self, name, *args, **kwargs):
        report = json.loads(self.scan("--json", "--account", name, *args, **kwargs).stdout)
        return report, report["accounts"][0]

    def test_1_what_is_held_used_and_refused(self):
        report, billing = self.account("billing")
        held = {(h["object"].get("name"), h["privilege"]): h for h in billing["held"] if h["object"]["kind"] == "table"}
        self.assertEqual({key: (h["evidence"], h.get("count")) for key, h in held.items()},
                         {("invoices", "SELECT"): ("used", 2), ("invoices", "INSERT"): ("used", 1), ("invoices", "DELETE"): ("unknown", None),
                          ("customers", "SELECT"): ("never", None)})
        self.assertEqual(held["customers", "SELECT"]["path"], {"via": "grant", "roles": ["billing", "readers"], "grantor": "postgres", "inherited": True})
        self.assertEqual([(r["what"], [c["schema"] for c in r["candidates"]]) for r in billing["refused"]], [("table salaries", ["archive", "public"])])
        self.assertEqual([f["count"] for f in report["findings"] if f["reason"] == "forged-context"], [1])
        self.assertNotIn("RAISE", json.dumps(report))
        _, idle = self.account("idle")
        self.assertEqual(idle["used"], [])

    def test_2_for_people(self):
        shown = self.scan("--account", "billing").stdout
        self.assertRegex(shown, r"2× +SELECT +orders: table public\.invoices +granted to readers by postgres; billing > readers")
        self.assertRegex(shown, r"never +SELECT +orders: table public\.customers")
        self.assertIn("refused 1×  table salaries, one of: table archive.salaries, table public.salaries", shown)
        self.assertNotIn("\x1b", shown)

    def test_3_both_forms_say_the_same(self):
        for path in self.logs.glob("*.csv"):
            path.unlink()
        report, billing = self.account("billing")
        self.assertEqual({(u["object"]["name"], u["privilege"]): u["count"] for u in billing["used"]}, {("invoices", "SELECT"): 2, ("invoices", "INSERT"): 1})
        self.assertEqual([f["reason"] for f in report["findings"] if f["reason"].startswith("forged")], ["forged-context"])

    def test_4_a_proposal_is_a_catalog_that_keeps_its_tests(self):
        out = self.dir / "proposed"
        done = harness.run("scan", "propose", self.address(), "--log", self.logs, "--as", "orders=orders-prod", "--out", out, "--json")
        proposal = json.loads(done.stdout)
        self.assertEqual([(t["name"], sorted(p["privilege"] + " " + p["table"] for p in t["permissions"])) for t in proposal["types"]],
                         [("billing-orders-prod", ["INSERT orders-prod/public.invoices", "SELECT orders-prod/public.invoices"]),
                          ("shop-orders-prod", ["INSERT orders-prod/public.slips"])])
        # What @doc says to people stands there for programs too.
        text = "".join(f.read_text() for f in out.glob("*.cedar"))
        for p in proposal["types"][0]["permissions"]:
            self.assertEqual((p["count"], p["hidden"]), ({"SELECT": 2, "INSERT": 1}[p["privilege"]], False))
            self.assertLessEqual(p["first"], p["last"])
            self.assertRegex(p["first"], r"^\d{4}-\d\d-\d\dT[\d:.]+Z$")
            times = "once" if p["count"] == 1 else f"{p['count']} times"
            self.assertIn(f"used {times} in {p['sessions']} session{'s' if p['sessions'] > 1 else ''}, first {p['first'][:10]}", text)
        self.assertEqual(proposal["replay"]["lines"], {"allowed": 3, "public": 0, "others-rights": 0, "refused": 1, "unclear": 0})
        self.assertEqual([p["sequences"] for t in proposal["types"] for p in t["permissions"] if p["privilege"] == "INSERT"], [["public.invoices_id_seq"], []])
        self.assertEqual(proposal["types"][0]["replay"], {"sessions_whole": 2, "sessions_cut": 0, "tasks": 2, "most_a_day": 2})
        harness.run("catalog", "check", "--strict", out)
        tests = harness.run("catalog", "test", out).stdout
        self.assertIn("0 failed; 5 of 5 policies reached", tests)

    def test_5_a_folder_that_is_there_is_kept(self):
        out = self.dir / "proposed"
        out.mkdir()
        (out / "mine.cedar").write_text("// mine")
        args = ("scan", "propose", self.address(), "--log", self.logs, "--account", "billing", "--out", out)
        refused = harness.run(*args, check=False)
        self.assertEqual(refused.returncode, 5, str(refused))
        self.assertIn("is there already", refused.stderr)
        harness.run(*args, "--force")
        self.assertEqual([p.name for p in (self.dir / "proposed.1").iterdir()], ["mine.cedar"])
        self.assertFalse((out / "mine.cedar").exists())
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["log", "proposed", "proposed.1"])

    def test_6_a_log_that_is_not_whole(self):
        csv = next(path for path in self.logs.glob("*.csv") if path.stat().st_size > 0)
        whole = csv.read_bytes()
        csv.write_bytes(whole + whole[:40])  # being written
        report, billing = self.account("billing")
        self.assertIn("cut-off-log", {f["reason"] for f in report["findings"]})
        self.assertEqual(sum(u["count"] for u in billing["used"]), 3)
        csv.write_bytes(whole[10:])  # cut out of another
        done = self.scan("--json", "--account", "billing", check=False)
        self.assertEqual(done.returncode, 8, str(done))
        report = json.loads(done.stdout)
        self.assertIn("broken-log", {f["reason"] for f in report["findings"]})
        self.assertEqual(report["accounts"][0]["used"], [])

    def test_7_a_copy_of_a_log_counts_once(self):
        for path in list(self.logs.glob("*.csv")):
            shutil.copy(path, self.logs / ("copy-" + path.name))
        report, billing = self.account("billing")
        self.assertEqual(sum(u["count"] for u in billing["used"]), 3)
        self.assertIn("repeated-line", {f["reason"] for f in report["findings"]})

    def test_8_what_is_refused(self):
        for args, status, reason in [((f"postgresql://postgres:secret@127.0.0.1:{self.pg.port}/orders",), 2, "password-in-address"),
                                     ((f"postgresql://127.0.0.1:{self.pg.port}/orders",), 2, "no-user"),
                                     ((f"postgresql://postgres@127.0.0.1:{self.pg.port}/orders?options=x",), 2, "bad-server-address"),
                                     ((self.address(), "--account", "biling"), 4, "unknown-account"),
                                     ((self.address(), "--database", "nowhere"), 4, "unknown-database"),
                                     ((self.address(), "--log", self.dir / "nothing"), 4, "no-such-log"),
                                     ((self.address("nowhere"),), None, "pg-3D000")]:
            done = harness.run("scan", "postgres", "--json", *args, check=False)
            error = json.loads(done.stderr.splitlines()[-1])["error"]
            self.assertEqual(error["reason"], reason, str(done))
            if status is not None:
                self.assertEqual(done.returncode, status, str(done))
            self.assertNotIn("secret", done.stderr)
        empty = self.dir / "empty"
        empty.mkdir()
        done = harness.run("scan", "postgres", "--json", self.address(), "--log", empty, check=False)
        self.assertEqual(json.loads(done.stderr)["error"]["reason"], "no-log")

    def test_9_anybody_may_look_with_a_password_from_a_file(self):
        password = self.dir / "password"
        password.write_text("x\n")
        os.chmod(password, 0o600)
        done = harness.run("scan", "postgres", f"postgresql://idle@127.0.0.1:{self.pg.port}/orders", "--password-file", password, "--account", "billing", "--json")
        held = json.loads(done.stdout)["accounts"][0]["held"]
        self.assertIn(("invoices", "DELETE", "unknown"), {(h["object"].get("name"), h["privilege"], h["evidence"]) for h in held})

    def test_a_the_same_work_as_a_task(self):
        """What was proposed is what a server takes: the account's work runs as a task, with what the proposal says and no more."""
        out = self.dir / "proposed"
        shown = harness.run("scan", "propose", self.address(), "--log", self.logs, "--account", "billing", "--out", out).stdout
        self.assertIn("INSERT orders/public.invoices  (and its own sequence public.invoices_id_seq)", shown)
        self.assertNotIn("on sequence", shown)  # all of it that the account holds comes with the INSERT
        self.assertIn("; brings USAGE on sequence public.invoices_id_seq", (out / "billing-orders.cedar").read_text())
        tables = re.findall(r"^//   (\S+)$", (out / "billing-orders.cedar").read_text(), re.M)
        self.assertEqual(tables, ["public.invoices:select,insert"])
        server = harness.RemitServer(start=False)
        self.addCleanup(server.close)
        server.add_postgres_target("orders", self.pg, "orders", user="remit", password="remit-password", tables=tables)
        server.start()
        server.load(out)
        self.pg.psql(server.cli("target", "init", "postgres", "orders", "--config", server.config).stdout, "orders")
        billing = server.actor('ServiceAccount::"billing"')
        sql = "INSERT INTO public.invoices (amount) VALUES (7); SELECT count(*) > 0 FROM public.invoices"
        done = billing.cli("run", "billing-orders", "tables=orders/public.invoices", "--", "psql", "-X", "-A", "-t", "-c", sql)
        self.assertIn("\nt", done.stdout, str(done))
        task = re.search(r"tsk_\w+", done.stderr)[0]
        receipt = billing.cli("receipt", task, "--json").json
        self.assertEqual(receipt["credentials"][0]["brings"], ["USAGE on sequence public.invoices_id_seq"])
        self.assertIn("brings USAGE on sequence public.invoices_id_seq", billing.cli("receipt", task).stdout)
        explained = billing.cli("explain", "billing-orders", "tables=orders/public.invoices").stdout
        self.assertIn("an insert brings USAGE on the sequences that the table's own columns draw on", explained)
        for denied in ("SELECT * FROM public.customers", "DELETE FROM public.invoices", "SELECT setval('invoices_id_seq', 1)", "SELECT nextval('numbers')"):
            done = billing.cli("run", "billing-orders", "tables=orders/public.invoices", "--", "psql", "-X", "-c", denied, check=False)
            self.assertIn("permission denied", done.stderr, str(done))
        refused = billing.cli("run", "billing-orders", "tables=orders/public.customers", "--", "true", check=False)
        self.assertEqual(refused.returncode, 3, str(refused))

    def test_b_work_that_draws_on_anothers_sequence_is_said_to_fail_and_does(self):
        out = self.dir / "proposed"
        shown = harness.run("scan", "propose", self.address(), "--log", self.logs, "--account", "shop", "--out", out).stdout
        self.assertIn("0 of 1 session would have gone through whole", shown)
        self.assertRegex(shown, "not-expressible  shop  INSERT on table public.slips in orders: column id takes its default from sequence public.numbers, which is not its own")
        server = harness.RemitServer(start=False)
        self.addCleanup(server.close)
        server.add_postgres_target("orders", self.pg, "orders", user="remit_shop", password="shop-password", tables=["public.slips:insert"])
        server.start()
        server.load(out)
        init = lambda: self.pg.psql(server.cli("target", "init", "postgres", "orders", "--config", server.config).stdout, "orders")
        init()
        shop = server.actor('ServiceAccount::"shop"')
        run = lambda: shop.cli("run", "shop-orders", "tables=orders/public.slips", "--", "psql", "-X", "-c", "INSERT INTO public.slips (amount) VALUES (2)", check=False)
        self.assertIn("permission denied for sequence numbers", run().stderr)
        self.assertIn("fails    insert on public.slips", server.cli("target", "check", "orders", check=False).stdout)
        # As the finding says: the column's own, and the script once more.
        self.pg.psql("ALTER SEQUENCE numbers OWNED BY slips.id", "orders")
        checked = server.cli("target", "check", "orders", check=False)
        self.assertEqual(checked.returncode, 8, str(checked))
        self.assertIn("`remit target init postgres orders` gives tables their own sequences: run it again", checked.stderr)
        self.assertIn("tasks may insert into public.slips, and not use the sequence", server.cli("doctor", check=False).stdout)
        init()
        done = run()
        self.assertEqual(done.returncode, 0, str(done))
        self.assertNotIn("slips", server.cli("target", "check", "orders", check=False).stdout)
        self.pg.psql("ALTER SEQUENCE numbers OWNED BY NONE", "orders")


if __name__ == "__main__":
    harness.main()
