"""Completion in the real shells: typed at a terminal, with a real server behind it."""

import fcntl
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import termios
import time

import harness

END = "~~~"  # comes after everything that a shell printed


class Terminal:
    """A shell at a terminal of its own."""

    def __init__(self, case, argv, env, setup):
        self.master, slave = os.openpty()
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True, cwd=env["HOME"],
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        harness._living.append(self.process)
        case.addCleanup(self.close)
        self.text = ""
        self.send(f"{setup}; echo {END[0]}''{END[1:]}\n")  # the echo of what is typed must not look like the end
        self.until(END)

    def send(self, text):
        os.write(self.master, text.encode())

    def until(self, *wanted, limit=harness.LIMIT):
        """What is printed until one of `wanted` (regular expressions) is there."""
        began = time.monotonic()
        while not any(re.search(w, self.plain()) for w in wanted):
            ready, _, _ = select.select([self.master], [], [], 0.5)
            if ready:
                self.text += os.read(self.master, 65536).decode(errors="replace")
            elif time.monotonic() - began > limit:
                raise AssertionError(f"none of {wanted} in {self.plain()!r}")
        said, self.text = self.plain(), ""
        return said

    def plain(self):
        return re.sub(r"\x1b(\[[0-9;?>=]*[a-zA-Z]|\][^\x07]*\x07|[=>()][A-Z0-9]?)|\r|\x0f", "", self.text)

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.master)


