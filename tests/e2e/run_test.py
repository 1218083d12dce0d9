"""`remit run`: the task lives exactly as long as the command, nothing of the command outlives it, and the command gets nothing of its caller's.

As root everything is done twice: as root, whose commands get a cgroup, and as another user, who has none.
"""

import json
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import sys
import time

import harness
from harness import OPERATOR, eventually

NOBODY = 65534

# Says who it is, does what the test's command line says, and leaves processes behind in every way there is.
SPAWN = r"""
import os, signal, subprocess, sys, time
folder = sys.argv[1]

def note(name):
    with open(f"{folder}/{name}.tmp", "w") as file:
        file.write(str(os.getpid()))
    os.rename(f"{folder}/{name}.tmp", f"{folder}/{name}.pid")

def forget_everything():
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.closerange(3, 256)

def fork(name, session=False, twice=False):
    if os.fork():
        return
    if session:
        os.setsid()
    if twice and os.fork():
        os._exit(0)
    forget_everything()
    note(name)
    while True:
        time.sleep(1000)

fork("plain")
fork("session", session=True)
fork("daemon", session=True, twice=True)
fork("orphan", twice=True)
subprocess.Popen(["nohup", "setsid", "sh", "-c", f"echo $$ > {folder}/nohup.tmp; mv {folder}/nohup.tmp {folder}/nohup.pid; exec sleep 1000"],
                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
note("command")
while len([name for name in os.listdir(folder) if name.endswith(".pid")]) < 6:
    time.sleep(0.01)
print("ready", flush=True)
exec(sys.argv[2])
"""

# A parent and its child, both of whom say which signal they got.
GROUP = r"""
import os, signal, sys
ready, tell = os.pipe()
child = os.fork()

def got(*_):
    if child:
        os.waitpid(child, 0)
    os.write(1, f"{'parent' if child else 'child'} {sys.argv[2]}\n".encode())
    os._exit(42)
signal.signal(int(sys.argv[1]), got)
if child:
    os.read(ready, 1)
    os.write(1, b"ready\n")
else:
    os.write(tell, b".")
while True:
    signal.pause()
"""

# Everything that the command can see of itself, as JSON.
LOOK = r"""
import json, os, sys
def read(path):
    try:
        with open(path, "rb") as file:
            return file.read(1 << 20).decode(errors="replace")
    except OSError as error:
        return error.strerror
def link(path):
    try:
        return os.readlink(path)
    except OSError:
        return None
parents, pid = [], os.getppid()
while pid > 1 and len(parents) < 2:  # the guard and remit run
    parents.append({"name": read(f"/proc/{pid}/comm").strip(), "environ": read(f"/proc/{pid}/environ"), "maps": read(f"/proc/{pid}/maps"),
                    "fds": link(f"/proc/{pid}/fd/0"), "cmdline": read(f"/proc/{pid}/cmdline")})
    pid = int(read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[1])
fds = {fd: link(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")}
print(json.dumps({"environ": read("/proc/self/environ"), "fds": {fd: at for fd, at in fds.items() if at is not None}, "parents": parents,
                  "core": read("/proc/self/limits"), "uid": os.getuid()}))
"""


