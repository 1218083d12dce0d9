"""kill -9 of Remit while it makes and ends roles, and PostgreSQL away while windows end: nothing is left, and nothing lands later."""

import collections
import os
import random
import threading
import time

import harness
import orders
from harness import eventually

SEED = int(os.environ.get("REMIT_SEED") or random.SystemRandom().randrange(1 << 32))


class Crash(harness.Case):
    @classmethod
    def setUpClass(cls):
        print(f"REMIT_SEED={SEED}")
        cls.random = random.Random(SEED)
        cls.postgres = orders.make_postgres()
        cls.addClassCleanup(cls.postgres.close)
        cls.orders = orders.Orders(cls.postgres)
        cls.addClassCleanup(cls.orders.close)
        cls.server = cls.orders.server

    def tearDown(self):
        self.assertEqual(self.orders.roles(), [], "a role is left")
        self.assertEqual(self.server.verify_ledger().json["ok"], True)

    def begin(self):
        """A request that dana agrees to, without waiting for what comes of it."""
        asked = self.orders.request()
        def agree():
            try:
                self.orders.agree(asked["approval"])
            except (OSError, AssertionError, harness.http.client.HTTPException):
                pass  # the server was killed
        thread = threading.Thread(target=agree)
        thread.start()
        self.addCleanup(thread.join)
        return asked

    def credential(self, task):
        [credential] = self.orders.credentials(task)
        return credential

    def making(self, where="true"):
        """The sessions of Remit's in which a credential is being made."""
        return self.postgres.psql(f"SELECT pid FROM pg_stat_activity WHERE usename = 'remit' AND application_name LIKE '%crd_%' AND {where}").lines

    def assert_dead(self, asked, token_too=True):
        credential = eventually(lambda: (c := self.credential(asked["task"]["id"]))["state"] == "dead" and c, 90, "the credential is dead")
        self.assertEqual(credential["evidence"][-1]["step"], "refused", credential)
        self.assertIn("28P01", credential["evidence"][-1]["detail"])
        self.assertEqual(self.postgres.psql(f"SELECT count(*) FROM pg_roles WHERE rolname = '{credential['name']}'").stdout, "0\n")
        self.assertEqual(self.server.api("GET", "/v1/whoami", bearer=asked["token"]).status, 401)
        self.assertTrue(self.orders.receipt(asked["task"]["id"])["all_dead"])
        return credential

    def blocked_creation(self):
        """A window whose CREATE ROLE waits for a lock, with the server killed meanwhile; and who holds the lock."""
        admin = orders.Psql(self.postgres)
        self.addCleanup(admin.close)
        # Reading goes on, so that logins do; writing waits.
        said = admin.say("BEGIN; LOCK TABLE pg_catalog.pg_authid IN SHARE MODE;")
        self.assertNotIn("ERROR", said)
        asked = self.begin()
        eventually(lambda: self.making("wait_event_type = 'Lock'"), what="CREATE ROLE waits for the lock")
        self.server.kill()
        self.assertEqual(len(self.making()), 1, "the session went with the client, so this shows nothing")
        return asked, admin

    def test_creation_blocked_and_the_lock_still_held(self):
        asked, admin = self.blocked_creation()
        self.server.start()
        # Whoever ends the credential ends the session first in which it could still be made: so releasing the lock makes nothing.
        credential = self.assert_dead(asked)
        self.assertEqual(self.making(), [])
        admin.say("ROLLBACK;")
        self.assertIsNone(credential.get("live"))
        self.assertEqual(self.server.task(asked["task"]["id"])["state"], "failed")
        self.assertEqual(self.orders.sweep()["ended"], [])

    def test_creation_blocked_and_landing_before_the_restart(self):
        asked, admin = self.blocked_creation()
        admin.say("ROLLBACK;")
        eventually(lambda: len(self.orders_roles_at_server()) == 1 and not self.making("state = 'active'"), what="the role landed")
        self.server.start()
        credential = self.assert_dead(asked)
        self.assertEqual([e["step"] for e in credential["evidence"]], ["disarmed", "gone", "refused"])

    def test_creation_blocked_and_landing_while_it_starts(self):
        asked, admin = self.blocked_creation()
        self.server.launch()
        time.sleep(self.random.random() * 0.05)
        admin.say("ROLLBACK;")
        eventually(self.server._ready_or_gone)
        self.assertTrue(self.server.running(), self.server.stderr())
        self.assert_dead(asked)
        self.assertEqual(self.orders.sweep()["ended"], [])

    def orders_roles_at_server(self):
        return self.postgres.psql(r"SELECT rolname FROM pg_roles WHERE rolname LIKE 'remit\_%\_crd\_%'").lines

    def settled(self, task):
        """The state of a task after a restart: an end that the restart begins is shown when it is written down."""
        def state():
            shown = self.server.task(task)["state"]
            return shown if shown != "active" or self.credential(task)["state"] == "live" else None

        return eventually(state, what="a task is active with what it holds, or it has ended")

    def test_killed_at_any_moment_while_making(self):
        seen = collections.Counter()
        began = time.monotonic()
        self.orders.window().complete()
        whole = time.monotonic() - began  # a life on this machine, now
        for round in range(12):
            asked = self.begin()
            task = asked["task"]["id"]
            time.sleep(self.random.random() * whole * 0.5)  # from before the approval to after the role is live
            self.server.kill()
            there = len(self.orders_roles_at_server())
            self.server.start()
            state = self.settled(task)
            seen[state, there] += 1
            if state == "requested":  # the yes did not arrive
                answer = self.server.api("POST", f"/v1/tasks/{task}/withdraw", {}, bearer=asked["holder"])
                self.assertEqual(answer.status, 200, str(answer))
                eventually(lambda: not self.orders_roles_at_server(), what="no role")
                continue
            if state == "active":  # it was live and written down: then it is still there, and ends as usual
                self.assertEqual(self.credential(task)["state"], "live")
                self.assertEqual(self.orders_roles_at_server(), [self.credential(task)["name"]])
                answer = self.server.api("POST", f"/v1/tasks/{task}/complete", {"wait": "30s"}, bearer=asked["holder"])
                self.assertEqual(answer.status, 200, str(answer))
            else:
                self.assertEqual(state, "failed")
            self.assert_dead(asked)
            self.assertEqual(self.orders_roles_at_server(), [])
        print(f"seen (state after the restart, roles before it): {dict(seen)}")

    def test_killed_at_any_moment_while_ending(self):
        for round in range(5):
            window = self.orders.window()
            psql = window.session()
            self.addCleanup(psql.close)
            psql.say("BEGIN; ALTER ROLE CURRENT_USER PASSWORD 'another';")
            def end():
                try:
                    window.complete(wait="0s")
                except (OSError, AssertionError, harness.http.client.HTTPException):
                    pass
            thread = threading.Thread(target=end)
            thread.start()
            time.sleep(self.random.random() * 0.06)
            self.server.kill()
            thread.join()
            self.server.start()
            if self.server.task(window.id)["state"] == "active":  # the end was not written down, and nobody was told that it was
                window.complete(wait="30s")
            self.assert_dead(window.started)
            self.assertEqual(psql.cut_off()[0], 2)
            self.assertEqual(set(window.refused()), {"28P01"})

    def test_killed_while_a_window_is_open(self):
        window = self.orders.window()
        psql = window.session()
        self.addCleanup(psql.close)
        self.server.restart(hard=True)
        self.assertEqual(psql.say("SELECT count(*) FROM public.invoices;"), "1000")
        again = self.server.api("GET", f"/v1/tasks/{window.id}/environment", bearer=window.holder)
        self.assertEqual((again.status, again.json["environment"]), (200, window.env))
        self.assertTrue(window.complete()["all_dead"])
        self.assertEqual(psql.cut_off()[0], 2)

    def test_postgres_away_while_windows_end(self):
        windows = [self.orders.window() for _ in range(3)]
        self.postgres.stop()
        answers = harness.in_parallel([lambda w=w: w.complete(wait="1s") for w in windows], 3)
        for window, answer in zip(windows, answers):
            self.assertEqual(answer["task"]["state"], "completed")
            self.assertFalse(answer["all_dead"])
            self.assertEqual(answer["credentials"][0]["state"], "ending")
            self.assertEqual(self.server.api("GET", "/v1/whoami", bearer=window.token).status, 401, "the token lives on")
            eventually(lambda: self.credential(window.id).get("last_error"), what="the reason is told")
            self.assertFalse(self.orders.receipt(window.id)["all_dead"])
        # Also over a restart of Remit's while PostgreSQL is still away.
        self.server.restart(hard=True)
        for window in windows:
            self.assertEqual(self.credential(window.id)["state"], "ending")
        self.postgres.start()
        for window in windows:
            credential = self.assert_dead(window.started)
            self.assertEqual([e["step"] for e in credential["evidence"]], ["disarmed", "gone", "refused"])
            self.assertEqual(set(window.refused()), {"28P01"})

    def test_postgres_away_at_a_start(self):
        self.postgres.stop()
        try:
            asked = self.begin()
            eventually(lambda: self.server.task(asked["task"]["id"])["state"] == "failed", what="the task failed")
            self.assertNotEqual(self.credential(asked["task"]["id"])["state"], "dead", "nobody can know that yet")
        finally:
            self.postgres.start()
        self.assert_dead(asked)
        self.orders.window().complete()  # and all is well again

    def test_postgres_crashes_under_open_sessions(self):
        window = self.orders.window()
        self.postgres.stop()
        self.postgres.start()
        self.assertEqual(window.psql("SELECT count(*) FROM public.invoices").stdout, "1000\n")  # the window is still open
        answer = window.complete()
        self.assertTrue(answer["all_dead"], answer)


if __name__ == "__main__":
    harness.main()
