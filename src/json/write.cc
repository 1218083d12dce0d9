// The writers: one walk over the value, with a style that says how numbers, members and white space look.
#include "json/write.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/text.h"

namespace remit::json {
namespace {

// The order of RFC 8785 §3.2.3: by UTF-16 code units. It is that of UTF-8's bytes but for one thing: a supplementary character (lead
// byte 0xF0 and up) is a pair of surrogates in UTF-16 and so stands before U+E000…U+FFFF (lead bytes 0xEE and 0xEF).
bool LessUtf16(std::string_view a, std::string_view b) {
  const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (x == a.end() || y == b.end()) return x == a.end() && y != b.end();
  const auto p = static_cast<unsigned char>(*x), q = static_cast<unsigned char>(*y);
  if (p >= 0xF0 && (q == 0xEE || q == 0xEF)) return true;
  if (q >= 0xF0 && (p == 0xEE || p == 0xEF)) return false;
  return p < q;
}

bool IsPlain(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; }

void AppendEscape(char c, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  out += "\\u00";
  out += kHex[c >> 4];
  out += kHex[c & 15];
}

// Nearly all text has nothing to escape: it is copied run by run.
void AppendEscaped(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const auto run = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), IsPlain) - text.begin());
    out += text.substr(0, run);
    if (run == text.size()) return;
    AppendEscape(text[run], out);
    text.remove_prefix(run + 1);
  }
}

void AppendQuoted(std::string_view text, std::string& out) {
  out += '"';
  if (IsUtf8(text)) {
    AppendEscaped(text, out);
  } else {
    while (!text.empty()) {
      std::string_view rest = text;
      const bool good = NextCharacter(rest) != kNotUtf8;
      const std::string_view character = text.substr(0, text.size() - rest.size());
      if (!good) out += "\xEF\xBF\xBD";  // U+FFFD
      if (good && character.size() == 1) AppendEscaped(character, out);
      if (character.size() > 1) out += character;
      text = rest;
    }
  }
  out += '"';
}

// A double that stays one when it is read again.
std::string TypedNumber(double d) {
  if (d == 0 && std::signbit(d)) return "-0.0";
  std::string text = EcmaNumber(d);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

class Writer {
 public:
  Writer(std::string& out, bool canonical, bool pretty) : out_(out), canonical_(canonical), pretty_(pretty) {}

  void Write(const Value& value) {
    if (value.IsNull()) out_ += "null";
    if (value.IsBool()) out_ += value.AsBool() ? "true" : "false";
    if (value.IsInt()) out_ += std::to_string(value.AsInt());
    if (value.IsDouble()) out_ += canonical_ ? EcmaNumber(value.AsDouble()) : TypedNumber(value.AsDouble());
    if (value.IsString()) AppendQuoted(value.AsString(), out_);
    if (value.IsArray()) WriteArray(value.AsArray());
    if (value.IsObject()) WriteObject(value.AsObject());
  }

 private:
  void WriteArray(const Array& array) {
    Enclose('[', ']', array, [this](const Value& element) { Write(element); });
  }

  void WriteObject(const Object& object) {
    if (!canonical_) return Enclose('{', '}', object, [this](const Member& member) { WriteMember(member); });
    std::vector<const Member*> members;
    members.reserve(object.size());
    for (const Member& member : object) members.push_back(&member);
    std::sort(members.begin(), members.end(), [](const Member* a, const Member* b) { return LessUtf16(a->name, b->name); });
    Enclose('{', '}', members, [this](const Member* member) { WriteMember(*member); });
  }

  void WriteMember(const Member& member) {
    AppendQuoted(member.name, out_);
    out_ += pretty_ ? ": " : ":";
    Write(member.value);
  }

  template <class Items, class Each>
  void Enclose(char open, char close, const Items& items, Each each) {
    out_ += open;
    ++depth_;
    bool first = true;
    for (const auto& item : items) {
      if (!std::exchange(first, false)) out_ += ',';
      NewLine();
      each(item);
    }
    --depth_;
    if (!first) NewLine();
    out_ += close;
  }

  void NewLine() {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(2 * depth_, ' ');
  }

  std::string& out_;
  const bool canonical_;
  const bool pretty_;
  std::size_t depth_ = 0;
};

}  // namespace

std::string EcmaNumber(double number) {
  REMIT_CHECK(std::isfinite(number));
  if (number == 0) return "0";  // ECMA-262 Number::toString, step 2: also of -0
  // The shortest digits that give the number again, as d.ddde±x; then laid out as ECMA-262 prescribes.
  char buffer[40];
  const auto written = std::to_chars(buffer, buffer + sizeof buffer, std::fabs(number), std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<std::size_t>(written.ptr - buffer));
  const std::size_t e = text.find('e');
  std::string digits(1, text[0]);
  if (e > 1) digits += text.substr(2, e - 2);
  int exponent = 0;
  const std::size_t sign = text[e + 1] == '+' ? 2 : 1;
  std::from_chars(text.data() + e + sign, text.data() + text.size(), exponent);
  const int count = static_cast<int>(digits.size());
  const int point = exponent + 1;  // ECMA's n: the value is 0.digits × 10^n

  std::string out = number < 0 ? "-" : "";
  if (count <= point && point <= 21) return out + digits + std::string(static_cast<std::size_t>(point - count), '0');
  if (0 < point && point <= 21) return out + digits.substr(0, static_cast<std::size_t>(point)) + "." + digits.substr(static_cast<std::size_t>(point));
  if (-6 < point && point <= 0) return out + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  out += digits[0];
  if (count > 1) out += "." + digits.substr(1);
  return out + (exponent < 0 ? "e-" : "e+") + std::to_string(std::abs(exponent));
}

std::string Quote(std::string_view text) {
  std::string out;
  AppendQuoted(text, out);
  return out;
}

void WriteTo(const Value& value, std::string& out) { Writer(out, false, false).Write(value); }

std::string Write(const Value& value) {
  std::string out;
  WriteTo(value, out);
  return out;
}

std::string WritePretty(const Value& value) {
  std::string out;
  Writer(out, false, true).Write(value);
  return out;
}

std::string Canonical(const Value& value) {
  std::string out;
  Writer(out, true, false).Write(value);
  return out;
}

}  // namespace remit::json
