"""The command line as a whole: help with an example everywhere, nothing unknown is taken, --json is JSON, and colours only for people."""

import json
import os
import pathlib
import pty
import re
import shutil
import subprocess

import harness

ESCAPE = "\x1b"


def commands(path=()):
    """Every command, from the help of the one above it: [("catalog", "load"), …]."""
    found = []
    for _, names in harness.commands_in(harness.run(*path, "--help").stdout):
        for name in names:
            found += [(*path, name)] + commands((*path, name))
    return found


def on_terminal(*args, env=None):
    """What a command writes where stdout and stderr are a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([harness.BIN, *args], env=harness.clean_env({"TERM": "xterm-256color", **(env or {})}), stdin=subprocess.DEVNULL,
                               stdout=theirs,
                               stderr=theirs)
    os.close(theirs)
    output = b""
    try:
        while chunk := os.read(ours, 65536):
            output += chunk
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    process.wait(60)
    return output.decode()


class Help(harness.Case):
    def test_every_command_has_help_with_an_example(self):
        everything = commands()
        self.assertGreaterEqual(len(everything), 40, everything)
        for expected in [("run",), ("serve",), ("catalog", "load"), ("ledger", "verify"), ("person", "link"), ("target", "check"), ("facts", "put")]:
            self.assertIn(expected, everything)
        groups = {path[:-1] for path in everything if len(path) > 1}
        for path in everything:
            done = harness.run(*path, "--help")
            self.assertEqual(done.stderr, "")
            self.assertIn("--json", done.stdout + harness.run("--help").stdout)
            if path not in groups:
                example = done.stdout.partition("Example:\n")[2]
                self.assertIn(f"remit {' '.join(path)}", example, f"remit {' '.join(path)} --help has no example of itself:\n{done.stdout}")

    def test_nothing_unknown_is_taken(self):
        for path in [(), *commands()]:
            done = harness.run(*path, "--no-such-flag", check=False)
            self.assertEqual((done.returncode, done.stdout), (2, ""), str(done))
            self.assertRegex(done.stderr, r"(?s)^remit: .*\nhint: .*--help\n$", str(done))
        done = harness.run("list", "surplus", check=False)
        self.assertEqual(done.returncode, 2, str(done))
        self.assertIn("surplus", done.stderr)
        self.assertEqual(harness.run("--version").stdout.split()[0], "remit")


class Dev(harness.Case):
    def test_what_it_prints_can_be_pasted(self):
        """Whatever the catalog's facts are called, and wherever the folder is."""
        top = harness.temp_dir("remit-dev-")
        self.addCleanup(shutil.rmtree, top, ignore_errors=True)
        shutil.copytree(harness.SOURCE / "catalogs/deploy", f"{top}/deploy")
        facts = pathlib.Path(top, "deploy/facts.json")
        pipeline, employee = "ci; touch $HOME/pasted", "rita o'neil `touch $HOME/pasted`"
        facts.write_text(facts.read_text().replace('"id": "ci"', f'"id": "{pipeline}"').replace('"id": "rita"', f'"id": "{employee}"'))
        for folder in ("run time", "bin", "home"):
            os.mkdir(f"{top}/{folder}", 0o700)
        os.symlink(harness.BIN, f"{top}/bin/remit")
        dev = harness.popen("dev", f"{top}/deploy", "--listen", f"127.0.0.1:{harness.free_port()}", env={"XDG_RUNTIME_DIR": f"{top}/run time"})
        self.addCleanup(harness.kill_group, dev)
        export = dev.stdout.readline()
        said = [dev.stderr.readline() for _ in range(8)]
        self.assertIn("remit whoami", said[6])
        typed = subprocess.run(["bash", "-c", f"{export}\n{said[7]}\nremit whoami\nremit catalog show\nremit approvals"], capture_output=True, text=True,
                               env=harness.clean_env({"HOME": f"{top}/home", "PATH": f"{top}/bin:{os.environ['PATH']}"}), timeout=60, check=False)
        self.assertEqual(typed.returncode, 0, typed)
        signed_in, actor, person = typed.stdout.splitlines()[:3]
        self.assertTrue(signed_in.startswith(f'signed in as Employee::"{employee}", until '), typed)
        self.assertEqual(actor, f'actor Pipeline::"{pipeline}"')
        self.assertTrue(person.startswith(f'person Employee::"{employee}" '), typed)
        self.assertEqual(sorted(os.listdir(f"{top}/home")), [".config"], "something was pasted that nobody meant")


    def test_it_forgets_its_key(self):
        top = harness.temp_dir("remit-dev-")
        self.addCleanup(shutil.rmtree, top, ignore_errors=True)
        dev = harness.popen("dev", harness.SOURCE / "catalogs/deploy", "--listen", f"127.0.0.1:{harness.free_port()}", env={"XDG_RUNTIME_DIR": top})
        self.addCleanup(harness.kill_group, dev)
        dev.stdout.readline()
        self.assertTrue(os.path.exists(f"{top}/remit-dev/actor.key"))
        dev.terminate()
        self.assertEqual(dev.wait(30), 0)
        self.assertEqual(os.listdir(f"{top}/remit-dev"), [])


