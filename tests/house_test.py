"""The house stands on its ground: which room may include which, and which third-party header lives where.

Reads the #include lines of src/ and prints each one that points upwards, with its place. The order is that of the design: a room may include
only rooms that stand before it. Test files keep to the order too; they alone may also name implementations (a store in memory, say).
"""

import os
import pathlib
import re
import unittest

SOURCE = pathlib.Path(os.environ.get("REMIT_SOURCE_DIR") or pathlib.Path(__file__).resolve().parents[1])
SRC = SOURCE / "src"

ROOMS = ["base", "json", "crypto", "io", "config", "cedar", "jose", "ledger", "task", "store", "http", "pg", "target", "identity", "broker",
         "notify", "gateway", "posture", "api", "cli"]  # from the ground up
MAY_ONLY = {"cedar": {"base", "json"}, "main.cc": {"cli"}}  # narrower than the order
IMPLEMENTATIONS = {"store/sqlite", "store/memory", "store/postgres", "target/postgres"}  # named by cli alone, and by tests
NAMED_BY_BROKER = {"target/secrets"}
# Folders of one room, from the ground up.
FLOORS = {"cedar": ["language", "schema", "entities", "evaluate", "validate", "partial", "analyze", "command"],
          "broker": ["live", "view", "administer", "open", "setup", "start", "life", "credential", "use", "end"],
          "posture": ["log", "grants", "scan", "propose", "replace"],
          "api": ["rest", "oauth", "authzen", "events", "openapi"],
          "cli": ["completion", "run", "sources", "standing", "serve"]}
ABOVE_THEIR_FLOORS = {"broker", "cli"}  # rooms whose own files put their floors together
OPEN_FLOORS = {"posture"}  # rooms whose folders are libraries for whoever stands above; elsewhere the interface is what stands in the room itself
HUBS = {"broker/core.h"}  # includes its whole room: for sources alone, or every header would include every other
SIBLINGS_FOR_TESTS = {"store/memory"}  # a room inside store/ that its neighbours' tests may use

# Third-party headers: a pattern of the header, and where it may stand (a folder, or a file).
THIRD_PARTY = [
    (r"(openssl|nettle)/", ["crypto/"]),
    (r"libpq|pg_config|postgres_ext", ["pg/"]),
    (r"boost/json", ["json/"]),
    (r"boost/container/small_vector", ["cedar/ast.h"]),
    (r"boost/asio/ssl", ["http/connection."]),
    (r"boost/(asio|beast)", ["io/", "http/"]),
    (r"sqlite3", ["store/sqlite/"]),
    (r"curl/", ["http/"]),
    (r"toml\+\+/", ["config/"]),
    (r"CLI/", ["cli/command.cc"]),
    (r"spdlog/", ["base/"]),
    (r"prometheus/", ["api/"]),
    (r"fmt/", [""]),
    (r"(sys|net|netinet|arpa|linux|bits)/", [""]),  # the system's own
]
# Files that a comment may name although they are not in src/.
NAMED_FROM_ELSEWHERE = {"sqlite3.h"}  # the library's header, by the name that it is included by
TESTS_ONLY = r"gtest/|gmock/|rapidcheck|benchmark/"
MAX_LINES = 600

COMMENT = re.compile(r"(?:^|[^:\"])//(.*)")  # but not the slashes of a URL
FILE_NAME = re.compile(r"(?<![\w./-])((?:\w+/)*\w+\.(?:h|cc))(?![\w/])")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def source_files(suffixes=(".h", ".cc")):
    return sorted(p for p in SRC.rglob("*") if p.suffix in suffixes)


def name_of(path):
    return str(path.relative_to(SRC))


def room_of(name):
    """"store/sqlite/writer.cc": ("store", "store/sqlite"); "base/log.h": ("base", "base"); "main.cc": ("main.cc", "main.cc")."""
    parts = name.split("/")
    return parts[0], "/".join(parts[:-1]) or name


def includes():
    """{file: [(line, quoted?, header)]}"""
    found = {}
    for path in source_files():
        lines = enumerate(path.read_text().splitlines(), 1)
        found[name_of(path)] = [(number, m[1] == '"', m[2]) for number, line in lines if (m := INCLUDE.match(line))]
    return found


def test_files(found):
    """Tests, fuzz targets and benchmarks, and the headers that nobody else includes."""
    tests = {name for name in found if re.search(r"_(test|fuzz|bench)\.(cc|h)$", name)}
    includers = {}
    for name, lines in found.items():
        for _, quoted, header in lines:
            if quoted:
                includers.setdefault(header, set()).add(name)
    while True:
        more = {name for name in found if name.endswith(".h") and name not in tests and includers.get(name) and includers[name] <= tests}
        if not more:
            return tests
        tests |= more