def alive(pid):
    """Whether the process runs; one that is dead and not waited for does not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Run(harness.Case):
    """As whoever runs the tests."""

    uid = os.getuid()

    @classmethod
    def setUpClass(cls):
        cls.remit = harness.RemitServer()
        cls.addClassCleanup(cls.remit.close)
        # As it is, but for the patience with a holder who says nothing.
        catalog = f"{cls.remit.dir}/deploy"
        shutil.copytree(harness.SOURCE / "catalogs/deploy", catalog)
        schema = pathlib.Path(f"{catalog}/deploy.cedarschema")
        schema.write_text(schema.read_text().replace('@name("deploy")', '@name("deploy") @heartbeat("10s")'))
        cls.remit.load(catalog)
        cls.ci = cls.remit.actor('Pipeline::"ci"')
        cls.rita = cls.remit.person('Employee::"rita"')
        cls.bin = f"{cls.remit.dir}/remit"
        shutil.copy(harness.BIN, cls.bin)
        os.chmod(cls.bin, 0o755)
        os.chown(cls.ci.key_file, cls.uid, -1)
        os.chmod(f"{cls.remit.dir}/etc", 0o755)

    def setUp(self):
        self.folder = harness.temp_dir("remit-run-")
        os.chmod(self.folder, 0o777)
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.spawn = f"{self.folder}/spawn.py"
        pathlib.Path(self.spawn).write_text(SPAWN)
        self.addCleanup(self._no_process_is_left)

    def _no_process_is_left(self):
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    # --- remit run

    def begin(self, *command, flags=(), env=None, environment="prod", actor=None, **kwargs):
        """`remit run deploy … -- command`, as this class's user; stdout and stderr are pipes."""
        if self.uid != os.getuid():
            kwargs.update(user=self.uid, group=self.uid, extra_groups=[])
        process = subprocess.Popen([self.bin, "run", "--json", *flags, "deploy", "service=checkout", f"environment={environment}", "--", *command],
                                   env=harness.clean_env({**(actor or self.ci).env, **(env or {})}), text=True, start_new_session=True, cwd="/",
                                   **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **kwargs})
        harness._living.append(process)
        self.addCleanup(harness.kill_group, process)
        return process

    def finish(self, process, deadline=harness.LIMIT):
        """Its exit code, what the command said, and the events that `remit run` told."""
        out, err = process.communicate(timeout=deadline)
        events = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
        started = [event for event in events if event.get("event") == "started"]
        self.task = re.search(r"tsk_[0-9a-z]{26}", json.dumps(started))[0] if started else None
        self.events = {event.get("event", "error"): event for event in events}
        self.said = err
        return process.returncode, out

    def to_end(self, *command, **kwargs):
        return self.finish(self.begin(*command, **kwargs))

    def line(self, process, wanted="ready"):
        """Waits until the command has said so."""
        said = process.stdout.readline()
        self.assertEqual(said, wanted + "\n", process.poll() is not None and process.stderr.read())

    def state(self):
        return self.remit.task(self.task)["state"]

    def active(self):
        return [task["id"] for task in self.remit.api("GET", "/v1/tasks?state=active", bearer=OPERATOR).json["tasks"]]

    def pids(self):
        return {int(path.read_text()) for path in pathlib.Path(self.folder).glob("*.pid")}

    def assert_all_gone(self, deadline=harness.LIMIT):
        self.assertEqual(len(self.pids()), 6)
        eventually(lambda: not any(alive(pid) for pid in self.pids()), deadline, "everything that the command started is gone")

    # --- how a command ends

    def test_exit_codes_pass_through(self):
        for code in (0, 1, 37, 255):
            self.assertEqual(self.to_end("sh", "-c", f"echo hello; exit {code}"), (code, "hello\n"), self.said)
            self.assertEqual(self.state(), "completed")
            self.assertEqual(self.events["token"]["state"], "dead", self.said)
        self.assertEqual(self.active(), [])

    def test_input_and_output_are_the_commands(self):
        process = self.begin("sh", "-c", "cat; cat >&2 </dev/null", stdin=subprocess.PIPE)
        out, _ = process.communicate("what goes in\n" * 10000, timeout=harness.LIMIT)
        self.assertEqual(out, "what goes in\n" * 10000)
        self.assertEqual(process.returncode, 0)

    def test_no_such_command(self):
        self.assertEqual(self.to_end("/nonexistent/command")[0], 127, self.said)
        self.assertNotEqual(self.state(), "active")
        self.assertEqual(self.to_end(self.spawn)[0], 126, self.said)
        self.assertNotEqual(self.state(), "active")

    def test_crashes(self):
        for name, code in (("SEGV", 139), ("KILL", 137), ("ABRT", 134)):
            self.assertEqual(self.to_end("sh", "-c", f"kill -{name} $$; sleep 100")[0], code, self.said)
            self.assertEqual(self.state(), "completed")

    def test_what_it_leaves_behind_ends_with_it(self):
        code, out = self.to_end(sys.executable, self.spawn, self.folder, "sys.exit(5)")
        self.assertEqual((code, out), (5, "ready\n"), self.said)
        self.assert_all_gone(0)  # not soon: they were gone when `remit run` ended
        self.assertGreaterEqual(self.events["left-behind"]["processes"], 5, self.said)
        self.assertEqual(self.state(), "completed")

    # --- signals

    def test_signals_pass_to_the_whole_group(self):
        for name, number in (("INT", signal.SIGINT), ("TERM", signal.SIGTERM), ("HUP", signal.SIGHUP), ("USR1", signal.SIGUSR1)):
            process = self.begin(sys.executable, "-c", GROUP, str(int(number)), name)
            self.line(process)
            process.send_signal(number)
            code, out = self.finish(process)
            self.assertEqual((code, out), (42, f"child {name}\nparent {name}\n"), self.said)
            self.assertEqual(self.state(), "completed")

    def test_a_signal_that_ends_the_command(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            process = self.begin("sh", "-c", "echo ready; exec sleep 1000")
            self.line(process)
            process.send_signal(number)
            self.assertEqual(self.finish(process)[0], 128 + number, self.said)
            self.assertEqual(self.state(), "completed")

    def test_ctrl_c_at_a_terminal(self):
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        if self.uid != os.getuid():
            os.fchown(slave, self.uid, -1)
        take_terminal = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
        command = 'trap "echo interrupted; exit 42" INT; echo ready; while :; do sleep 0.05; done'
        identity = {"user": self.uid, "group": self.uid, "extra_groups": []} if self.uid != os.getuid() else {}
        process = subprocess.Popen([sys.executable, "-c", take_terminal, self.bin, "run", "deploy", "service=checkout", "environment=prod", "--", "sh",
                                    "-c", command], env=harness.clean_env(self.ci.env), stdin=slave, stdout=slave, stderr=slave,
                                   start_new_session=True, cwd="/", **identity)
        harness._living.append(process)
        self.addCleanup(harness.kill_group, process)
        os.close(slave)
        seen = ""

        def read_until(text):
            nonlocal seen
            while text not in seen:
                try:
                    data = os.read(master, 65536)
                except OSError:  # the last one has closed it
                    data = b""
                if not data:
                    self.assertIn(text, seen)
                seen += data.decode()
        read_until("ready\r\n")
        os.write(master, b"\x03")
        read_until("interrupted\r\n")
        read_until("the server refuses")
        self.assertEqual(process.wait(harness.LIMIT), 42, seen)
        self.task = re.search(r"tsk_[0-9a-z]{26}", seen)[0]
        self.assertEqual(self.state(), "completed")

    # --- when `remit run` does not get to end it

    def test_kill_9_of_remit_run(self):
        process = self.begin(sys.executable, self.spawn, self.folder, "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)")
        self.line(process)
        [task] = self.active()
        killed = time.monotonic()
        process.kill()
        self.assert_all_gone()
        gone = time.monotonic() - killed
        eventually(lambda: self.remit.task(task)["state"] != "active", what="the task ended by the closed connection")
        took = time.monotonic() - killed
        ended = self.remit.task(task)
        self.assertEqual((ended["state"], ended["end_reason"]), ("expired", "connection-closed"))
        self.assertLess(gone, 15, "its processes outlived it")
        self.assertGreater(took, 10, "the connection may come back within 15 s")
        self.assertLess(took, 15 + 15)

    def test_kill_9_of_what_watches_the_command(self):
        process = self.begin(sys.executable, self.spawn, self.folder, "time.sleep(1000)")
        self.line(process)
        command = int(pathlib.Path(f"{self.folder}/command.pid").read_text())
        guard = int(pathlib.Path(f"/proc/{command}/stat").read_text().rsplit(")", 1)[1].split()[1])
        self.assertNotEqual(guard, process.pid)
        os.kill(guard, signal.SIGKILL)
        self.assertEqual(self.finish(process)[0], 137, self.said)
        self.assert_all_gone(0)
        self.assertIn("guard-killed", self.events)
        self.assertEqual(self.state(), "completed")

    # --- when the task ends first

    def test_revoked(self):
        process = self.begin("sh", "-c", 'trap "echo told; exit 0" TERM; echo ready; while :; do sleep 0.05; done')
        self.line(process)
        [task] = self.active()
        self.rita.cli("revoke", task, "--why", "seen in a log")
        code, out = self.finish(process)
        self.assertEqual((code, out), (9, "told\n"), self.said)
        self.assertEqual(self.task, task)
        self.assertEqual(self.state(), "revoked")
        self.assertEqual(self.events["ended-first"]["state"], "revoked")
        self.assertNotIn("killed", self.events)

    def test_revoked_and_deaf(self):
        process = self.begin(sys.executable, self.spawn, self.folder, "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)",
                             flags=["--kill-after", "1s"])
        self.line(process)
        [task] = self.active()
        self.rita.cli("revoke", task, "--why", "seen in a log")
        revoked = time.monotonic()
        self.assertEqual(self.finish(process)[0], 9, self.said)
        self.assertGreater(time.monotonic() - revoked, 0.9, "SIGKILL came before its time")
        self.assertIn("killed", self.events, self.said)
        self.assert_all_gone(0)

    def test_the_deadline(self):
        process = self.begin("sh", "-c", 'trap "echo told; exit 0" TERM; echo ready; while :; do sleep 0.05; done', flags=["--ttl", "4s"])
        code, out = self.finish(process)
        self.assertEqual((code, out), (9, "ready\ntold\n"), self.said)
        self.assertEqual(self.state(), "expired")
        self.assertIn("warning", self.events, self.said)
        self.assertLess(self.said.index('"warning"'), self.said.index('"ended-first"'))

    def test_the_server_restarts_under_it(self):
        process = self.begin("sh", "-c", f"echo ready; while ! [ -e {self.folder}/go ]; do sleep 0.05; done; echo done; exit 3")
        self.line(process)
        self.remit.restart(hard=True)
        eventually(lambda: len(self.active()) == 1, what="the task is there again")
        pathlib.Path(f"{self.folder}/go").touch()
        self.assertEqual(self.finish(process), (3, "done\n"), self.said)
        self.assertEqual(self.state(), "completed")

    def test_the_server_is_away_at_the_end(self):
        process = self.begin("sh", "-c", f"echo ready; while ! [ -e {self.folder}/go ]; do sleep 0.05; done; exit 3")
        self.line(process)
        self.remit.kill()
        pathlib.Path(f"{self.folder}/go").touch()
        try:
            self.assertEqual(self.finish(process, 120)[0], 3, self.said)
        finally:
            self.remit.start()
        self.assertIn("not-completed", self.events, self.said)
        eventually(lambda: self.state() != "active", what="the task ended by silence")
        self.assertEqual(self.remit.task(self.task)["end_reason"], "heartbeat")

    # --- what the command gets

    def test_nothing_of_its_callers_identity(self):
        holder = re.compile(r"rmh_[A-Za-z0-9_-]{20}")
        extra = {"REMIT_SESSION": "rmp_" + "x" * 43, "REMIT_TOKEN": "rmt_" + "y" * 43, "REMIT_SECRET_OF_TOMORROW": "z", "KEEP": "me"}
        code, out = self.to_end(sys.executable, "-c", LOOK, env=extra)
        self.assertEqual(code, 0, self.said)
        seen = json.loads(out)
        self.assertEqual(seen["uid"], self.uid)
        variables = dict(one.split("=", 1) for one in seen["environ"].split("\0") if one)
        self.assertEqual({name for name in variables if name.startswith("REMIT")}, {"REMIT_TOKEN", "REMIT_TASK", "REMIT_ADDR"})
        self.assertRegex(variables["REMIT_TOKEN"], r"^rmt_[A-Za-z0-9_-]{43}$")
        self.assertNotIn(extra["REMIT_TOKEN"], seen["environ"])
        self.assertEqual(variables["REMIT_TASK"], self.task)
        self.assertEqual(variables["KEEP"], "me")
        self.assertNotIn(self.ci.key_file, seen["environ"])
        self.assertNotIn(extra["REMIT_SESSION"], seen["environ"])
        self.assertNotRegex(seen["environ"], holder)
        # Files: its three, no socket to the server or the guard, nothing of what they have open.
        self.assertEqual(set(seen["fds"]), {"0", "1", "2"}, seen["fds"])
        # Its parents are closed to it, unless it is root, who is above all that; their command lines carry no secret.
        for parent in seen["parents"]:
            self.assertNotRegex(parent["cmdline"], r"rm[hta]_")
            if self.uid != 0:
                self.assertEqual((parent["environ"], parent["maps"], parent["fds"]), ("Permission denied", "Permission denied", None), parent["name"])
        self.assertRegex(seen["core"], r"Max core file size +0 +0")
        self.assertEqual(self.remit.api("GET", "/v1/whoami", bearer=variables["REMIT_TOKEN"]).status, 401, "the token outlived the task")

    def test_isolated_it_is_not_its_caller(self):
        """The key, the session, the socket and the processes of its caller: it finds none of them."""
        look = self.script("""
            import json, os, socket, sys
            def tries(f):
                try:
                    return f()
                except OSError as error:
                    return type(error).__name__
            def ask():
                s = socket.socket(socket.AF_UNIX)
                s.settimeout(20)
                s.connect(sys.argv[2])
                s.sendall(b"GET /v1/whoami HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
                answer = b""
                while part := s.recv(4096):
                    answer += part
                return json.loads(answer.split(b"\\r\\n\\r\\n")[1])["kind"]
            print(json.dumps({
                "uid": os.getuid(), "key": tries(lambda: open(sys.argv[1]).read()), "socket": tries(ask),
                "caller": tries(lambda: os.kill(int(sys.argv[3]), 0)), "processes": max(int(p) for p in os.listdir("/proc") if p.isdigit()) < 100,
                "token": os.environ["REMIT_TOKEN"][:4]}))
        """)
        os.chmod(os.path.dirname(look), 0o755)
        code, out = self.to_end(sys.executable, look, self.ci.key_file, self.remit.socket, str(os.getpid()), flags=["--isolate"],
                                env={"REMIT_SOCKET": self.remit.socket})
        self.assertEqual(code, 0, self.said)
        seen = json.loads(out)
        self.assertEqual((seen["token"], seen["processes"], seen["caller"]), ("rmt_", True, "ProcessLookupError"))
        self.assertIn(seen["key"], ("", "PermissionError"))
        self.assertIn("sees its own processes alone", self.events["started"]["isolated"])
        if self.uid == 0:
            self.assertNotEqual(seen["uid"], 0)
            self.assertEqual(seen["socket"], "nobody")
        else:
            self.assertEqual((seen["uid"], seen["socket"]), (self.uid, "ConnectionRefusedError"))

    def test_it_can_start_approve_and_end_nothing(self):
        waits = self.ci.api("POST", "/v1/tasks", {"type": "deploy", "parameters": {"service": "checkout", "environment": "prod-eu"}, "from_text": True})
        self.assertEqual(waits.status, 201, str(waits))
        approval = waits.json["approval"]
        [shown] = [one for one in self.rita.api("GET", "/v1/approvals").json["approvals"] if one["id"] == approval]
        self.addCleanup(lambda: self.remit.api("POST", f"/v1/tasks/{waits.json['task']['id']}/withdraw", {}, bearer=waits.json["holder"]))
        attempts = {
            "start": "start deploy service=checkout environment=prod",
            "run": "run deploy service=checkout environment=prod -- true",
            "approve": f"approve {approval} --hash {shown['hash']}",
            "deny": f"deny {approval} --why mine",
            "complete": "complete $REMIT_TASK",
            "revoke": "revoke $REMIT_TASK --why mine",
            "another's end": f"complete {waits.json['task']['id']}",
            "register": "actor put 'Pipeline::\"mine\"' --client-id mine",
            "sign in": "person link 'Employee::\"rita\"'",
            "catalog": f"catalog load {harness.SOURCE}/catalogs/support",
        }
        # Over TCP with what it has; over the unix socket with its uid; with the token where a key belongs.
        script = "".join(f"{self.bin} {line} >/dev/null 2>>{self.folder}/tried; echo \"{name}=$?\"\n" for name, line in attempts.items())
        post = "import os, sys, urllib.request, urllib.error\n"
        post += "def post(path, body):\n    request = urllib.request.Request(sys.argv[1] + path, body, {'Authorization': 'Bearer ' + os.environ['REMIT_TOKEN'], 'Content-Type': 'application/json'})\n"
        post += "    try:\n        return urllib.request.urlopen(request).status\n    except urllib.error.HTTPError as e:\n        return e.code\n"
        post += f"print('api start=%d' % post('/v1/tasks', b'{{\"type\":\"deploy\",\"parameters\":{{\"service\":\"checkout\",\"environment\":\"prod\"}},\"from_text\":true}}'))\n"
        post += f"print('api approve=%d' % post('/v1/approvals/{approval}/approve', b'{{\"hash\":\"{shown['hash']}\"}}'))\n"
        post += "print('api complete=%d' % post('/v1/tasks/' + os.environ['REMIT_TASK'] + '/complete', b'{}'))\n"
        post += "print('api heartbeat=%d' % post('/v1/tasks/' + os.environ['REMIT_TASK'] + '/heartbeat', b'{}'))\n"
        before = len(self.remit.api("GET", "/v1/tasks", bearer=OPERATOR).json["tasks"])
        code, out = self.to_end("sh", "-c", f"{script} {sys.executable} -c \"$0\" {self.remit.url}; echo still here", post)
        self.assertEqual(code, 0, self.said)
        tried = pathlib.Path(f"{self.folder}/tried").read_text()
        results = dict(line.rsplit("=", 1) for line in out.splitlines() if "=" in line)
        for name in attempts:
            self.assertNotEqual(results[name], "0", f"{name}\n{out}\n{tried}")
        for name in ("start", "approve", "complete", "heartbeat"):
            self.assertGreaterEqual(int(results[f"api {name}"]), 400, out)
        self.assertIn("still here", out)
        self.assertEqual(self.state(), "completed")  # by `remit run`, after all that
        self.assertEqual(self.remit.task(waits.json["task"]["id"])["state"], "requested")
        self.assertEqual(len(self.remit.api("GET", "/v1/tasks", bearer=OPERATOR).json["tasks"]), before)
        self.assertEqual(self.rita.api("GET", "/v1/approvals").json["approvals"][0]["given"], [])

    def test_nor_over_the_unix_socket(self):
        """Where the server tells callers by their uid: this one is nobody there."""
        if self.uid == 0:
            command = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
        elif self.uid == NOBODY:
            command = []
        else:
            return  # the uid of the server itself: its operator
        line = f"{self.bin} --server unix:{self.remit.socket}"
        script = (f"unset REMIT_TOKEN; for c in 'start deploy service=checkout environment=prod' 'actor put Pipeline::\"x\" --client-id x' "
                  f"'person link Employee::\"rita\"' 'list'; do {line} $c >/dev/null 2>&1; echo $?; done")
        code, out = self.to_end(*command, "sh", "-c", script)
        self.assertEqual(code, 0, self.said)
        self.assertEqual(len(out.split()), 4)
        self.assertNotIn("0", out.split(), self.said)

    def test_approved_first(self):
        process = self.begin("sh", "-c", "echo deployed", environment="prod-eu")
        [approval] = eventually(lambda: self.rita.cli("approvals", "--json").json["approvals"], what="it waits for rita")
        self.assertIsNone(process.poll())
        self.rita.cli("approve", approval["id"])
        self.assertEqual(self.finish(process), (0, "deployed\n"), self.said)
        process = self.begin("sh", "-c", "echo deployed", environment="prod-eu")
        [approval] = eventually(lambda: self.rita.cli("approvals", "--json").json["approvals"], what="it waits for rita")
        self.rita.cli("deny", approval["id"], "--why", "freeze")
        self.assertEqual(self.finish(process), (7, ""), self.said)

    def ahead(self, seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))

    def test_at_its_time(self):
        at = self.ahead(3)
        self.assertEqual(self.to_end("sh", "-c", "echo deployed", flags=["--at", at]), (0, "deployed\n"), self.said)
        self.assertEqual(self.events["scheduled"]["at"], at)
        self.assertGreaterEqual(self.remit.task(self.task)["started"], at[:-1])  # perhaps with a fraction

    def test_approved_before_its_time(self):
        process = self.begin("sh", "-c", "echo deployed", environment="prod-eu", flags=["--at", self.ahead(6)])
        [approval] = eventually(lambda: self.rita.cli("approvals", "--json").json["approvals"], what="it waits for rita")
        self.rita.cli("approve", approval["id"])
        self.assertEqual(self.remit.task(approval["task"])["state"], "scheduled")
        self.assertEqual(self.finish(process), (0, "deployed\n"), self.said)

    def test_denied_or_interrupted_before_its_time(self):
        process = self.begin("sh", "-c", "echo deployed", flags=["--at", self.ahead(3600)])
        [task] = eventually(lambda: self.remit.api("GET", "/v1/tasks?state=scheduled", bearer=OPERATOR).json["tasks"], what="it is scheduled")
        self.rita.cli("deny", "apv_" + task["id"][4:], "--why", "freeze")
        self.assertEqual(self.finish(process), (7, ""), self.said)
        process = self.begin("sh", "-c", "echo deployed", flags=["--at", self.ahead(3600)])
        [task] = eventually(lambda: self.remit.api("GET", "/v1/tasks?state=scheduled", bearer=OPERATOR).json["tasks"], what="it is scheduled")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(process), (143, ""), self.said)
        self.assertEqual(self.remit.task(task["id"])["state"], "withdrawn")

    def test_interrupted_while_it_waits(self):
        process = self.begin("sh", "-c", "echo deployed", environment="prod-eu")
        [approval] = eventually(lambda: self.rita.cli("approvals", "--json").json["approvals"], what="it waits for rita")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(process), (143, ""), self.said)
        self.assertEqual(self.remit.task(approval["task"])["state"], "withdrawn")


if os.getuid() == 0:
    class RunAsSomebody(Run):
        """As a user who has no cgroup of his own, and whom the server does not know."""

        uid = NOBODY


if __name__ == "__main__":
    harness.main()
