"""What happens is heard by who may see it: a real server, curl, and `remit events`."""

import json
import subprocess

import harness


class Curl:
    """curl -N on /v1/events: whole events, as they come."""

    def __init__(self, server, query="", bearer=None, last=None):
        headers = f"Authorization: Bearer {bearer}\n" if bearer else ""
        if last is not None:
            headers += f"Last-Event-ID: {last}\n"
        where = [f"{server.url}/v1/events{query}"] if bearer else ["--unix-socket", server.socket, f"http://localhost/v1/events{query}"]
        self.process = subprocess.Popen(["curl", "-sS", "-N", "-D", "/dev/stderr", "-H", "@-", *where], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=harness.clean_env())
        self.process.stdin.write(headers)  # not in argv, where others could read it
        self.process.stdin.close()
        harness._living.append(self.process)
        begun = self.block()  # where it begins is settled before anything is said
        assert begun == {"retry": "2000"}, (begun, self.process.stderr.read())

    def block(self):
        """The next block as a dict; None at the end."""
        fields = {}
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if not line:
                return fields
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        return None

    def event(self):
        """The next event: (id, its body). None at the end."""
        while (block := self.block()) is not None:
            if "data" in block:
                body = json.loads(block["data"])
                assert block["event"] == body["type"], block
                return int(block["id"]), body
        return None

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


class Events(harness.Case):
    def setUp(self):
        self.served = self.server(catalogs=[self.without_budgets("support")])
        self.bot = self.served.actor('Agent::"triage-bot"')

    def follow(self, *args, **kwargs):
        curl = Curl(self.served, *args, **kwargs)
        self.addCleanup(curl.close)
        return curl

    def begin(self):
        return self.served.start_task(self.bot, "triage", {"ticket": "T-1"})

    def test_a_task_is_heard_from_beginning_to_end_also_over_a_crash(self):
        mine = self.follow(bearer=self.bot.session())
        every = self.follow()
        started = self.begin()
        number, body = mine.event()
        self.assertEqual((body["type"], body["task"]), ("task.started", started["task"]["id"]))
        self.served.restart(hard=True)
        self.assertIsNone(mine.event(), "the connection is gone with the server")
        self.served.complete(started)
        again = self.follow(bearer=self.bot.session(), last=number)
        after, body = again.event()
        self.assertEqual((body["type"], after), ("task.completed", number + 1))
        heard = []
        operator = self.follow(f"?from={number}&type=task.*")
        while len(heard) < 2:
            heard.append(operator.event()[1]["type"])
        self.assertEqual(heard, ["task.started", "task.completed"])
        del every

    def test_no_stranger_hears_of_it(self):
        stranger = self.served.actor('Agent::"stranger"')
        theirs = self.follow("?from=0", bearer=stranger.session())
        started = self.begin()
        self.served.complete(started)
        mine = self.follow(f"?from=0&task={started['task']['id']}", bearer=self.bot.session())
        self.assertEqual([mine.event()[1]["type"] for _ in range(2)], ["task.started", "task.completed"])
        # Whatever was to be told has been told by now: the session ends, and with it the stream, without an event.
        self.served.cli("actor", "put", stranger.uid, "--client-id", stranger.client_id, "--key", f"{stranger.key_file}.pub", "--bar")
        self.assertIsNone(theirs.event())

    def test_a_long_past_is_read_to_its_end(self):
        for _ in range(40):
            self.served.complete(self.begin())
        reader = self.follow("?from=0&type=task.*", bearer=self.bot.session())
        heard = [reader.event()[1]["type"] for _ in range(80)]
        self.assertEqual(heard, ["task.started", "task.completed"] * 40)

    def test_the_command_prints_and_goes_on_where_it_was(self):
        command = harness.popen("events", "--type", "task.*", "--json", "--count", "2", env=self.bot.env)
        # It is there when its session has been made and its stream is counted: a task that starts later is heard in any case with --from.
        started = self.begin()
        first = harness.run("events", "--from", "0", "--task", started["task"]["id"], "--count", "1", "--json", env=self.bot.env)
        event = json.loads(first.stdout)
        self.assertEqual(event["event"]["type"], "task.started")
        text = harness.run("events", "--from", str(event["index"]), "--count", "1", env=self.bot.env).stdout
        self.assertIn("task.started", text)
        self.assertIn(started["task"]["id"], text)
        harness.kill_group(command)
        # Of a task that is over it ends, however many are asked for; one that there is not is said to be none.
        self.served.complete(started)
        ended = harness.run("events", "--from", "0", "--task", started["task"]["id"], "--count", "10", "--json", env=self.bot.env)
        self.assertEqual([json.loads(line)["event"]["type"] for line in ended.stdout.splitlines()], ["task.started", "task.completed"])
        self.assertIn(f"nothing more can come of {started['task']['id']}: it is completed, and what it held is dead", ended.stderr)
        late = harness.run("events", "--task", started["task"]["id"], env=self.bot.env)
        self.assertEqual(late.stdout, "")
        self.assertIn("--from 0", late.stderr)
        none = harness.run("events", "--task", "tsk_00000000000000000000000000", env=self.bot.env, check=False)
        self.assertEqual(none.returncode, 4, none)
        self.assertEqual(harness.run("events", "--from", "99999", env=self.bot.env, check=False).returncode, 4)
        self.assertEqual(harness.run("events", "--type", "Nonsense!", env=self.bot.env, check=False).returncode, 2)
        self.assertEqual(harness.run("events", "--count", "0", env=self.bot.env, check=False).returncode, 2)
        nobody = harness.run("--server", "unix:/nonexistent.sock", "events", check=False)
        self.assertEqual(nobody.returncode, 6)
        self.assertIn("no server answers at unix:/nonexistent.sock\nhint: ", nobody.stderr)

    def test_the_command_comes_back_after_the_server_was_away(self):
        command = harness.popen("events", "--from", "0", "--type", "task.*", "--json", "--count", "2", env=self.bot.env)
        try:
            started = self.begin()
            self.assertEqual(json.loads(command.stdout.readline())["event"]["type"], "task.started")
            self.served.restart(hard=True)
            self.served.complete(started)
            self.assertEqual(json.loads(command.stdout.readline())["event"]["type"], "task.completed")
            self.assertEqual(command.wait(harness.LIMIT), 0)
        finally:
            harness.kill_group(command)


if __name__ == "__main__":
    harness.main()
