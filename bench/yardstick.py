"""The yardstick of scripts/bench: a server of others that was measured where the goals were set, measured again here in the same run.

Two things follow. How much Remit does beside it here is a fact of this run. What this machine does of what the other one did (its share),
and so what a goal would be here, is an estimate: it holds as far as Remit slows down as the yardstick does.
"""

import math
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent / "yardstick"
NAME = "oidc-provider"
FORM = "client_id=bench&client_secret=bench"  # what server.mjs knows its client by

# Measured on the machine of the goals, by clients. Introspection was noted there as a range, without how many clients: its middle.
LIVES_THERE = {1: 1389, 8: 1366, 64: 1398}
INTROSPECTIONS_THERE = 5500
RAW_ROLES_THERE = {1: 299, 8: 599, 32: 587}
SYNCED_COMMITS_THERE = 4600


class Missing(Exception):
    """Why there is no yardstick here."""


def install(build):
    """The folder with the server and its packages, below the build folder; installs them once for each lock file."""
    folder = build / "yardstick"
    folder.mkdir(parents=True, exist_ok=True)
    lock, installed = HERE / "package-lock.json", folder / "installed.json"
    if not shutil.which("node"):
        raise Missing("node is not installed")
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        if not shutil.which("npm"):
            raise Missing("npm is not installed")
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        environment = dict(os.environ)
        authorities = "/etc/ssl/certs/ca-certificates.crt"  # node trusts its own list alone; the machine's may have its network's own
        if os.path.exists(authorities):
            environment.setdefault("NODE_EXTRA_CA_CERTS", authorities)
        done = subprocess.run(["npm", "ci", "--loglevel=error", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, env=environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise Missing(f"npm could not install it: {first_line(done.stdout)}")
        shutil.copy(lock, installed)
    shutil.copy(HERE / "server.mjs", folder)
    return folder


def first_line(text):
    return (text.strip().splitlines() or ["it says nothing"])[0]


class Server:
    """The yardstick, running; `port` on 127.0.0.1, `pid`."""

    def __init__(self, build):
        folder = install(build)
        self.log = open(folder / "server.log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(["node", "server.mjs"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if not line.strip().isdigit():
            self.close()
            raise Missing(f"it does not start ({folder / 'server.log'})")
        self.port, self.pid = int(line), self.process.pid

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()


class Share:
    """What this machine does of what the machine of the goals did: the yardstick's lives here over its lives there, by clients."""

    def __init__(self):
        self.at = {}

    def of(self, clients):
        """For so many clients; where none was measured for as many, the geometric mean. None without a yardstick."""
        if not self.at:
            return None
        return self.at.get(clients) or math.prod(self.at.values()) ** (1 / len(self.at))

    def goal_here(self, goal, higher, clients):
        share = self.of(clients)
        return None if share is None else goal * share if higher else goal / share
