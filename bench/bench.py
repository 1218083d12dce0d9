"""scripts/bench: measures Remit on this machine, with real servers and real disks, and prints what it found beside the goals.

A goal is what Remit set itself against another system on the same work and the same kind of machine (2 cores, driver on the same cores,
quiet). Ratios to goals mean something on such a machine alone, so the load average is printed with them; and yardstick.py measures what else
was measured there once more here, which gives an estimate of what the goals are on this machine.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("REMIT_BUILD") or ROOT / "build")
os.environ.setdefault("REMIT_BIN", str(BUILD / "remit"))
os.environ["REMIT_SOURCE_DIR"] = str(ROOT)
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import harness  # noqa: E402
import yardstick  # noqa: E402

TABLE = "bench/public.things"
OPENBAO_CPU_US = 8500  # what OpenBao 2.6 needs for the same life of a grant


# --- what a process used -----------------------------------------------------------------------------------------------------------------

def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bytes_written(pid):
    return int(pathlib.Path(f"/proc/{pid}/io").read_text().split("write_bytes: ")[1].split()[0])


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) * 1024


class Bench:
    def __init__(self, quick):
        self.seconds = 1.5 if quick else 5
        self.live = (20000,) if quick else (100000, 1000000)
        self.rows = []
        self.left_out = []
        self.share = yardstick.Share()
        self.reports = {}  # of the driver, by work and clients

    def row(self, what, value, unit, goal=None, higher=True, clients=None, speed=True, there=None, **more):
        """Notes a figure. `goal`: at least so much, or at most (higher=False); with `speed` it depends on the machine, and what it is here is
        estimated. `there`: the same figure on the machine of the goals."""
        def over(least):
            return None if least is None else value / least if higher else least / value
        here = None if goal is None or not speed else self.share.goal_here(goal, higher, clients)
        self.rows.append({"what": what, "value": value, "unit": unit, "goal": goal, "ratio": over(goal), "goal_here": here, "ratio_here": over(here),
                          "there": there, "share": there and value / there, **more, "load": os.getloadavg()[0]})
        print_row(self.rows[-1])

    # --- in process

    def in_process(self):
        done = subprocess.run([BUILD / "bench_decision", f"--benchmark_min_time={self.seconds / 10}", "--benchmark_format=json"], check=True, capture_output=True,
                              text=True)
        names = {"Policies": "policies alone", "Allow/1": "allow, 1 live task", "Allow/100000": "allow, 100,000 live", "Deny/1": "deny, 1 live task",
                 "Deny/100000": "deny, 100,000 live"}
        for one in json.loads(done.stdout)["benchmarks"]:
            self.row(f"decision in process, {names[one['name']]}", one["items_per_second"], "/s")

    # --- servers and the driver

    def serve(self, **kwargs):
        # Not in /tmp, which may be memory: what is durable here must reach a disk.
        server = harness.RemitServer(start=False)
        self.on_disk = tempfile.mkdtemp(prefix="bench-", dir=BUILD)
        server.edit(f'data_dir = "{server.data}"', f'data_dir = "{self.on_disk}"')
        server.data, server.store = self.on_disk, f"{self.on_disk}/remit.db"
        for name, settings in kwargs.items():
            server.add_postgres_target(name, **settings)
        return server

    def begin(self, server):
        server.start()
        server.load(ROOT / "bench" / "catalog")
        self.client, self.gateway = server.actor('Client::"client"'), server.actor('Gateway::"gateway"')

    def end(self, server):
        server.close()
        subprocess.run(["rm", "-rf", self.on_disk], check=True)

    def load(self, server, work, clients, *flags):
        """One run of the driver against Remit."""
        who = ("--session", self.client.session(), "--gateway", self.gateway.session())
        return self.drive(server, work, clients, *who, *(flags or ("--seconds", self.seconds)))

    def drive(self, server, work, clients, *flags):
        """One run of the driver: its report, with what the server used for each unit."""
        command = [BUILD / "bench_load", work, f"127.0.0.1:{server.port}", "--clients", clients, *flags]
        cpu, written = cpu_seconds(server.pid), bytes_written(server.pid)
        done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SystemExit(f"the driver ended with {done.returncode}: {done.stderr}\n{server.stderr()[-2000:]}")
        report = json.loads(done.stdout)
        report["cpu_us"] = (cpu_seconds(server.pid) - cpu) / report["units"] * 1e6
        report["bytes"] = (bytes_written(server.pid) - written) / report["units"]
        self.reports[work, clients] = report
        return report

    def disk(self):
        """What the disk itself can do, one commit after the other: 4 KiB and fdatasync."""
        with tempfile.NamedTemporaryFile(dir=BUILD) as file:
            count, began = 0, time.monotonic()
            while time.monotonic() < began + self.seconds / 2:
                os.pwrite(file.fileno(), b"\0" * 4096, count % 1024 * 4096)
                os.fdatasync(file.fileno())
                count += 1
            self.row("the disk: 4 KiB written and synced", count / (time.monotonic() - began), "/s", there=yardstick.SYNCED_COMMITS_THERE)

    # --- the yardstick

    def beside_others(self):
        try:
            server = yardstick.Server(BUILD)
        except yardstick.Missing as missing:
            self.left_out.append(f"the yardstick ({yardstick.NAME}), and with it what the goals are on this machine: {missing}")
            print(f"left out: {self.left_out[-1]}", file=sys.stderr, flush=True)
            return
        try:
            flags = ("--form", yardstick.FORM, "--seconds", self.seconds)
            for work in ("oauth-introspect", "oauth-life"):  # until node has compiled what runs often: not noted
                self.drive(server, work, 8, *flags)
            for clients in yardstick.LIVES_THERE:
                r = self.drive(server, "oauth-introspect", clients, *flags)
                self.row(f"{yardstick.NAME}: introspection, {plural(clients)}", r["rate"], "/s", there=yardstick.INTROSPECTIONS_THERE, **cost(r))
            for clients, there in yardstick.LIVES_THERE.items():
                r = self.drive(server, "oauth-life", clients, *flags)
                self.row(f"{yardstick.NAME}: a life in memory, {plural(clients)}", r["rate"], "/s", there=there, **cost(r))
                self.share.at[clients] = r["rate"] / there
        finally:
            server.close()

    def ratios(self):
        """How much Remit did in this run for one of the yardstick's: of the pairs of which both were measured."""
        pairs = (("life", "oauth-life", "a life, durable, for one of {} in memory"), ("decide", "oauth-introspect", "decisions for an introspection of {}"))
        for ours, theirs, text in pairs:
            for clients in yardstick.LIVES_THERE:
                if (ours, clients) in self.reports and (theirs, clients) in self.reports:
                    ratio = self.reports[ours, clients]["rate"] / self.reports[theirs, clients]["rate"]
                    self.row(f"{text.format(yardstick.NAME)}, {plural(clients)}", ratio, "×")

    # --- over HTTP

    def over_http(self):
        self.disk()
        server = self.serve()
        try:
            self.begin(server)
            for clients, goal in ((1, 11700), (8, 21700), (32, 50000), (64, 50000)):
                r = self.load(server, "decide", clients)
                self.row(f"decision over HTTP, {plural(clients)}", r["rate"], "/s", goal, clients=clients, **cost(r))
                if clients == 32:
                    self.row("  its p99", r["p99"] / 1000, "ms", 1, higher=False, clients=clients)
            for clients, goal, kilobytes in ((1, 800, 45), (8, 2900, 20), (64, 4650, 20)):
                r = self.load(server, "life", clients)
                self.row(f"life of a task, durable, {plural(clients)}", r["rate"], "/s", goal, clients=clients, **cost(r), bytes=r["bytes"])
                self.row("  its processor time", r["cpu_us"], "µs", OPENBAO_CPU_US / 20, higher=False, clients=clients)
                self.row("  written to disk for it", r["bytes"] / 1000, "kB", kilobytes, higher=False, speed=False)
        finally:
            self.end(server)

    def full(self):
        for live in self.live:
            self.full_of(live)

    def full_of(self, live):
        server = self.serve()
        try:
            self.begin(server)
            empty = resident(server.pid)
            r = self.load(server, "start", 64, "--count", live)
            self.row(f"starting {live:,} tasks that stay", r["rate"], "/s", bytes=r["bytes"], cpu_us=r["cpu_us"])
            server.stop()
            began = time.monotonic()
            server.launch()
            while True:
                try:
                    with harness.Http(port=server.port, timeout=10) as connection:
                        if connection.call("GET", "/readyz").status == 200:
                            break
                except OSError:
                    time.sleep(0.002)
            ready = time.monotonic() - began
            seconds, megabytes = {100000: (0.74, 194), 1000000: (5, 1500)}.get(live, (None, None))
            self.row(f"ready with {live:,} live tasks", ready, "s", seconds, higher=False, cpu_us=cpu_seconds(server.pid) * 1e6)
            self.row(f"memory with {live:,} live tasks", resident(server.pid) / 1e6, "MB", megabytes, higher=False, speed=False, empty=empty / 1e6)
        finally:
            self.end(server)

    # --- PostgreSQL

    def postgres(self):
        with harness.Postgres("--fsync") as postgres:
            postgres.psql("CREATE DATABASE things")
            postgres.psql("CREATE TABLE public.things (n int); CREATE ROLE raw_scope NOLOGIN; GRANT SELECT ON public.things TO raw_scope", "things")
            server = self.serve(bench={"postgres": postgres, "database": "things", "tables": ["public.things"]})
            try:
                self.begin(server)
                postgres.psql(server.cli("target", "init", "postgres", "bench", "--config", server.config).stdout, "things")
                # Shares of raw. With one client three times what OpenBao reaches, which is 0.127 of raw; with several a share that is more than that.
                for clients, share in ((1, 0.38), (8, 0.4), (32, 0.4)):
                    raw = self.raw_roles(postgres, clients)
                    r = self.load(server, "query", clients, "--seconds", self.seconds, "--table", TABLE)
                    self.row(f"raw CREATE + GRANT + DROP ROLE, {plural(clients)}", raw, "/s", there=yardstick.RAW_ROLES_THERE[clients])
                    # The goal is of this run already.
                    self.row(f"PostgreSQL credential made and ended, {plural(clients)}", r["rate"], "/s", share * raw, speed=False, **cost(r), bytes=r["bytes"])
            finally:
                self.end(server)

    def raw_roles(self, postgres, clients):
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            script.write("CREATE ROLE raw_:client_id LOGIN PASSWORD 'SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$"
                         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' VALID UNTIL 'infinity' CONNECTION LIMIT 5;\n"
                         "GRANT raw_scope TO raw_:client_id;\nDROP ROLE raw_:client_id;\n")
            script.flush()
            pgbench = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/pgbench"))[-1]
            done = subprocess.run([pgbench, "-n", "-h", postgres.host, "-p", str(postgres.port), "-U", "postgres", "-c", str(clients), "-j", "2", "-T",
                                   str(max(2, int(self.seconds))), "--max-tries=100", "-f", script.name, "things"], capture_output=True, text=True)
        rates = [text for text in done.stdout.splitlines() if text.startswith("tps = ")]
        if not rates:
            raise SystemExit(f"pgbench: {done.stdout}\n{done.stderr}")
        return float(rates[-1].split()[2])


