"""scripts/bench cedar: the Cedar library beside other implementations, on the same input in the same run. Answers first, then times.

Every engine is a program that takes the arguments of `cedar bench` and prints its figures as JSON; its answers must be equal to ours
before a time of it is printed. An engine whose tools are not installed is left out, and said so.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import sets  # noqa: E402

BUILD = pathlib.Path(os.environ.get("REMIT_BUILD") or ROOT / "build")
HERE = ROOT / "bench" / "cedar"
WORK = BUILD / "cedar_bench"
DATA = ROOT.parent / "shared" / "data" / "cedar" / "bench"
GENTLY = ["nice", "-n", "15"]
APPLICATIONS = ["gdrive", "github", "tinytodo"]
SIZES = [5, 20, 50]


def tool(name, *places):
    return shutil.which(name) or next((place for place in places if os.path.exists(place)), None)


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


# --- the engines: {name: command}

def build_rust():
    cargo = tool("cargo", os.path.expanduser("~/.cargo/bin/cargo"), "/root/.cargo/bin/cargo")
    if not cargo:
        return None
    say("building the Rust implementation (cargo)")
    subprocess.run(GENTLY + [cargo, "build", "--release", "--locked", "-j1", "--quiet", "--manifest-path", HERE / "rust" / "Cargo.toml"], check=True,
                   env=os.environ | {"CARGO_TARGET_DIR": str(WORK / "rust")})
    return [WORK / "rust" / "release" / "cedar-bench"]


def build_go():
    go = tool("go", "/usr/local/go/bin/go")
    if not go:
        return None
    say("building cedar-go")
    WORK.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(GENTLY + [go, "build", "-o", WORK / "go", "."], cwd=HERE / "go")
    return [WORK / "go"] if done.returncode == 0 else None


def build_wasm():
    node, modules = tool("node"), BUILD / "cedar_diff"
    if not node or not (modules / "node_modules").exists():
        return None
    return [node, HERE / "wasm.mjs", "--modules", modules]


ENGINES = {"rust": build_rust, "go": build_go, "wasm": build_wasm}


class Bench:
    def __init__(self, options):
        self.options = options
        self.engines = {"remit": [BUILD / "cedar", "bench"]}
        for name in options.engines:
            command = ENGINES[name]()
            if command:
                self.engines[name] = command
            else:
                say(f"{name} is left out: its tools are not here")
        self.valgrind = tool("valgrind") if options.instructions else None
        self.results = []

    def run(self, engine, files, seconds, decisions=None):
        command = list(self.engines[engine]) + [part for name, file in files.items() for part in (f"--{name}", file)] + ["--seconds", str(seconds)]
        if decisions:
            command += ["--decisions", decisions]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"error: {engine} failed: {done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def instructions(self, files):
        """Instructions of a decision: two runs without a clock, their difference over the decisions that the second has more."""
        if not self.valgrind:
            return None
        counts = []
        for passes in (1, 11):
            command = [self.valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", BUILD / "cedar", "bench", "--passes", passes]
            command += [part for name, file in files.items() for part in (f"--{name}", file)]
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)
            line = next(line for line in done.stderr.splitlines() if "Collected" in line)
            counts.append((int(line.rsplit(":", 1)[1]), json.loads(done.stdout)["requests"]))
        return (counts[1][0] - counts[0][0]) / (10 * counts[1][1])

    def case(self, name, files, skip=(), count=True):
        """All engines on one input: answers compared, then times."""
        WORK.mkdir(parents=True, exist_ok=True)
        answers, row = {}, {"case": name}
        for engine in self.engines:
            if engine in skip:
                continue
            decisions = WORK / f"{engine}.decisions"
            row[engine] = self.run(engine, files, self.options.seconds, decisions)
            answers[engine] = [json.loads(line) for line in decisions.read_text().splitlines()]
            for answer in answers[engine]:
                answer["reason"].sort()
                answer["errors"].sort()
            if answers[engine] != answers["remit"]:
                at = next(i for i, (a, b) in enumerate(zip(answers["remit"], answers[engine])) if a != b)
                raise SystemExit(f"error: {name}, request {at}: remit {answers['remit'][at]}, {engine} {answers[engine][at]}")
        row["allowed"] = sum(answer["decision"] == "allow" for answer in answers["remit"])
        row["instructions"] = self.instructions(files) if count else None
        self.results.append(row)
        self.print_row(row)
        return row

    # --- the table

    def engines_shown(self):
        return [engine for engine in self.engines if engine != "remit"]

    def print_head(self, title):
        print(f"\n{title}")
        cells = ["case".ljust(22), "remit".rjust(10), "alone".rjust(10)] + [engine.rjust(10) for engine in self.engines_shown()]
        cells += [f"{engine}/remit".rjust(11) for engine in self.engines_shown()] + ["instr.".rjust(9), "allowed".rjust(9)]
        print("".join(cells))

    def print_row(self, row):
        ours = row["remit"]["full"]["median_ns"]
        cells = [row["case"].ljust(22), time_of(ours).rjust(10), time_of(row["remit"]["decision_only"]["median_ns"]).rjust(10)]
        for engine in self.engines_shown():
            cells.append((time_of(row[engine]["full"]["median_ns"]) if engine in row else "-").rjust(10))
        for engine in self.engines_shown():
            cells.append((f"{row[engine]['full']['median_ns'] / ours:.1f}x" if engine in row else "-").rjust(11))
        cells.append((f"{row['instructions']:.0f}" if row["instructions"] else "-").rjust(9))
        cells.append(f"{row['allowed']}/{row['remit']['requests']}".rjust(9))
        print("".join(cells), flush=True)

    def application(self, name, size):
        """Its files; the entities with the schema's actions among them, since not every engine reads a schema."""
        folder, work = DATA / name, WORK / "applications"
        work.mkdir(parents=True, exist_ok=True)
        entities = json.loads((folder / f"entities_{size}.json").read_text())
        for space, declared in json.loads((folder / "schema.json").read_text()).items():
            kind = f"{space}::Action" if space else "Action"
            for action, what in declared["actions"].items():
                parents = [{"type": parent.get("type", kind), "id": parent["id"]} for parent in what.get("memberOf") or []]
                entities.append({"uid": {"type": kind, "id": action}, "attrs": {}, "parents": parents})
        file = work / f"{name}_{size}.json"
        file.write_text(json.dumps(entities))
        return {"policies": folder / "policies.cedar", "schema": folder / "schema.json", "entities": file, "requests": folder / f"requests_{size}.json"}

    def applications(self):
        self.print_head("applications: median of a decision (`alone`: the decision without policies and errors)")
        for name in APPLICATIONS:
            for size in self.options.sizes:
                self.case(f"{name} {size}", self.application(name, size))

    def growing(self):
        self.print_head("policy sets: median of a decision")
        for make in (sets.misses, sets.hits, sets.conditions):
            for n in self.options.policies:
                if make is sets.conditions and n > 10000:
                    continue
                skip = {"wasm"} if n > 1000 else set()
                if n > 10000:
                    skip.add("rust")
                self.case(f"{make.__name__} {n}", make(WORK / "sets", n), skip, count=n <= 10000)

    def loading(self):
        print("\nloading, milliseconds: the best of a few")
        n = 1000 if self.options.quick else 10000
        rows = [(f"{n} policies", sets.realistic(WORK / "sets", n))]
        if DATA.exists():
            rows += [(f"{name} {SIZES[-1]}", self.application(name, SIZES[-1])) for name in APPLICATIONS]
        for name, files in rows:
            for engine in self.engines:
                if engine == "wasm" and n > 1000 and "policies" in name:
                    continue
                load = self.run(engine, files, 1)["load"]
                self.results.append({"case": f"load {name}", "engine": engine, "load": load})
                print(f"{name:22}{engine:>8}  " + ", ".join(f"{what.removesuffix('_ms')} {ms:.3g}" for what, ms in load.items()), flush=True)