class Completion(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.served = harness.RemitServer(catalogs=["deploy"])
        cls.addClassCleanup(cls.served.close)
        ci = cls.served.actor('Pipeline::"ci"')
        cls.task = cls.served.start_task(ci, "deploy", {"service": "checkout", "environment": "staging"})["task"]["id"]
        # An id as only somebody who wants harm gives: no shell may run it.
        facts = pathlib.Path(cls.served.dir) / "evil.json"
        facts.write_text('[{"uid": {"type": "Application", "id": "x$(touch HARM);`touch HARM`"}, "attrs": {}, "parents": []},'
                         ' {"uid": {"type": "Application", "id": "two words"}, "attrs": {}, "parents": []}]')
        cls.served.cli("facts", "put", facts)

    def setUp(self):
        self.home = pathlib.Path(harness.temp_dir())
        self.addCleanup(shutil.rmtree, self.home, True)
        (self.home / "bin").mkdir()
        os.symlink(harness.BIN, self.home / "bin" / "remit")
        (self.home / "catalog folder").mkdir()
        self.env = harness.clean_env({"HOME": str(self.home), "PATH": f"{self.home}/bin:{os.environ['PATH']}", "TERM": "xterm", "LC_ALL": "C.UTF-8",
                                      "ZDOTDIR": str(self.home), "XDG_CONFIG_HOME": str(self.home / "config"), "XDG_DATA_HOME": str(self.home / "data"),
                                      **self.served.operator_env})

    def ask(self, *words):
        """What the hidden command says, without the help."""
        done = subprocess.run([harness.BIN, "__complete", "--", *words], env=self.env, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done)
        return [line.split("\t")[0] for line in done.stdout.splitlines()]

    # --- the hidden command

    def test_it_knows_what_the_server_knows(self):
        for words, expected in ((("run", "dep"), ["deploy"]),
                                (("show", "tsk_"), [self.task]),
                                (("run", "deploy", ""), ["environment=", "service="]),
                                (("run", "deploy", "service=checkout", ""), ["environment="]),
                                (("run", "deploy", "service=che"), ["service=checkout"]),
                                (("run", "deploy", "environment=prod"), ["environment=prod", "environment=prod-eu"]),
                                (("list", "--type=d"), ["--type=deploy"]),
                                (("list", "--actor", 'Pipeline::"c'), ['Pipeline::"ci"'])):
            # Not waited for when it is slow, so asked again.
            harness.eventually(lambda: sorted(self.ask(*words)) == expected, what=f"{words} gives {expected}, not {self.ask(*words)}")

    def test_it_is_quiet_and_leaves_no_trace(self):
        before = len(self.served.cli("ledger", "export", "--count", "1000").lines)
        ci = self.served.actor('Pipeline::"other"')
        for env in (ci.env, {"REMIT_ADDR": "http://127.0.0.1:1"}, {"REMIT_ADDR": "nonsense"}, {"REMIT_TOKEN": "rmt_dead"}):
            done = subprocess.run([harness.BIN, "__complete", "--", "run", ""], env={**self.env, **env}, capture_output=True, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        after = self.served.cli("ledger", "export", "--count", "1000").lines
        self.assertEqual([line for line in after[before:] if "signed-in" in line], [])

    def test_every_shell_reads_its_script(self):
        for shell, check in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
            script = harness.run("completion", shell).stdout
            path = self.home / shell
            path.write_text(script)
            subprocess.run([*check, path], check=True, env=self.env)
        self.assertEqual(harness.run("completion", "csh", check=False).returncode, 2)

    # --- the shells

    def complete(self, terminal, line, *wanted):
        """Types a line and Tab, and waits for what should then stand there; the line is thrown away. Tried again, since a server that has not answered
        in a second is not waited for."""
        for attempt in range(5):
            terminal.send(f"{line}\t")
            try:
                said = terminal.until(*wanted, limit=15)
            except AssertionError:
                if attempt == 4:
                    raise
                said = None
            terminal.text = ""
            terminal.send("\x05\x15")  # to the end of the line, and everything before it away
            terminal.send(f"echo {END[0]}''{END[1:]}\n")
            terminal.until(END)
            if said is not None:
                return

    def in_each(self, terminal):
        self.complete(terminal, "remit appr\t", r"approvals[^\n]*(\n|.)*approve")
        self.complete(terminal, "remit revo", r"remit revoke ")
        self.complete(terminal, "remit run depl", r"remit run deploy ")
        self.complete(terminal, "remit run deploy service=che", r"service=checkout ")
        self.complete(terminal, "remit run deploy serv", r"service=")
        self.complete(terminal, "remit show tsk_", self.task)
        self.complete(terminal, "remit list --sta", r"--state\b")
        self.complete(terminal, "remit list --state act", r"active ")
        self.complete(terminal, "remit list --state=act", r"--state=active ")
        self.complete(terminal, "remit catalog load cat", r"load catalog\\ folder|load 'catalog folder'")
        self.complete(terminal, "remit run deploy service=two", r"service=(two\\ words|'two words')|'service=two words'")
        # What comes from others is quoted: the line is run, and nothing happens but that remit is asked.
        terminal.send("remit explain deploy service=x\t\n")
        terminal.send(f"echo {END[0]}''{END[1:]}\n")
        terminal.until(END)
        self.assertFalse((self.home / "HARM").exists())

    def test_bash(self):
        terminal = Terminal(self, ["bash", "--norc", "--noprofile", "-i"], self.env,
                            "PS1='> '; bind 'set bell-style none'; bind 'set show-all-if-ambiguous on'; . /usr/share/bash-completion/bash_completion; "
                            "source <(remit completion bash)")
        self.in_each(terminal)
        self.complete(terminal, "remit run deploy service=checkout -- truncat", r"-- truncate ")

    def test_bash_without_its_helpers(self):
        terminal = Terminal(self, ["bash", "--norc", "--noprofile", "-i"], self.env,
                            "PS1='> '; bind 'set bell-style none'; bind 'set show-all-if-ambiguous on'; source <(remit completion bash)")
        self.in_each(terminal)

    def test_zsh(self):
        terminal = Terminal(self, ["zsh", "-f", "-i"], self.env,
                            "PS1='> '; unsetopt beep zle_bracketed_paste promptsp; autoload -U compinit; compinit -u; source <(remit completion zsh)")
        self.in_each(terminal)
        self.complete(terminal, "remit run deploy service=checkout -- truncat", r"-- truncate")

    def test_fish(self):
        """fish says itself what it would complete."""
        def said(line):
            done = subprocess.run(["fish", "--no-config", "-c", "remit completion fish | source; complete -C $argv[1]", line], env=self.env, cwd=self.home,
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done)
            return [l.split("\t")[0] for l in done.stdout.splitlines()]
        self.assertEqual(said("remit appr"), ["approvals", "approve"])
        self.assertEqual(said("remit run depl"), ["deploy"])
        self.assertEqual(said("remit run deploy service=che"), ["service=checkout"])
        self.assertEqual(said("remit show tsk_"), [self.task])
        self.assertIn("--state", said("remit list --sta"))
        self.assertIn("catalog folder/", said("remit catalog load cat"))
        self.assertIn("truncate", said("remit run deploy service=checkout -- truncat"))


if __name__ == "__main__":
    harness.main()
