"""The words that types of events begin with (src/notify/event_types.cc) are those of the events that the code makes: who asks to be told of others is told
that there are none, and who asks for one of these is not refused."""

import os
import pathlib
import re
import unittest

SOURCE = pathlib.Path(os.environ.get("REMIT_SOURCE_DIR") or pathlib.Path(__file__).resolve().parents[1])
LIST = SOURCE / "src" / "notify" / "event_types.cc"
PAGE = SOURCE / "docs" / "formats.md"
TESTS = re.compile(r"_(test|fuzz|bench)\.cc$|^(test_|contract_test|fixture|temp_dir|life_bench)")
# What makes an event, or has one made: its first argument is the type. And an object with a type and a time is one.
CALL = re.compile(r"\b(?:Event|[Rr]ecord)\(")
OBJECT = re.compile(r'\{"type",\s*([^{}]+)\},\s*\{"time",')
DECLARED = re.compile(r"^(?:const )?[\w:]+&? \w+$")
TYPE = re.compile(r'"([a-z]+)\.[a-z{}-]+"')
# Places where the type is no literal: the expression, and what in that file says which families it can be; None where a call that is read
# says so. Another place is a reason to teach this test.
PASSED_ON = {
    ("task/life_parts.h", "type"): None,  # Event
    ("task/credential.cc", "type"): None,
    ("broker/core.cc", "type"): None,
    ("broker/view/see.cc", "type"): None,  # Broker::Record
    ("cli/serve/server.cc", "type"): None,  # the `record` of others
    ("notify/deliverer.cc", "type"): r'\bSettle\("([a-z]+)\.',
    ("identity/sessions.cc", "event_type"): r'\bMint\([^;]*?"([a-z]+)\.',
    ("broker/end/standing.cc", "kPhases[static_cast<std::size_t>(replacement.phase)]"): r'kPhases\[\] = \{"([a-z]+)\.',
    ("broker/view/receipt.cc", "type"): None,  # of what was made, read again
    ("notify/message.cc", "notice.type"): None,
    ("broker/setup/registry.cc", 'fmt::format("{}.changed", who.kind)'): r'\{"([a-z]+)", store::Table::k',
}


def code():
    """{name: text} of what ships, but for the Cedar library, which knows of no ledger."""
    root = SOURCE / "src"
    files = {str(p.relative_to(root)): p for p in sorted(root.rglob("*")) if p.suffix in (".h", ".cc") and not TESTS.search(p.name)}
    return {name: path.read_text() for name, path in files.items() if not name.startswith("cedar/")}


def first_argument(text, start):
    """Of the call whose parenthesis opens before `start`."""
    depth, quoted, end = 0, False, start
    while quoted or depth > 0 or text[end] not in ",)":
        if text[end] == '"' and text[end - 1] != "\\":
            quoted = not quoted
        elif not quoted:
            depth += (text[end] in "([{") - (text[end] in ")]}")
        end += 1
    return " ".join(text[start:end].split())


def types(text):
    """The expressions that say of which type an event is."""
    text = re.sub(r"//.*", "", text)
    found = [first_argument(text, call.end()) for call in CALL.finditer(text)] + [" ".join(one.split()) for one in OBJECT.findall(text)]
    return [one for one in found if one and not DECLARED.match(one)]


def made(files):
    """({family: where}, {(where, expression)} that say it by no literal)"""
    families, passed_on = {}, set()
    for name, text in files.items():
        for expression in types(text):
            literal = TYPE.findall(expression)
            if not literal:
                passed_on.add((name, expression))
                literal = re.findall(PASSED_ON.get((name, expression)) or r"(?!)", text)
            families.update({family: name for family in literal})
    return families, passed_on


def known():
    return set(re.findall(r'"([a-z]+)"', re.search(r"families\{([^}]*)\}", LIST.read_text()).group(1)))


class Events(unittest.TestCase):
    def test_the_families_that_are_made_are_known(self):
        families, _ = made(code())
        self.assertEqual([f"{family} ({where})" for family, where in sorted(families.items()) if family not in known()], [], f"not in {LIST.name}")

    def test_the_families_that_are_known_are_made(self):
        self.assertEqual(sorted(known() - set(made(code())[0])), [], "nothing in src makes these")

    def test_the_page_about_the_ledger_has_them(self):
        table = re.search(r"## Ledger\n.*?\n\n(\|.*?)\n\n", PAGE.read_text(), re.S).group(1)
        self.assertEqual(set(re.findall(r"`([a-z]+)\.[a-z-]*`", table)), known())

    def test_every_way_to_make_one_is_read(self):
        self.assertEqual(sorted(made(code())[1]), sorted(PASSED_ON))

    def test_the_reader_finds_them(self):
        text = '''json::Object Event(std::string_view type, Time at);
                  auto event = core_.Event(done ? "a.done" : "b.open", now);  // Event("c.not")
                  parts_.record("d.ended", F(x, "e.not"), {});  live.record();
                  json::Object{{"type", "f.made"}, {"time", FormatTime(now)}};  json::Object{{"type", "g.not"}, {"name", n}};
                  Event(kinds[F(1, 2)], now);'''
        self.assertEqual(made({"x.cc": text}), ({"a": "x.cc", "b": "x.cc", "d": "x.cc", "f": "x.cc"}, {("x.cc", "kinds[F(1, 2)]")}))


if __name__ == "__main__":
    unittest.main()
