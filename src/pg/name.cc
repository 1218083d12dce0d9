// A strict reader of qualified names, with one spelling for each.
#include "pg/name.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace remit::pg {
namespace {

constexpr std::size_t kSegmentBytes = 63;

bool IsPlainSegment(std::string_view s) {
  const auto lower = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  return !s.empty() && lower(s[0]) && std::all_of(s.begin(), s.end(), [&](char c) { return lower(c) || (c >= '0' && c <= '9'); });
}

std::string Segment(std::string_view s) {
  if (IsPlainSegment(s)) return std::string(s);
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::unexpected<Error> Bad(std::string_view text, std::string_view why) {
  return Fail(Code::kInvalidArgument, "bad-table-name", fmt::format("`{}` does not name a table: {}", EscapeControl(text.substr(0, 200)), why),
              "write target/schema.table, with a segment in double quotes where it is more than lower-case letters, digits and _");
}

// Takes one segment off `rest`.
Result<std::string> TakeSegment(std::string_view whole, std::string_view& rest) {
  std::string out;
  if (rest.starts_with('"')) {
    std::size_t i = 1;
    for (;; ++i) {
      if (i >= rest.size()) return Bad(whole, "a quoted segment does not end");
      if (rest[i] == '"') {
        if (i + 1 >= rest.size() || rest[i + 1] != '"') break;
        ++i;
      }
      out += rest[i];
    }
    rest.remove_prefix(i + 1);
    if (IsPlainSegment(out)) return Bad(whole, fmt::format("`{}` needs no quotes", out));
  } else {
    const std::size_t end = std::min(rest.find('.'), rest.size());
    out = rest.substr(0, end);
    rest.remove_prefix(end);
    if (!IsPlainSegment(out)) return Bad(whole, "a segment without quotes is not lower-case letters, digits and _");
  }
  if (out.empty() || out.size() > kSegmentBytes || out.find('\0') != std::string::npos || !IsUtf8(out))
    return Bad(whole, "a segment is empty, longer than 63 bytes, or not clean UTF-8");
  return out;
}

}  // namespace

std::string TableName::ToString() const {
  const std::string name = Segment(schema) + "." + Segment(table);
  return target.empty() ? name : target + "/" + name;
}

Result<TableName> ParseSchemaTable(std::string_view text) {
  TableName name;
  std::string_view rest = text;
  REMIT_ASSIGN(name.schema, TakeSegment(text, rest));
  if (!rest.starts_with('.')) return Bad(text, "there is no `.` between schema and table");
  rest.remove_prefix(1);
  REMIT_ASSIGN(name.table, TakeSegment(text, rest));
  if (!rest.empty()) return Bad(text, "something follows the table");
  return name;
}

Result<TableName> ParseTableName(std::string_view id) {
  const std::size_t slash = id.find('/');
  if (slash == std::string_view::npos) return Bad(id, "there is no `/` between target and schema");
  const std::string_view target = id.substr(0, slash);
  const bool ok =
      std::all_of(target.begin(), target.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
  if (target.empty() || target.size() > kSegmentBytes || !ok) return Bad(id, "the target's name is not lower-case letters, digits, _ and -");
  REMIT_ASSIGN(TableName name, ParseSchemaTable(id.substr(slash + 1)));
  name.target = target;
  return name;
}

}  // namespace remit::pg
