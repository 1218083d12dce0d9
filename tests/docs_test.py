"""The documents hold together: every relative link in every Markdown file leads to a file that is there, and every `#part` to a heading.
Every page below docs/ can be reached from the README."""

import os
import pathlib
import re
import subprocess
import sys
import unittest
import urllib.parse

SOURCE = pathlib.Path(os.environ.get("REMIT_SOURCE_DIR") or pathlib.Path(__file__).resolve().parents[1])


def pages():
    listed = subprocess.run(["git", "-C", SOURCE, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"], capture_output=True, text=True)
    names = listed.stdout.split("\0") if listed.returncode == 0 else [str(p.relative_to(SOURCE)) for p in SOURCE.rglob("*.md")]
    return sorted(SOURCE / name for name in names if name and (SOURCE / name).is_file())


def without_code(text):
    """Fenced blocks and `code` are no links."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "", text)


def links(text):
    text = without_code(text)
    found = re.findall(r"!?\[[^\]]*\]\(([^)\s]+)(?: \"[^\"]*\")?\)", text)
    found += re.findall(r"<(?:img|source|a)\b[^>]*?(?:src|srcset|href)=\"([^\"]+)\"", text)
    return found


def anchors(text):
    """The ids that GitHub gives to headings."""
    ids = set()
    for heading in re.findall(r"^#{1,6} (.+?)\s*$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), flags=re.M):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        ids.add(re.sub(r"[^\w\- ]", "", heading).replace(" ", "-"))
    return ids


def broken(page, text):
    for link in links(text):
        target, _, part = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = page if not target else (page.parent / urllib.parse.unquote(target)).resolve()
        if not path.exists():
            yield f"{page.relative_to(SOURCE)}: `{link}` leads nowhere"
        elif part and path.suffix == ".md" and part not in anchors(path.read_text()):
            yield f"{page.relative_to(SOURCE)}: `{link}` names no heading of {path.name}"


class DocsTest(unittest.TestCase):
    def test_links_lead_somewhere(self):
        found = [fault for page in pages() for fault in broken(page, page.read_text())]
        self.assertEqual(found, [], "\n".join(found))

    def test_every_page_can_be_reached(self):
        start = SOURCE / "README.md"
        reached, queue = {start}, [start]
        while queue:
            page = queue.pop()
            for link in links(page.read_text()):
                target = link.partition("#")[0]
                if not target or re.match(r"[a-z]+:", target):
                    continue
                path = (page.parent / urllib.parse.unquote(target)).resolve()
                if path.suffix == ".md" and path.is_file() and path not in reached:
                    reached.add(path)
                    queue.append(path)
        lost = [str(p.relative_to(SOURCE)) for p in pages() if (SOURCE / "docs") in p.parents and p.resolve() not in reached]
        self.assertEqual(lost, [])

    def test_the_threat_model_names_tests_that_there_are(self):
        text = (SOURCE / "docs/threat-model.md").read_text()
        named = re.findall(r"`([A-Z]\w+)\.([A-Z]\w+)`", text)
        scripts = re.findall(r"`(\w+_test\.py): (test_\w+)`", text)
        self.assertGreater(len(named) + len(scripts), 50)
        there = {(suite, name) for file in SOURCE.glob("src/**/*_test.cc")
                 for suite, name in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", file.read_text(), re.M)}
        there |= {(suite, name) for suite, name in re.findall(r"^RC_GTEST_(?:FIXTURE_)?PROP\((\w+), (\w+)",
                                                              "\n".join(f.read_text() for f in SOURCE.glob("src/**/*_test.cc")), re.M)}
        lost = [f"{suite}.{name}" for suite, name in named if (suite, name) not in there]
        lost += [f"{file}: {test}" for file, test in scripts if not (SOURCE / "tests/e2e" / file).is_file() or
                 f"def {test}(" not in (SOURCE / "tests/e2e" / file).read_text()]
        self.assertEqual(lost, [])

    def test_what_must_be_found_is(self):
        page = SOURCE / "README.md"
        self.assertTrue(list(broken(page, "[a](no/such/file.md)")))
        self.assertTrue(list(broken(page, '<img src="no/such.svg">')))
        self.assertTrue(list(broken(page, "[a](#no-such-heading-here)")))
        self.assertFalse(list(broken(page, "`[a](no/such/file.md)`")))
        self.assertFalse(list(broken(page, "[a](https://example.org/x)")))


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
