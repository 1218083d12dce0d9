"""Every reason that the code gives for an error or a decision stands in docs/reference/errors.md, and that page names none that the code does not give."""

import os
import pathlib
import re
import unittest

SOURCE = pathlib.Path(os.environ.get("REMIT_SOURCE_DIR") or pathlib.Path(__file__).resolve().parents[1])
PAGE = SOURCE / "docs" / "reference" / "errors.md"
TESTS = re.compile(r"_(test|fuzz|bench)\.cc$|^(test_|contract_test|fixture|temp_dir)")
GIVES = re.compile(r'Code::k\w+\s*,\s*"([a-z0-9-]+)"|\b(?:DenyFor|deny)\("([a-z0-9-]+)"')
QUOTED = re.compile(r'"([a-z0-9-]+)"')


def code():
    """{name: text} of what ships."""
    return {str(p.relative_to(SOURCE)): p.read_text() for p in sorted((SOURCE / "src").rglob("*")) if p.suffix in (".h", ".cc") and not TESTS.search(p.name)}


def given(files):
    """{reason: where}"""
    return {a or b: name for name, text in files.items() for a, b in GIVES.findall(text)}


def documented(page):
    """The reasons in the first cells of the tables about reasons."""
    found = set()
    of_reasons = False
    for line in page.splitlines():
        if not line.startswith("|"):
            of_reasons = False
        elif line.split("|")[1].strip() == "reason":
            of_reasons = True
        elif of_reasons:
            found.update(re.findall(r"`([a-z0-9-]+)`", line.split("|")[1]))
    return found


class Reasons(unittest.TestCase):
    def test_what_the_code_gives_is_documented(self):
        known = documented(PAGE.read_text())
        missing = [f"{reason} ({where})" for reason, where in sorted(given(code()).items()) if reason not in known]
        self.assertEqual(missing, [], f"not in {PAGE.name}")

    def test_what_is_documented_is_given(self):
        words = {word for text in code().values() for word in QUOTED.findall(text)}
        self.assertEqual(sorted(documented(PAGE.read_text()) - words), [], "nothing in src gives these")

    def test_the_reader_finds_them(self):
        self.assertEqual(given({"a.cc": 'Fail(Code::kNotFound,\n "no-such-x", m); return deny("no-y");'}), {"no-such-x": "a.cc", "no-y": "a.cc"})
        self.assertEqual(documented("| reason | status |\n|---|---|\n| `a-b`, `c` | `d` |\n\n| kind | x |\n|---|---|\n| `e` | |\n"), {"a-b", "c"})


if __name__ == "__main__":
    unittest.main()
