"""The end of a window cuts off a psql that is still open, whatever it holds; the role is gone, and its password is refused for the right reason."""

import json
import threading

import harness
import orders
from harness import eventually


class CutOff(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.postgres = orders.make_postgres()  # with prepared transactions; PUBLIC has what PostgreSQL gives it
        cls.addClassCleanup(cls.postgres.close)
        cls.orders = orders.Orders(cls.postgres)
        cls.addClassCleanup(cls.orders.close)

    def session(self, window, *statements, database="orders"):
        """An open psql of the window that has done this, and is still alive."""
        psql = window.session(database)
        self.addCleanup(psql.close)
        for sql in statements:
            said = psql.say(sql)
            self.assertNotIn("ERROR", said, sql)
        self.assertEqual(psql.say("SELECT 'alive';"), "alive")
        return psql

    def assert_dead(self, window, answer, *sessions, cut_off=None):
        """Everything that is to be seen of the end: by who holds the session, at the server, and in the receipt."""
        self.assertTrue(answer["all_dead"], answer)
        [credential] = answer["credentials"]
        self.assertEqual(credential["state"], "dead")
        self.assertEqual([e["step"] for e in credential["evidence"]], ["disarmed", "gone", "refused"], credential)
        if cut_off is not None:
            self.assertIn(f"({cut_off} cut off", credential["evidence"][0]["detail"])
        self.assertIn("28P01", credential["evidence"][2]["detail"])
        for psql in sessions:
            code, said = psql.cut_off()
            self.assertEqual(code, 2, said)
            self.assertIn("57P01", said, "psql was not told that an administrator ended it")
            self.assertNotIn("still here", said)
        gone = self.postgres.psql(f"""
            SELECT (SELECT count(*) FROM pg_roles WHERE rolname = '{window.role}'),
                   (SELECT count(*) FROM pg_stat_activity WHERE usename = '{window.role}' OR pid IN ({','.join(str(s.pid) for s in sessions) or 0})),
                   (SELECT count(*) FROM pg_prepared_xacts), (SELECT count(*) FROM pg_largeobject_metadata WHERE lomowner > 16384)""").stdout
        self.assertEqual(gone, "0|0|0|0\n")
        self.assertEqual(set(window.refused()), {"28P01"})
        receipt = window.orders.receipt(window.id)
        self.assertTrue(receipt["all_dead"])
        self.assertEqual(receipt["credentials"][0]["evidence"], credential["evidence"])

    def cut_off(self, *statements, database="orders"):
        window = self.orders.window()
        psql = self.session(window, *statements, database=database)
        answer = window.complete()
        self.assert_dead(window, answer, psql, cut_off=1)
        return window

    def test_idle(self):
        window = self.cut_off("SELECT count(*) FROM public.invoices;")
        self.assertEqual(sorted(window.env), ["PGDATABASE", "PGHOST", "PGPASSWORD", "PGPORT", "PGUSER"])

    def test_a_cursor(self):
        self.cut_off("BEGIN;", "DECLARE c CURSOR FOR SELECT * FROM public.invoices;", "FETCH 10 FROM c;")

    def test_a_cursor_that_outlived_its_transaction(self):
        self.cut_off("DECLARE c CURSOR WITH HOLD FOR SELECT * FROM public.invoices;", "FETCH 10 FROM c;")

    def test_a_lock(self):
        self.cut_off("BEGIN;", "LOCK TABLE public.invoices IN ACCESS SHARE MODE;", "SELECT pg_advisory_lock(1);")

    def test_a_temporary_table(self):
        self.cut_off("CREATE TEMPORARY TABLE mine AS SELECT * FROM public.invoices;", "BEGIN;", "INSERT INTO mine SELECT * FROM mine;")

    def test_a_temporary_table_in_another_database(self):
        self.cut_off("CREATE TEMPORARY TABLE mine (n int);", database="other")

    def test_a_large_object(self):
        self.cut_off("SELECT lo_from_bytea(4711, 'loot');", "BEGIN;", "SELECT lo_open(4711, 393216);")

    def test_a_large_object_in_another_database(self):
        self.cut_off("SELECT lo_from_bytea(4712, 'loot');", database="other")
        self.assertEqual(self.postgres.psql("SELECT count(*) FROM pg_largeobject_metadata", "other").stdout, "0\n")

    def test_its_own_row_of_pg_authid(self):
        self.cut_off("BEGIN;", "ALTER ROLE CURRENT_USER PASSWORD 'another';")

    def test_its_password_changed(self):
        window = self.cut_off("ALTER ROLE CURRENT_USER PASSWORD 'another';")
        window.password = "another"
        self.assertEqual(set(window.refused()), {"28P01"})

    def test_a_statement_that_runs(self):
        window = self.orders.window()
        psql = self.session(window)
        psql.send("SELECT pg_sleep(1000) FROM public.invoices;")
        eventually(lambda: self.postgres.psql(f"SELECT state FROM pg_stat_activity WHERE pid = {psql.pid} AND query LIKE '%sleep%'").stdout == "active\n",
                   what="the statement runs")
        self.assert_dead(window, window.complete(), psql, cut_off=1)

    def test_as_many_sessions_as_it_may_have(self):
        window = self.orders.window()
        sessions = [self.session(window, "BEGIN;", "SELECT count(*) FROM public.invoices;") for _ in range(10)]
        self.assertNotEqual(window.psql("SELECT 1", check=False).returncode, 0, "an eleventh session")
        self.assert_dead(window, window.complete(), *sessions, cut_off=10)

    def test_a_prepared_transaction(self):
        window = self.cut_off("BEGIN;", "SELECT count(*) FROM public.invoices;", "LOCK TABLE public.invoices IN ACCESS SHARE MODE;",
                              "PREPARE TRANSACTION 'left behind';", "BEGIN;", "SELECT 1;")
        detail = self.orders.receipt(window.id)["credentials"][0]["evidence"][0]["detail"]
        self.assertIn("1 prepared transactions rolled back", detail)

    def test_a_prepared_transaction_that_holds_its_own_row(self):
        self.cut_off("BEGIN;", "ALTER ROLE CURRENT_USER PASSWORD 'another';", "PREPARE TRANSACTION 'own row';")

    def test_a_prepared_transaction_in_another_database(self):
        self.cut_off("BEGIN;", "SELECT lo_from_bytea(4713, 'loot');", "PREPARE TRANSACTION 'elsewhere';", database="other")

    def test_a_client_that_logs_in_again_and_again(self):
        window = self.orders.window()
        over, codes = threading.Event(), []

        def hammer():
            while not over.is_set():
                codes.append(window.psql("SELECT count(*) FROM public.invoices; SELECT pg_sleep(0.05)", check=False).returncode)
        threads = [threading.Thread(target=hammer) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            eventually(lambda: 0 in codes, what="one of them is in")
            answer = window.complete()
            dead_at = len(codes)
            self.assertTrue(answer["all_dead"], answer)
            eventually(lambda: len(codes) > dead_at + 6, what="they have tried again")
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertNotIn(0, codes[dead_at + 3:], "a login after the end")
        self.assert_dead(window, answer)

    def test_many_windows_at_once(self):
        windows = harness.in_parallel([self.orders.window] * 6, 3)
        sessions = [self.session(window, "BEGIN;", "SELECT count(*) FROM public.invoices;") for window in windows]
        bystander = self.orders.window()
        stays = self.session(bystander, "BEGIN;", "SELECT count(*) FROM public.invoices;")
        answers = harness.in_parallel([window.complete for window in windows], len(windows))
        for window, answer, psql in zip(windows, answers, sessions):
            self.assert_dead(window, answer, psql, cut_off=1)
        self.assertEqual(stays.say("SELECT count(*) FROM public.customers;"), "1", "a window that has not ended lost its session")
        self.assertEqual(self.orders.roles(), [bystander.role])
        self.assert_dead(bystander, bystander.complete(), stays, cut_off=1)

    def test_somebody_else_holds_what_must_go(self):
        """An administrator's open transaction delays the end, it does not cancel it; and the role is harmless meanwhile."""
        window = self.orders.window()
        psql = self.session(window, "SELECT count(*) FROM public.invoices;")
        with orders.Psql(self.postgres) as admin:
            admin.say(f"BEGIN; ALTER ROLE \"{window.role}\" CONNECTION LIMIT 3;")
            answer = window.complete(wait="3s")
            self.assertFalse(answer["all_dead"], answer)
            eventually(lambda: self.orders.credentials(window.id)[0].get("last_error"), what="the reason is told")
            self.assertEqual(self.postgres.psql(f"SELECT count(*) FROM pg_auth_members WHERE member = '{window.role}'::regrole").stdout, "0\n")
            self.assertEqual(psql.cut_off()[0], 2)
            said = window.psql("SELECT count(*) FROM public.invoices", check=False)
            self.assertNotEqual(said.returncode, 0, said)
            admin.say("ROLLBACK;")
        eventually(lambda: self.orders.credentials(window.id)[0]["state"] == "dead", 90, "dead once nothing is in the way")
        self.assertEqual(self.orders.roles(), [])
        self.assertEqual(set(window.refused()), {"28P01"})

    def test_another_installations_roles(self):
        other = orders.Orders(self.postgres, user="remit2")
        self.addCleanup(other.close)
        ours, theirs = self.orders.window(), other.window()
        stays = self.session(theirs, "BEGIN;", "SELECT count(*) FROM public.invoices;")
        # One of theirs that even they have forgotten, and names that only look like ours.
        lookalikes = ["remit_crd_0123456789", f"remit_{self.orders.installation}x_crd_" + "0" * 26, f"remit_{self.orders.installation}_crd_short",
                      f"xremit_{self.orders.installation}_crd_" + "0" * 26]
        forgotten = f"remit_{other.installation}_crd_" + "0" * 26
        self.addCleanup(lambda: self.postgres.psql("".join(f"DROP ROLE IF EXISTS \"{name}\";" for name in [*lookalikes, forgotten])))
        for name in [*lookalikes, forgotten]:
            self.postgres.psql(f"CREATE ROLE \"{name}\" LOGIN; COMMENT ON ROLE \"{name}\" IS 'remit/{other.installation}/crd_{'0' * 26}'")
        # One of ours that our store does not know: what a store that was lost, or put back from a copy, leaves.
        stray = f"remit_{self.orders.installation}_crd_" + "1" * 26
        self.postgres.psql(f"CREATE ROLE \"{stray}\" LOGIN; COMMENT ON ROLE \"{stray}\" IS 'remit/{self.orders.installation}/crd_{'1' * 26}'; "
                           f"GRANT \"{stray}\" TO remit")

        report = self.orders.sweep()
        self.assertEqual(sorted(report["others"]), sorted([theirs.role, forgotten]), report)
        self.assertEqual(report["ended"], [stray])
        self.assertEqual(report["missing"], [])
        eventually(lambda: self.orders.roles() == [ours.role], what="the stray is gone")
        self.assertEqual(stays.say("SELECT count(*) FROM public.customers;"), "1")

        # Ours ends; what is not ours stays as it was, also after a restart with its sweep.
        self.assert_dead(ours, ours.complete())
        self.orders.server.restart()
        self.orders.sweep()
        there = self.postgres.psql("SELECT rolname FROM pg_roles WHERE rolname LIKE '%remit%crd%' ORDER BY 1").lines
        self.assertEqual(there, sorted([*lookalikes, forgotten, theirs.role]))
        self.assertEqual(stays.say("SELECT count(*) FROM public.invoices;"), "1000")
        # Nor could our role at the server do it, if it tried.
        said = self.postgres.psql(f"SELECT remit.disarm('{theirs.role}'::regrole)", "orders", "remit", "remit-password", check=False)
        self.assertIn("is not the name of a role of installation", said.stderr)
        said = self.postgres.psql(f"DROP ROLE \"{theirs.role}\"", "orders", "remit", "remit-password", check=False)
        self.assertIn("permission denied", said.stderr)

        self.assert_dead(theirs, theirs.complete(), stays, cut_off=1)
        other.sweep()
        eventually(lambda: other.roles() == [], what="theirs ended what they had forgotten")

    def test_remit_run_proves_an_end_that_was_not_its_own(self):
        """Revoked, expired or offboarded: what the window held is said to be dead, and by what that was seen, also to whom is told nothing any more."""
        server = self.orders.server
        facts = f"{server.dir}/vic.json"
        with open(facts, "w") as file:
            json.dump([{"uid": {"type": "Engineer", "id": "vic"}, "attrs": {"vendor": {"__entity": {"type": "Vendor", "id": "acme"}}}, "parents": []}], file)
        server.cli("facts", "put", facts)
        vic = server.person('Engineer::"vic"')
        ends = [("revoked", [], lambda task: server.cli("revoke", task, "--why", "seen in a log")),
                ("expired", ["--ttl", "6s"], lambda task: None),
                ("revoked", [], lambda task: server.cli("offboard", 'Engineer::"vic"'))]
        for state, flags, end in ends:
            process = self.start("run", "maintenance", "tables=orders/public.invoices", "--reason", "CHG-9", *flags, "--", "sh", "-c",
                                 "psql -At -c 'SELECT count(*) FROM invoices'; exec psql -c 'SELECT pg_sleep(1000)'", env=vic.env)
            [asked] = eventually(lambda: self.orders.dana.cli("approvals", "--json").json["approvals"], what="the request waits")
            self.orders.agree(asked["id"])
            self.assertEqual(process.stdout.readline(), "1000\n")
            [role] = self.orders.roles()
            end(asked["task"])
            _, said = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 9, said)
            self.assertIn(f"is {state} (", said)
            self.assertRegex(said, rf"orders postgres-role {role} is dead: .*28P01", said)
            self.assertNotIn("could not be seen", said)
            self.assertEqual(self.orders.roles(), [])


if __name__ == "__main__":
    harness.main()
