"""Each verb on Remit::Server that the schema has is asked by somebody, and stands on the page about administration, which has no other: a verb that
nobody asks looks like a rule and is none. Those that can wait for a yes are those that somebody carries out when it is there."""

import os
import pathlib
import re
import unittest

SOURCE = pathlib.Path(os.environ.get("REMIT_SOURCE_DIR") or pathlib.Path(__file__).resolve().parents[1])
SCHEMA = SOURCE / "src" / "task" / "builtin_schema.cc"
PAGE = SOURCE / "docs" / "reference" / "administration.md"
REQUESTS = SOURCE / "src" / "broker" / "administer" / "change_requests.cc"  # what waits, and is made
TESTS = re.compile(r"_(test|fuzz|bench)\.cc$|^test_")
ASKING = ("broker", "api", "cli")  # the rooms that ask


def verbs():
    """Those on the server alone, and on types of facts."""
    found = re.findall(r'text \+= Action\(((?:\s*"(?:\\.|[^"])*")+),\s*callers, (?:server|\{std::string\(kEntityTypeType\)\})\)', SCHEMA.read_text())
    return {verb for text in found for verb in re.findall(r"[a-z_.]+", text)}


def asked():
    files = [p for room in ASKING for p in (SOURCE / "src" / room).rglob("*.cc") if not TESTS.search(p.name)]
    return {word for path in files for word in re.findall(r'"([a-z_.]+)"', path.read_text())}


class Verbs(unittest.TestCase):
    def test_each_is_asked(self):
        self.assertIn("catalog.load", verbs())
        self.assertEqual(sorted(verbs() - asked()), [], "nobody asks these")

    def test_the_page_has_them(self):
        table = re.search(r"\n\| verb \|.*?\n\n", PAGE.read_text(), re.S).group(0)
        listed = {verb for row in table.splitlines() if row.startswith("| `") for verb in re.findall(r"`([a-z_.]+)`", row.split("|")[1])}
        self.assertEqual(listed - {"view", "approve", "deny"}, verbs())  # those three are on tasks, too

    def test_those_that_wait_are_those_that_are_made_with_the_last_yes(self):
        """A catalog may put an `@unless_approved` on what WaitsForYes says, and on nothing else."""
        waiting = re.search(r"bool WaitsForYes.*?\{([^{}]*)\};", SCHEMA.read_text(), re.S).group(1)
        made = set(re.findall(r'change->verb == "([a-z_.]+)"', REQUESTS.read_text()))
        self.assertIn("catalog.load", made)
        self.assertEqual({verb for verb in re.findall(r'"([a-z_.]+)"', waiting) if verb not in ("start", "extend", "delegate")}, made)


if __name__ == "__main__":
    unittest.main()