class Output(harness.Case):
    def setUp(self):
        self.remit = self.server(catalogs=["deploy", "support", "rotate"])
        self.ci = self.remit.actor('Pipeline::"ci"')
        self.rita = self.remit.person('Employee::"rita"')

    def sequence(self):
        """[(who, words, standard input)]: nearly every command, in an order in which each has something to say."""
        catalogs = [str(harness.SOURCE / "catalogs" / name) for name in ("deploy", "support", "rotate")]
        operator, ci, rita = self.remit.operator_env, self.ci.env, self.rita.env
        facts = f"{self.remit.dir}/facts.json"
        with open(facts, "w") as file:
            json.dump([{"uid": {"type": "Application", "id": "search"}, "attrs": {}, "parents": []}], file)
        started = json.loads(self.ci.cli("start", "deploy", "service=checkout", "environment=prod", "--json").stdout)
        asked = json.loads(self.ci.cli("start", "deploy", "service=checkout", "environment=prod-eu", "--json").stdout)
        denied = json.loads(self.ci.cli("start", "deploy", "service=billing", "environment=prod-eu", "--json").stdout)
        revoked = json.loads(self.ci.cli("start", "deploy", "service=billing", "environment=staging", "--json").stdout)
        withdrawn = json.loads(self.ci.cli("start", "deploy", "service=billing", "environment=prod-eu", "--json").stdout)
        task, in_task = started["task"]["id"], {"REMIT_ADDR": self.remit.url, "REMIT_TOKEN": started["token"]}
        rotator = self.remit.actor('Automation::"rotator"')
        rotation = json.loads(rotator.cli("start", "rotate", "secret=prod/db/a", "--json").stdout)
        in_rotation = {"REMIT_ADDR": self.remit.url, "REMIT_TOKEN": rotation["token"]}
        return [
            (operator, ["whoami"], None), (ci, ["whoami"], None), (rita, ["whoami"], None), (in_task, ["whoami"], None),
            (operator, ["catalog", "show"], None), (None, ["catalog", "check", *catalogs], None), (None, ["catalog", "test", *catalogs], None),
            (operator, ["catalog", "load", *catalogs, "--dry-run"], None), (operator, ["facts", "put", facts], None),
                (operator, ["facts", "show"], None),
            (operator, ["explain", "deploy"], None), (operator, ["explain", "deploy", "service=checkout", "environment=prod"], None),
            (operator, ["actor", "list"], None), (operator, ["person", "list"], None),
                (operator, ["person", "put", 'Employee::"max"', "--name", "Max"], None),
            (operator, ["list"], None), (operator, ["show", task], None), (operator, ["check", task, "deploy", 'Application::"checkout"'], None),
            (operator, ["check", task, "deploy", 'Application::"billing"'], None),
                (in_task, ["check", "-", "deploy", 'Application::"checkout"'], None),
            (in_task, ["token", "--audience", "https://deploy.example"], None),
            (rita, ["approvals"], None), (rita, ["approve", asked["approval"]], None), (rita, ["deny", denied["approval"], "--why", "freeze"], None),
            (ci, ["withdraw", withdrawn["task"]["id"]], None), (rita, ["revoke", revoked["task"]["id"], "--why", "seen in a log"], None),
            (operator, ["secret", "put", "prod/db/a"], "value"), (in_rotation, ["secret", "get", "prod/db/a"], None),
                (operator, ["secret", "list", "prod"], None),
            (operator, ["target", "list"], None), (operator, ["ledger", "checkpoint"], None), (operator, ["ledger", "export"], None),
            (None, ["ledger", "verify", "--config", self.remit.config], None),
            (ci, ["complete", task], None), (ci, ["receipt", task], None), (operator, ["list", "--state", "ended"], None),
                (operator, ["show", task], None),
            (rita, ["sign-out"], None),
        ]

    def test_whoever_is_signed_in_approves_though_another_runs_tasks(self):
        both = {**self.ci.env, "XDG_CONFIG_HOME": self.rita.config_home}
        who = harness.run("whoami", env=both)
        self.assertEqual(who.stdout.splitlines()[0], 'actor Pipeline::"ci"')
        self.assertRegex(who.stdout.splitlines()[1], r'^person Employee::"rita" .*approve')
        self.assertEqual(harness.run("whoami", "--json", env=both).json["signed_in"], 'Employee::"rita"')
        self.assertEqual(self.ci.cli("whoami").stdout, 'actor Pipeline::"ci"\n')
        self.assertEqual(self.rita.cli("whoami").stdout, 'person Employee::"rita"\n')
        asked = harness.run("start", "deploy", "service=checkout", "environment=prod-eu", "--json", env=both).json
        self.assertIn(asked["approval"], harness.run("approvals", env=both).stdout)
        stranger = self.remit.actor('Service::"helpdesk"')
        self.assertNotIn(asked["approval"], stranger.cli("approvals").stdout)
        self.assertIn(asked["approval"], stranger.cli("approvals", env={"XDG_CONFIG_HOME": self.rita.config_home}).stdout)
        self.assertIn("approved (1 of 1)", harness.run("approve", asked["approval"], env=both).stdout)
        self.assertEqual(harness.run("show", asked["task"]["id"], "--json", env=both).json["actor"], 'Pipeline::"ci"')
        self.rita.cli("sign-out")
        self.assertEqual(harness.run("whoami", env=both).stdout, 'actor Pipeline::"ci"\n')

    def test_a_list_has_the_newest_first(self):
        ids = [self.ci.cli("start", "deploy", "service=checkout", "environment=prod", "--json").json["task"]["id"] for _ in range(3)]
        listed = lambda *words: [line.split()[0] for line in self.ci.cli("list", *words).stdout.splitlines()[1:]]
        self.assertEqual(listed(), ids[::-1])
        self.assertEqual(listed("--oldest"), ids)
        self.assertEqual(listed("--limit", "1"), ids[-1:])
        self.assertIn("these are the newest", self.ci.cli("list", "--limit", "1").stderr)
        self.assertIn("these are the oldest", self.ci.cli("list", "--limit", "1", "--oldest").stderr)
        for task in ids[:2]:
            self.ci.cli("complete", task)
        self.assertEqual(listed("--state", "ended"), [ids[1], ids[0]])

    def refused(self, who, code, *words):
        done = who.cli(*words, check=False)
        self.assertEqual((done.returncode, done.stdout), (code, ""), str(done))
        return done.stderr

    def test_a_list_of_what_there_is_not(self):
        self.assertIn("hint: did you mean `deploy`?", self.refused(self.remit, 2, "list", "--type", "deplo"))
        self.assertIn("in single quotes", self.refused(self.remit, 2, "list", "--actor", "ci"))
        self.assertIn("hint: did you mean `Employee`?", self.refused(self.remit, 2, "list", "--actor", 'Employe::"ines"'))
        self.assertIn("no such task lives", self.remit.cli("list", "--actor", 'Employee::"ines"', "--type", "deploy").stderr)

    def test_what_is_empty_is_named(self):
        for words in (["complete", ""], ["show", ""], ["receipt", ""], ["extend", "", "5m"], ["delegate", "", "deploy"]):
            self.assertEqual(self.refused(self.ci, 2, *words), "remit: `task` is empty\nhint: was it a variable of the shell that is not set?\n")
        self.assertIn("`approval` is empty", self.refused(self.rita, 2, "approve", ""))
        # Without a parent it would be a task of its own, with more than a sub-task may; of no task, the events would be those of all.
        self.assertIn("`--under` is empty", self.refused(self.ci, 2, "run", "deploy", "service=checkout", "environment=prod-eu", "--under", "", "--", "true"))
        self.assertIn("`--under` is empty", self.refused(self.ci, 2, "explain", "deploy", "--under", ""))
        self.assertIn("`--task` is empty", self.refused(self.rita, 2, "events", "--task", ""))

    def test_a_start_that_waits_says_for_what(self):
        waiting = self.ci.cli("start", "deploy", "service=checkout", "environment=prod-eu").lines
        said = [line for line in waiting if "waits for approval `apv_" in line]
        self.assertEqual(len(said), 1, waiting)
        self.assertIn("  1 person must say yes: `remit approvals` shows it to them", waiting)
        task = waiting[0].split()[0]
        self.assertIn(said[0], self.ci.cli("show", task).lines)
        self.ci.cli("withdraw", task)
        self.assertIn(f"hint: it never began; `remit show {task}`", self.refused(self.ci, 5, "withdraw", task))

    def test_own_requests_are_marked(self):
        self.ci.cli("start", "deploy", "service=checkout", "environment=prod-eu")
        self.assertNotIn("not yours", self.rita.cli("approvals").stdout)
        self.remit.cli("actor", "put", 'Pipeline::"ci"', "--owner", 'Employee::"rita"')
        self.assertIn('  not yours to answer: Employee::"rita" owns Pipeline::"ci"', self.rita.cli("approvals").stdout)

    def test_hints_are_for_who_types(self):
        nobody = {"REMIT_ADDR": self.remit.url, "XDG_CONFIG_HOME": self.remit.dir}
        done = harness.run("list", env=nobody, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("hint: sign in with `remit sign-in`", done.stderr)
        self.assertIn("hint: give another with --client-id", self.refused(self.remit, 5, "actor", "put", 'Pipeline::"cd"', "--client-id", self.ci.client_id))
        self.remit.cli("offboard", 'Pipeline::"ci"')
        self.assertIn("or it was barred", self.refused(self.ci, 3, "start", "deploy", "service=checkout", "environment=prod"))

    def test_json_is_json(self):
        for env, words, input in self.sequence():
            done = harness.run(*words, "--json", env=env, input=input, check=False)
            self.assertIn(done.returncode, (0, 3) if words[0] == "check" else (0,), str(done))
            for line in done.stdout.splitlines() if words == ["ledger", "export"] else [done.stdout] if done.stdout else []:
                json.loads(line)
            self.assertTrue(done.stdout or words == ["sign-out"], str(done))
            self.assertEqual(done.stderr, "", str(done))

    def test_colours_are_for_people_at_a_terminal(self):
        coloured = 0
        for env, words, input in self.sequence():
            done = harness.run(*words, env={**(env or {}), "TERM": "xterm-256color"}, input=input, check=False)
            self.assertIn(done.returncode, (0, 3) if words[0] == "check" else (0,), str(done))
            self.assertNotIn(ESCAPE, done.stdout + done.stderr, str(done))
        for words in (["list"], ["show", "tsk_nothing"], ["list", "--state", "ended"], ["explain", "deploy"], ["deplyo"]):
            env = self.remit.operator_env
            coloured += ESCAPE in on_terminal(*words, env=env)
            self.assertNotIn(ESCAPE, on_terminal(*words, env={**env, "NO_COLOR": "1"}))
            self.assertNotIn(ESCAPE, on_terminal(*words, env={**env, "TERM": "dumb"}))
            self.assertNotIn(ESCAPE, on_terminal(*words, "--json", env=env))
        self.assertGreaterEqual(coloured, 3)

    def test_explain_says_what_is_missing_and_whether_you_may(self):
        explain = lambda who, *words: who.cli("explain", "deploy", *words).lines
        part = explain(self.ci, "service=checkout")
        self.assertIn('    deploy on Application::"checkout"', part)
        self.assertIn("    deploy.to on principal.environment", part)
        self.assertEqual(part[-1], "  not exact: add environment=…")
        self.assertEqual(explain(self.ci)[-1], "  not exact: add service=… environment=…")
        self.assertEqual(explain(self.ci, "service=checkout", "environment=prod")[-1], "  you may start it: yes")
        self.assertEqual(explain(self.ci, "service=checkout", "environment=prod-eu")[-1], "  you may start it: after 1 yes")
        self.assertEqual(explain(self.rita, "service=checkout", "environment=prod")[-1], "  you may start it: no (wrong-actor-type)")
        self.assertNotIn("you may", self.remit.cli("explain", "deploy", "service=checkout", "environment=prod").stdout)

    def test_times_for_people_are_local_and_short(self):
        self.ci.cli("start", "deploy", "service=checkout", "environment=prod-eu")
        task = self.ci.cli("start", "deploy", "service=checkout", "environment=prod", "--json").json["task"]["id"]
        self.ci.cli("complete", task)
        for who, words in ((self.ci, ["list"]), (self.ci, ["list", "--state", "ended"]), (self.ci, ["show", task]), (self.ci, ["receipt", task]),
                           (self.rita, ["approvals"])):
            text = who.cli(*words).stdout
            self.assertRegex(text, r"\d\d:\d\d:\d\d\b")
            self.assertNotRegex(text, r"\d:\d\d\.\d|\dT\d\d:", words)

    def test_messages_come_after_what_was_said_before(self):
        folder = harness.temp_dir()
        self.addCleanup(shutil.rmtree, folder)
        both = subprocess.run([harness.BIN, "init", f"{folder}/etc", "--data-dir", f"{folder}/data", "--socket", f"{folder}/s"], env=harness.clean_env(),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout
        self.assertEqual([line.split()[0] for line in both.splitlines()], ["wrote", "wrote", "remit:"], both)

    def test_a_link_says_what_to_type_unless_a_command_reads_it(self):
        link = ["person", "link", 'Employee::"rita"']
        self.assertEqual(self.remit.cli(*link).stderr, "")
        said = on_terminal(*link, env=self.remit.operator_env)
        self.assertIn("they type `remit sign-in`", said)

    def test_what_others_named_does_not_reach_the_terminal(self):
        """A name with an escape sequence in it is shown, not obeyed."""
        evil = "\x1b[31mred\x07\x1b]0;title\x07"
        self.assertEqual(self.remit.cli("person", "put", 'Employee::"eve"', "--name", evil, check=False).returncode, 2)  # a name is refused
        self.ci.cli("start", "deploy", "service=checkout", "environment=prod-eu", "--reason", evil)
        started = self.ci.cli("start", "deploy", "service=checkout", "environment=prod", "--reason", evil, "--json").json["task"]["id"]
        for env, words in [(self.remit.operator_env, ["person", "list"]), (self.rita.env, ["approvals"]),
                           (self.remit.operator_env, ["show", started]),
                           (self.remit.operator_env, ["list"])]:
            done = harness.run(*words, env=env)
            self.assertNotIn(ESCAPE, done.stdout, str(done))
            self.assertNotIn("\x07", done.stdout, str(done))
            self.assertNotIn("\x1b]0;", on_terminal(*words, env=env))


if __name__ == "__main__":
    harness.main()
