"""The how-to guides do what they say: every command on them is typed into a shell, in order, in an empty folder, against real servers.

How a page is read:
- In blocks fenced as ```console a line `$ COMMAND` is typed; lines `> …` behind it belong to it. The other lines are what it prints: each
  must come, in this order, with anything for `…` and other lines in between. `--` and the like are not special: only `…` is.
- A command must succeed, unless the next one is `echo $?`.
- A command that ends with `&` stays; the page goes on when what is shown below it has been printed.
- A block fenced as ```sh is typed as it stands: most of them make a file, and whatever needs it comes later on the page.
- Ports stand for others: 7070 is the server's, 5432 PostgreSQL's, 8080 that of what a page itself starts. `catalogs` is the clone's, and `remit` is the program under test.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time

import harness

PAGES = harness.SOURCE / "docs" / "how-to"


class Step:
    def __init__(self, place, command):
        self.place, self.command, self.expected = place, command, []

    @property
    def stays(self):
        return self.command.rstrip().endswith("&") and not self.command.rstrip().endswith("&&")


def read_page(path):
    """The steps of a page."""
    steps, fence = [], None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if fence is None:
            opened = re.fullmatch(r"```(.*)", line)
            if opened:
                fence = opened[1]
                if fence == "sh":
                    steps.append(Step(f"{path.name}:{number}", ""))
        elif line == "```":
            fence = None
        elif fence == "sh":
            steps[-1].command += line + "\n"
        elif fence == "console":
            if line.startswith("$ "):
                steps.append(Step(f"{path.name}:{number}", line[2:]))
            elif line.startswith("> "):
                steps[-1].command += "\n" + line[2:]
            elif line.strip():
                steps[-1].expected.append(line.rstrip())
    return steps


def missing(expected, output):
    """The first expected line that does not come, or None."""
    lines = iter([line.rstrip() for line in output.splitlines()])
    for want in expected:
        pattern = re.compile(".*".join(re.escape(part) for part in want.split("…")))
        if not any(pattern.fullmatch(line) for line in lines):
            return want
    return None


class Shell:
    """bash in a folder of its own; what it and everything in it prints goes to a terminal, as a reader would see it."""

    def __init__(self, folder, env):
        self.terminal, slave = os.openpty()
        self.bash = subprocess.Popen(["bash", "--norc", "--noprofile"], cwd=folder, env=env, stdin=subprocess.PIPE, stdout=slave, stderr=slave, text=True,
                                     start_new_session=True)
        os.close(slave)
        harness._living.append(self.bash)
        self.printed, self.number = b"", 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        try:
            while True:
                self.printed += os.read(self.terminal, 65536)
        except OSError:
            pass  # the last one who could write to it has gone

    def output(self, since):
        text = re.sub(r"[^\n]*\r\x1b\[K", "", self.printed[since:].decode(errors="replace"))  # a line that was taken away again: progress
        text = text.replace("\r", "")
        return re.sub(r"\x1b\[[0-9;]*[mK]", "", text)

    def run(self, command, deadline=120):
        """Where its output begins, and its exit status. `$?` is the command's for the next one, too."""
        self.number += 1
        mark = f"--- {self.number} ends with "
        since = len(self.printed)
        self.bash.stdin.write(f"{command}\n__status=$?; printf '\\n{mark}%d\\n' $__status; (exit $__status)\n")
        self.bash.stdin.flush()
        done = harness.eventually(lambda: self.bash.poll() is not None or re.search(f"\n{mark}(\\d+)\n", self.output(since)), deadline, command)
        if done is True:
            raise AssertionError(f"the shell ended in `{command}`:\n{self.output(since)}")
        return since, int(done.group(1))

    def close(self):
        try:
            os.killpg(self.bash.pid, signal.SIGTERM)
            limit = time.monotonic() + 10
            while self.bash.poll() is None and time.monotonic() < limit:
                time.sleep(0.05)
            os.killpg(self.bash.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.bash.stdin.close()
        self.bash.wait()
        self.reader.join(10)
        os.close(self.terminal)


class HowTo(harness.Case):
    def follow(self, page, ports, before=None, also=None):
        """`before`: what is done in the reader's folder before a command, by the command. `also`: what it prints besides, where the page leaves it open."""
        steps = read_page(PAGES / page)
        self.assertTrue(steps, f"{page} has no command")
        top = harness.temp_dir("remit-howto-")
        self.addCleanup(shutil.rmtree, top, ignore_errors=True)
        folder = f"{top}/w"
        os.makedirs(f"{top}/bin")
        os.makedirs(folder)
        os.symlink(harness.BIN, f"{top}/bin/remit")
        os.symlink(harness.SOURCE / "catalogs", f"{folder}/catalogs")

        def here(text):
            for shown, real in ports.items():
                text = re.sub(rf"(?<![0-9]){shown}(?![0-9])", str(real), text)
            return text

        shell = Shell(folder, harness.clean_env({"HOME": top, "PATH": f"{top}/bin:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "PGCONNECT_TIMEOUT": "20"}))
        self.addCleanup(shell.close)
        for at, step in enumerate(steps):
            if before and step.command in before:
                before[step.command](pathlib.Path(folder))
            since, status = shell.run(here(step.command))
            expected = [here(line) for line in (also or {}).get(step.command, step.expected)]
            if step.stays:
                try:
                    harness.eventually(lambda: missing(expected, shell.output(since)) is None)
                except AssertionError:
                    pass
            output = shell.output(since)
            asked = at + 1 < len(steps) and steps[at + 1].command == "echo $?"
            if status != 0 and not asked:
                self.fail(f"{step.place}: `{step.command}` ended with {status}:\n{output}")
            lost = missing(expected, output)
            if lost is not None:
                self.fail(f"{step.place}: `{step.command}` did not print\n{lost}\nbut\n{output}")

    def test_ci_deploy(self):
        self.follow("ci-deploy.md", {7070: harness.free_port()})

    def test_ticket_agent(self):
        self.follow("ticket-agent.md", {7070: harness.free_port(), 8080: harness.free_port()})

    def test_agents_that_delegate(self):
        self.follow("agents-that-delegate.md", {7070: harness.free_port()})

    def change_page(self, when, refusal):
        """The page, where the catalog's rule about the weekend is about `when`; `refusal` is what it says that Ines reads then."""
        page = "production-change.md"
        self.assertIn(f"``may not start `change`{refusal}``", (PAGES / page).read_text())

        def another_day(folder):
            (folder / "catalogs").unlink()
            shutil.copytree(harness.SOURCE / "catalogs", folder / "catalogs")
            policies = folder / "catalogs/change/change.cedar"
            text, count = re.subn(r"when \{ context\.local\.weekday [^}]*\}", f"when {{ {when} }}", policies.read_text())
            self.assertEqual(count, 1)
            policies.write_text(text)

        broken = "ines start change system=shop --reason 'INC-9 checkout fails' --break-glass"
        self.assertIn(broken, [step.command for step in read_page(PAGES / page)])
        self.follow(page, {7070: harness.free_port()}, {"remit catalog load catalogs/change --with-facts": another_day},
                    {broken: [f'remit: Employee::"ines" may not start `change`{refusal}', "hint: …"]})

    @staticmethod
    def moment(day, time):
        """As the page has it, and as Cedar writes it."""
        date = subprocess.run(["date", "-d", day, "+%Y-%m-%d"], capture_output=True, text=True, check=True).stdout.strip()
        return f'context.now == datetime("{date}T{time}:00+0100")'

    def test_production_change(self):
        self.follow("production-change.md", {7070: harness.free_port()})

    def test_production_change_on_a_weekday(self):
        self.change_page(self.moment("next saturday", "10:00"), " without its approvals: no policy permits it")

    def test_production_change_at_the_weekend(self):
        self.change_page(f"!({self.moment('next tuesday', '02:00')})", ": forbidden (not-before-the-weekend)")

    def test_rotate_secret(self):
        self.follow("rotate-secret.md", {7070: harness.free_port()})

    def test_administer(self):
        self.follow("administer.md", {7070: harness.free_port()})

    def test_look_after(self):
        self.follow("look-after.md", {7070: harness.free_port()})

    def test_notify_people(self):
        self.follow("notify-people.md", {7070: harness.free_port(), 8080: harness.free_port()})

    def test_trip(self):
        self.follow("trip.md", {7070: harness.free_port(), 8080: harness.free_port()})

    def test_offboard(self):
        postgres = self.postgres()
        self.follow("offboard.md", {7070: harness.free_port(), 5432: postgres.port})

    def test_vendor_maintenance(self):
        postgres = self.postgres()
        self.follow("vendor-maintenance.md", {7070: harness.free_port(), 5432: postgres.port})

    def test_standing_access(self):
        postgres = self.postgres(*[word for setting in ("shared_preload_libraries=pgaudit", "pgaudit.log=read,write,function", "pgaudit.log_relation=on",
                                                        "logging_collector=on", "log_destination=csvlog", "log_disconnections=on", "log_timezone=UTC")
                                   for word in ("--set", setting)])
        self.follow("standing-access.md", {7070: harness.free_port(), 5432: postgres.port})

    def test_replace_standing_access(self):
        postgres = self.postgres()
        self.follow("replace-standing-access.md", {5432: postgres.port})

    def test_readme(self):
        """The first screen: the two files shown there are a catalog as they stand and keep the tests of catalogs/deploy, and `remit run` prints
        these lines with it."""
        text = (harness.SOURCE / "README.md").read_text()
        files = dict(re.findall(r"```cedar\n// (\S+)\n(.*?)```", text, re.S))
        self.assertEqual(sorted(files), ["deploy.cedar", "deploy.cedarschema"])
        self.assertEqual(sum(len(file.splitlines()) for file in files.values()), 12)
        command, *shown = re.search(r"```console\n\$ remit (.*?)```", text, re.S).group(1).splitlines()
        self.assertLessEqual(len(shown), 6)

        folder = pathlib.Path(harness.temp_dir("remit-readme-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        deploy = harness.SOURCE / "catalogs" / "deploy"
        for name, file in files.items():
            (folder / name).write_text(f"// {name}\n{file}")
        for name in ("facts.json", "deploy.test.toml"):
            shutil.copy(deploy / name, folder)
        self.assertIn("11 passed, 0 failed", harness.run("catalog", "test", folder).stdout)

        server = self.server(catalogs=[folder])
        script = folder / "deploy.sh"
        script.write_text("#!/bin/sh\n")
        script.chmod(0o755)
        done = server.actor('Pipeline::"ci"').cli(*command.split(), cwd=folder)

        def bare(line):
            """Without what differs from run to run and from machine to machine."""
            line = re.sub(r"tsk_[0-9a-z]{26}", "tsk_…", line)
            line = re.sub(r"(\b\d{4}-\d\d-\d\d )?\b\d\d:\d\d:\d\d\b", "…", line)  # with its day, where that is another
            line = re.sub(r"after [0-9.ms]+,", "after …,", line)
            line = re.sub(r"your uid, \d+", "your uid, …", line)
            return re.sub(r"with it \((cgroup|pid namespace|subreaper)\)", "with it (…)", line)

        self.assertEqual([bare(line) for line in done.stderr.splitlines()], [bare(line) for line in shown], str(done))

    def test_servers_are_stopped(self):
        """Each page stops the server that it started, else that of the next page finds its port taken."""
        for page in sorted(PAGES.glob("*.md")):
            running = 0
            for step in read_page(page):
                running += step.stays and "remit serve" in step.command
                running -= step.command.startswith("kill %")
            self.assertLessEqual(running, 0, page.name)

    def test_cli_reference(self):
        """docs/reference/cli.md has every command that there is, with every option, and no other."""
        text = (harness.SOURCE / "docs/reference/cli.md").read_text()
        rows = {}
        for cell, rest in re.findall(r"^\| `([^`|]+)`(.*)$", text, re.M):
            rows[cell] = rest

        def commands(prefix=()):
            help = harness.run(*prefix, "--help").stdout
            names = [name for _, group in harness.commands_in(help) for name in group]
            if not names:
                return {" ".join(prefix): set(re.findall(r"^  (--[a-z-]+)", help, re.M)) - {"--json", "--server"}}
            found = {}
            for name in names:
                found.update(commands((*prefix, name)))
            return found

        there = commands()
        self.assertGreater(len(there), 40)
        for command, options in there.items():
            row = [cell + rest for cell, rest in rows.items() if cell == command or cell.startswith(command + " ")]
            self.assertTrue(row, f"`{command}` is not on the page")
            self.assertEqual(options - set(re.findall(r"--[a-z-]+", row[0])), set(), command)
        named = {cell for cell in rows if re.match(r"[a-z]", cell)} - {"datetime", "duration"}
        lost = [cell for cell in named if not any(cell == command or cell.startswith(command + " ") for command in there)]
        self.assertEqual(lost, [])
        # In the groups and the order of `remit --help`.
        sections = {title: list(dict.fromkeys(re.findall(r"^\| `([a-z-]+)[ `]", body, re.M))) for title, body in re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", text, re.M)}
        for title, names in harness.commands_in(harness.run("--help").stdout):
            self.assertEqual([name for name in sections.get(title, []) if name not in ("datetime", "duration")], names, title)

    def test_every_page_is_followed(self):
        pages = {page.stem.replace("-", "_") for page in PAGES.glob("*.md")}
        tests = {name[len("test_"):] for name in dir(self) if name.startswith("test_")}
        others = {"every_page_is_followed", "the_reader_finds_fault", "readme", "cli_reference", "servers_are_stopped"}
        again = {"production_change_on_a_weekday", "production_change_at_the_weekend"}  # on days that are not today
        self.assertEqual(pages, tests - others - again)

    def test_the_reader_finds_fault(self):
        """The reader itself: what must fail does."""
        self.assertIsNone(missing(["a … c", "d"], "x\na b c\ny\nd\n"))
        self.assertEqual(missing(["a … c", "d"], "d\na b c\n"), "d")
        self.assertEqual(missing(["a.c"], "abc\n"), "a.c")


if __name__ == "__main__":
    harness.main()