# --- the table ----------------------------------------------------------------------------------------------------------------------------

quiet = False


def markdown(here, rows, left_out):
    """The table of docs/performance.md."""
    print(f"{here['version']} on {here['cores']} × {here['cpu']}, load average {here['load'][0]:.1f} at the start.\n")
    for text in left_out:
        print(f"Left out: {text}.\n")
    print("| what | figure | goal | goal here | there (share) | p50 / p99 | processor time each | written each |\n|---|---|---|---|---|---|---|---|")
    for row in rows:
        goal = f"{number(row['goal'])} ({row['ratio']:.1f}×)" if row["goal"] else ""
        goal_here = f"{number(row['goal_here'])} ({row['ratio_here']:.1f}×)" if row["goal_here"] else ""
        there = f"{row['there']:,} ({row['share']:.0%})" if row["there"] else ""
        times = f"{row['p50_us'] / 1000:.2f} / {row['p99_us'] / 1000:.2f} ms" if "p50_us" in row else ""
        cpu = f"{row['cpu_us']:,.0f} µs" if row.get("cpu_us") else ""
        written = f"{row['bytes'] / 1000:.1f} kB" if row.get("bytes") else ""
        print(f"| {row['what']} | {number(row['value'])} {row['unit']} | {goal} | {goal_here} | {there} | {times} | {cpu} | {written} |")


