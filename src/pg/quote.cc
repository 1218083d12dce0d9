// Quoting: PostgreSQL 15 documentation, 4.1.1 and 4.1.2 (lexical structure), 8.15.2 (array input).
#include "pg/quote.h"

#include <fmt/format.h>

#include "base/text.h"

namespace remit::pg {
namespace {

constexpr std::size_t kIdentifierBytes = 63;  // NAMEDATALEN - 1

std::string Doubled(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

}  // namespace

Result<std::string> QuoteIdentifier(std::string_view name) {
  if (name.empty() || name.size() > kIdentifierBytes || name.find('\0') != std::string_view::npos || !IsUtf8(name))
    return Fail(Code::kInvalidArgument, "bad-identifier",
                fmt::format("`{}` cannot be a name in PostgreSQL: it is empty, longer than 63 bytes, or has NUL or bytes that are not UTF-8",
                            EscapeControl(name.substr(0, 100))));
  return Doubled(name, '"');
}

Result<std::string> QuoteLiteral(std::string_view text) {
  if (text.find('\0') != std::string_view::npos || !IsUtf8(text))
    return Fail(Code::kInvalidArgument, "bad-literal", "a text with NUL or bytes that are not UTF-8 cannot be sent to PostgreSQL");
  if (text.find('\\') == std::string_view::npos) return Doubled(text, '\'');
  std::string out = "E'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  return out + "'";
}

std::string TextArray(const std::vector<std::string>& elements) {
  std::string out = "{";
  for (const std::string& element : elements) {
    REMIT_CHECK(element.find('\0') == std::string::npos);
    if (out.size() > 1) out += ',';
    out += '"';
    for (const char c : element) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + "}";
}

}  // namespace remit::pg