def arrow_flaw(name, header, is_test):
    """Why `name` may not include "header", or None."""
    if "/" not in header:
        return None if (SRC / header).exists() and "/" not in name else f'"{header}" is written without its room'
    if not (SRC / header).exists():
        return f'"{header}" is not there'
    room, subroom = room_of(name)
    other, other_subroom = room_of(header)
    if room in MAY_ONLY and other != room and other not in MAY_ONLY[room]:
        return f"{room} may include only {', '.join(sorted(MAY_ONLY[room]))}, not {other}"
    if room not in ROOMS and room not in MAY_ONLY:
        return f"the house has no room `{room}`"
    if other not in ROOMS:
        return f"the house has no room `{other}`"
    if room in ROOMS and ROOMS.index(other) > ROOMS.index(room):
        return f"{room} stands before {other}, and may not include it"
    if header in HUBS and name.endswith(".h") and not is_test:
        return f"{header} is for sources alone"
    if other_subroom == other or other_subroom == subroom:  # the room itself, or its own folder
        return None
    if room == other:
        floors = [f"{room}/{folder}" for folder in FLOORS.get(room, [])]
        if other_subroom in floors and (is_test or subroom == room and room in ABOVE_THEIR_FLOORS
                                        or subroom in floors and floors.index(other_subroom) < floors.index(subroom)):
            return None
        if is_test and other_subroom in SIBLINGS_FOR_TESTS:
            return None
        return f"{subroom} may not include its neighbour {other_subroom}"
    if other in OPEN_FLOORS:
        return None
    if other_subroom in IMPLEMENTATIONS:
        return None if room == "cli" or is_test else f"only cli and tests may name {other_subroom}"
    if other_subroom in NAMED_BY_BROKER:
        return None if room in ("broker", "cli") or is_test else f"only broker, cli and tests may name {other_subroom}"
    return f"nobody but its own room may name {other_subroom}"


def third_party_flaw(name, header, is_test):
    """Why `name` may not include <header>, or None."""
    if re.match(TESTS_ONLY, header):
        return None if is_test else f"<{header}> is for tests"
    for pattern, places in THIRD_PARTY:
        if re.match(pattern, header):
            return None if any(name.startswith(place) for place in places) else f"<{header}> may stand only in {', '.join(places)}"
    if "/" in header:
        return f"<{header}> belongs to no room"
    return None


def named_files(name, text):
    """[(line, file)] of what the comments of a source, or a README, name."""
    named = []
    for number, line in enumerate(text.splitlines(), 1):
        prose = line if name.endswith(".md") else (m[1] if (m := COMMENT.search(line)) else "")
        named += [(number, m[1]) for m in FILE_NAME.finditer(prose)]
    return named


def name_flaw(name, file, files):
    """Why `name` may not speak of `file`, or None. Without its room, or a part of its path, a file is one of the room that speaks of it."""
    if file in files or file in NAMED_FROM_ELSEWHERE:
        return None
    room = room_of(name)[0] + "/"
    if any(other.startswith(room) and other.endswith("/" + file) for other in files):
        return None
    return f"speaks of {file}, which is not there"


