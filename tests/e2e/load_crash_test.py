"""The end under load: clients start and complete tasks as fast as they can, the server gets a kill -9, starts again, and no completed task is alive.

REMIT_SEED repeats the moments of the kills.
"""

import collections
import http.client
import json
import os
import pathlib
import random
import threading
import time

import harness

SEED = int(os.environ.get("REMIT_SEED") or random.SystemRandom().randrange(1 << 32))
START = {"type": "deploy", "parameters": {"service": "checkout", "environment": "prod"}, "from_text": True}
ALLOWED = {"action": "deploy", "resource": 'Application::"checkout"'}


class Life:
    """What one client was told about one task."""

    def __init__(self, started):
        self.id, self.token, self.holder = started["task"]["id"], started["token"], started["holder"]
        self.asked_to_end = False
        self.ended = False


class Client:
    """Starts, uses and completes tasks over one connection, until the server is gone."""

    def __init__(self, port, bearer):
        self.port, self.bearer = port, bearer
        self.lives, self.flaw = [], None
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            with harness.Http(port=self.port, timeout=30) as connection:
                while True:
                    self._life(connection)
        except (OSError, http.client.HTTPException):
            pass  # killed
        except BaseException as error:
            self.flaw = error

    def _life(self, connection):
        answer = connection.call("POST", "/v1/tasks", START, self.bearer)
        assert answer.status == 201, str(answer)
        life = Life(answer.json)
        self.lives.append(life)
        answer = connection.call("POST", "/v1/check", ALLOWED, life.token)
        assert answer.status == 200 and answer.json["allowed"], str(answer)
        life.asked_to_end = True
        answer = connection.call("POST", f"/v1/tasks/{life.id}/complete", {}, life.holder)
        assert answer.status == 200 and answer.json["task"]["state"] == "completed", str(answer)
        life.ended = True


class LoadCrash(harness.Case):
    def setUp(self):
        print(f"REMIT_SEED={SEED}")
        self.random = random.Random(SEED)
        self.remit = self.server(catalogs=["deploy"])
        self.ci = self.remit.actor('Pipeline::"ci"')
        self.lives = []

    def entries(self):
        """Every event of the ledger, oldest first."""
        start = 0
        with self.remit.connect(unix=True) as operator:
            while True:
                answer = operator.call("GET", f"/ledger/entries?from={start}&count=1000")
                assert answer.status == 200, str(answer)
                page = answer.json["entries"]
                if not page:
                    return
                yield from page
                start += len(page)

    def load_and_kill(self, clients, seconds):
        """Runs `clients` clients and kills the server at a random moment. The lives that they saw."""
        workers = [Client(self.remit.port, self.ci.session()) for _ in range(clients)]
        for worker in workers:
            worker.thread.start()
        # Not before there is something to lose.
        harness.eventually(lambda: any(life.ended for worker in workers for life in worker.lives) or any(worker.flaw for worker in workers))
        time.sleep(self.random.random() * seconds)
        self.remit.kill()
        for worker in workers:
            worker.thread.join(60)
            self.assertFalse(worker.thread.is_alive())
            if worker.flaw:
                raise worker.flaw
        return [life for worker in workers for life in worker.lives]

    def assert_dead(self, connection, life):
        said = connection.call("POST", "/introspect", form={"token": life.token}, bearer=self.ci.session())
        self.assertEqual((said.status, said.json), (200, {"active": False}), life.id)
        said = connection.call("POST", "/v1/check", ALLOWED, life.token)
        self.assertEqual(said.status, 401, f"{life.id}: {said}")
        said = connection.call("POST", "/v1/check", {**ALLOWED, "task": life.id}, self.ci.session())
        self.assertTrue(said.status == 404 or not said.json["allowed"], f"{life.id}: {said}")
        said = connection.call("GET", f"/v1/tasks/{life.id}/hold", bearer=life.holder)
        self.assertEqual(said.status, 401, f"{life.id}: {said}")

    def assert_alive(self, connection, life):
        said = connection.call("POST", "/introspect", form={"token": life.token}, bearer=self.ci.session())
        self.assertTrue(said.json["active"], f"{life.id} was started and not ended, and is gone")
        said = connection.call("POST", "/v1/check", ALLOWED, life.token)
        self.assertTrue(said.status == 200 and said.json["allowed"], f"{life.id}: {said}")

    def check(self, lives):
        """After the restart: what was told is true."""
        undecided = 0
        with self.remit.connect() as connection:
            for life in lives:
                if life.ended:
                    self.assert_dead(connection, life)
                elif not life.asked_to_end:
                    self.assert_alive(connection, life)
                else:  # the end was asked for and not confirmed: either, and then it stays so
                    undecided += 1
                    said = connection.call("POST", f"/v1/tasks/{life.id}/complete", {}, life.holder)
                    self.assertIn(said.status, (200, 401, 404, 409, 412), str(said))
                    self.assert_dead(connection, life)
        return undecided

    def check_ledger(self, lives):
        events = collections.defaultdict(list)
        for entry in self.entries():
            body = json.loads(entry["body"]) if isinstance(entry["body"], str) else entry["body"]
            if "task" in body:
                events[body["task"]].append(body["type"])
        for life in lives:
            expected = ["task.started"] + (["task.completed"] if life.asked_to_end else [])
            self.assertEqual(events.get(life.id, []), expected, life.id)

    def verify(self, checkpoint):
        kept = f"{self.remit.dir}/kept-{checkpoint['size']}"
        pathlib.Path(kept).write_text(checkpoint["text"])
        self.assertTrue(self.remit.verify_ledger().json["ok"])
        said = self.remit.verify_ledger("--against", kept).json
        self.assertTrue(said["ok"] and said["complete"], said)
        self.assertGreaterEqual(said["size"], checkpoint["size"])

    def checkpoint(self):
        text = self.remit.api("GET", "/ledger/checkpoint", bearer=harness.OPERATOR).body
        return {"text": text, "size": int(text.splitlines()[1])}

    def crashes(self, clients, rounds, seconds):
        everything = []
        for round in range(rounds):
            before = self.checkpoint()
            lives = self.load_and_kill(clients, seconds)
            self.remit.start()
            undecided = self.check(lives)
            everything += lives
            self.verify(before)
            self.check_ledger(everything)
            print(f"{clients} clients, kill {round + 1}: {sum(life.ended for life in lives)} completed, {undecided} in doubt, "
                  f"{len(lives)} started", flush=True)
        # Once more, from a store that was not touched since: none came back later.
        self.remit.restart(hard=True)
        with self.remit.connect() as connection:
            for life in everything:
                if life.asked_to_end:
                    self.assert_dead(connection, life)

    def test_1_client(self):
        self.crashes(1, 5, 1.5)

    def test_2_clients(self):
        self.crashes(2, 5, 1.5)

    def test_8_clients(self):
        self.crashes(8, 5, 1.5)

    def test_64_clients(self):
        self.crashes(64, 4, 2.0)


if __name__ == "__main__":
    harness.main()