def cost(report):
    """What a row says of a run of the driver besides its rate."""
    return {"p50_us": report["p50"], "p99_us": report["p99"], "cpu_us": report["cpu_us"]}


def plural(clients):
    return f"{clients} client" + ("s" if clients != 1 else "")


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def print_row(row):
    if quiet:
        return
    goal = f"goal {number(row['goal'])}, {row['ratio']:.1f}×" if row["goal"] else f"there {row['there']:,}, {row['share']:.0%}" if row["there"] else ""
    goal_here = f"goal here {number(row['goal_here'])}, {row['ratio_here']:.1f}×" if row["goal_here"] else ""
    more = []
    if "p50_us" in row:
        more.append(f"p50 {row['p50_us'] / 1000:.2f} ms, p99 {row['p99_us'] / 1000:.2f} ms")
    if row.get("cpu_us"):
        more.append(f"{row['cpu_us']:,.0f} µs CPU")
    if row.get("bytes"):
        more.append(f"{row['bytes'] / 1000:.1f} kB written")
    print(f"{row['what']:<64} {number(row['value']):>11} {row['unit']:<3} {goal:<22} {goal_here:<27} {', '.join(more)}".rstrip(), flush=True)


def machine():
    model = [text.split(":", 1)[1].strip() for text in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if text.startswith("model name")]
    return {"cpu": model[0] if model else platform.machine(), "cores": os.cpu_count(), "load": os.getloadavg(), "kernel": platform.release(),
            "version": subprocess.run([os.environ["REMIT_BIN"], "--version"], capture_output=True, text=True).stdout.strip()}


def main():
    parts = {"process": Bench.in_process, "yardstick": Bench.beside_others, "http": Bench.over_http, "live": Bench.full, "postgres": Bench.postgres}
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("parts", nargs="*", choices=[*parts, []])
    arguments = parser.parse_args()
    global quiet
    quiet = arguments.json or arguments.markdown
    here = machine()
    if not quiet:
        print(f"{here['version']}, {here['cores']} × {here['cpu']}, load average {here['load'][0]:.2f}" +
              ("  (busy: expect less than the machine can do)" if here["load"][0] > 0.5 else ""), flush=True)
    bench = Bench(arguments.quick)
    for name in parts:  # in this order, since goals here follow from the yardstick
        if not arguments.parts or name in arguments.parts:
            parts[name](bench)
    measured = len(bench.rows)
    bench.ratios()
    rows = bench.rows[measured:] + bench.rows[:measured]
    if arguments.markdown:
        markdown(here, rows, bench.left_out)
    elif arguments.json:
        print(json.dumps({"machine": here, "left_out": bench.left_out, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