def time_of(ns):
    return f"{ns} ns" if ns < 10000 else f"{ns / 1000:.1f} µs" if ns < 10_000_000 else f"{ns / 1e6:.1f} ms"


def names(parser, option, text, known):
    """The names in a list with commas, which may be empty."""
    given = [name for name in text.split(",") if name]
    for name in given:
        if name not in known:
            parser.error(f"{option} knows {', '.join(known)}, not `{name}`")
    return given


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench cedar")
    parser.add_argument("--quick", action="store_true", help="shorter runs, fewer sizes")
    parser.add_argument("--json", metavar="FILE", help="write every figure to this file")
    parser.add_argument("--engines", metavar="NAMES", default="rust,go,wasm", help="beside which; without it: %(default)s, those whose tools are here")
    parser.add_argument("--only", metavar="PARTS", default="applications,growing,loading", help="which parts; without it: %(default)s")
    parser.add_argument("--no-instructions", dest="instructions", action="store_false", help="without callgrind")
    options = parser.parse_args()
    options.engines = names(parser, "--engines", options.engines, ENGINES)
    options.only = names(parser, "--only", options.only, ("applications", "growing", "loading"))
    options.seconds = 1 if options.quick else 3
    options.sizes = [20] if options.quick else SIZES
    options.policies = [10, 100, 1000] if options.quick else [10, 100, 1000, 10000, 100000]
    bench = Bench(options)
    print(f"load average {os.getloadavg()[0]:.2f} before; {os.cpu_count()} processors")
    for part in options.only:
        if part == "applications" and not DATA.exists():
            say(f"no {DATA}: the applications are left out")
            continue
        getattr(bench, part)()
    print(f"\nload average {os.getloadavg()[0]:.2f} after")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(bench.results, indent=1) + "\n")


if __name__ == "__main__":
    main()