class House(unittest.TestCase):
    def expect_none(self, flaws):
        if flaws:
            self.fail("\n" + "\n".join(flaws))

    def test_arrows_point_to_the_ground(self):
        found = includes()
        self.assertGreater(len(found), 100, "src/ was not read")
        tests = test_files(found)
        self.expect_none([f"src/{name}:{line}: {flaw}" for name, lines in found.items() for line, quoted, header in lines
                          if quoted and (flaw := arrow_flaw(name, header, name in tests))])

    def test_third_party_headers_stay_in_their_rooms(self):
        found = includes()
        tests = test_files(found)
        self.expect_none([f"src/{name}:{line}: {flaw}" for name, lines in found.items() for line, quoted, header in lines
                          if not quoted and (flaw := third_party_flaw(name, header, name in tests))])

    def test_every_room_says_what_it_is(self):
        folders = {path.parent for path in source_files()} - {SRC}
        self.expect_none([f"src/{folder.relative_to(SRC)}: no README.md" for folder in sorted(folders) if not (folder / "README.md").exists()])

    def test_files_are_short(self):
        self.expect_none([f"src/{name_of(path)}:{lines}: more than {MAX_LINES} lines" for path in source_files()
                          if (lines := len(path.read_text().splitlines())) > MAX_LINES])

    def test_files_that_are_spoken_of_are_there(self):
        files = {name_of(path) for path in source_files()}
        flaws, named = [], 0
        for path in source_files((".h", ".cc", ".md")):
            name = name_of(path)
            for line, file in named_files(name, path.read_text()):
                named += 1
                if flaw := name_flaw(name, file, files):
                    flaws.append(f"src/{name}:{line}: {flaw}")
        self.assertGreater(named, 100, "no comment was read")
        self.expect_none(flaws)

    def test_nothing_is_put_off(self):
        word = re.compile(r"\b(TODO|FIXME|XXX)\b")
        self.expect_none([f"src/{name_of(path)}:{number}: {line.strip()}" for path in source_files((".h", ".cc", ".md", ".txt"))
                          for number, line in enumerate(path.read_text().splitlines(), 1) if word.search(line)])

    def test_the_rules_can_fail(self):
        for name, header in [("base/log.cc", "json/read.h"), ("cedar/language/parser.cc", "crypto/hash.h"),
                             ("cedar/language/value.cc", "cedar/evaluate/evaluator.h"), ("task/catalog.cc", "cedar/language/lexer.h"),
                             ("broker/broker.cc", "store/sqlite/sqlite_store.h"),
                             ("broker/view/view.h", "broker/core.h"), ("broker/start/start.h", "broker/end/end.h"), ("api/rest.cc", "api/rest/hold.cc"),
                             ("posture/scan/scan.h", "posture/propose/draws.h"), ("cli/sources/source.cc", "cli/serve/server.h"),
                             ("store/sqlite/writer.cc", "store/memory/memory_store.h"), ("store/store.cc", "store/memory/memory_store.h"),
                             ("main.cc", "base/log.h"), ("http/server.cc", "no/such.h")]:
            self.assertIsNotNone(arrow_flaw(name, header, False), f"{name} includes {header}")
        for name, header in [("cli/serve/server.cc", "store/sqlite/sqlite_store.h"), ("broker/use/secrets.cc", "target/secrets/secret_store.h")]:
            if (SRC / header).exists():
                self.assertIsNone(arrow_flaw(name, header, False), f"{name} includes {header}")
        self.assertIsNone(arrow_flaw("broker/life_test.cc", "store/memory/memory_store.h", True))
        for name, header in [("posture/propose/draws.h", "posture/scan/scan.h"), ("cli/serve/server.cc", "cli/standing/standing.h")]:
            self.assertTrue((SRC / header).exists(), header)
            self.assertIsNone(arrow_flaw(name, header, False), f"{name} includes {header}")
        files = {"api/authzen/codec.cc", "api/routes.h", "main.cc", "store/sqlite/sqlite.h"}
        for name, file in [("api/routes.h", "authzen_codec.cc"), ("README.md", "authzen/codec.cc"), ("store/sqlite/sqlite.h", "codec.cc"),
                           ("api/routes.h", "rest/codec.cc"), ("api/routes.h", "dec.cc")]:
            self.assertIsNotNone(name_flaw(name, file, files), f"{name} speaks of {file}")
        for name, file in [("api/routes.h", "codec.cc"), ("api/routes.h", "authzen/codec.cc"), ("README.md", "api/authzen/codec.cc"),
                           ("api/authzen/codec.cc", "main.cc"), ("store/sqlite/sqlite.h", "sqlite3.h")]:
            self.assertIsNone(name_flaw(name, file, files), f"{name} speaks of {file}")
        self.assertEqual(named_files("a/b.h", '#include "a/c.h"\nint d;  // d.cc, e/f.h: g.h.\n// See https://h.example/i.h and j.hh, k.cc'),
                         [(2, "d.cc"), (2, "e/f.h"), (2, "g.h"), (3, "k.cc")])
        self.assertEqual(named_files("a/README.md", "`b.h` and [c](c/README.md)"), [(1, "b.h")])
        self.assertIsNotNone(third_party_flaw("broker/broker.cc", "openssl/evp.h", False))
        self.assertIsNotNone(third_party_flaw("cli/run.cc", "CLI/CLI.hpp", False))
        self.assertIsNotNone(third_party_flaw("base/text.cc", "zstd/zstd.h", False))
        self.assertIsNotNone(third_party_flaw("base/text.cc", "gtest/gtest.h", False))
        self.assertIsNone(third_party_flaw("crypto/key.cc", "openssl/evp.h", False))


if __name__ == "__main__":
    unittest.main(verbosity=2)
