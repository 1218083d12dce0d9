#include "posture/log/audit_line.h"

#include <algorithm>
#include <array>

#include "base/limits.h"

namespace remit::posture {
namespace {

constexpr std::string_view kMark = "AUDIT: ";

// Takes one column of pgaudit's line off `rest`, and the comma behind it. Nothing where it is none.
std::optional<std::string> TakeColumn(std::string_view& rest) {
  std::string out;
  if (!rest.starts_with('"')) {
    const std::size_t end = rest.find(',');
    if (end == std::string_view::npos) return std::nullopt;
    out = rest.substr(0, end);
    if (out.find_first_of("\"\r\n") != std::string::npos) return std::nullopt;
    rest.remove_prefix(end + 1);
    return out;
  }
  std::size_t i = 1;
  for (;; ++i) {
    if (i >= rest.size()) return std::nullopt;
    if (rest[i] == '"') {
      if (i + 1 >= rest.size() || rest[i + 1] != '"') break;
      ++i;
    }
    out += rest[i];
  }
  rest.remove_prefix(i + 1);
  if (!rest.starts_with(',')) return std::nullopt;
  rest.remove_prefix(1);
  return out;
}

bool IsNumber(std::string_view text) {
  return !text.empty() && text.size() <= 19 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool MayBeUnquoted(std::string_view s) {
  const auto lower = [](char c) { return (c >= 'a' && c <= 'z') || c == '_' || static_cast<unsigned char>(c) >= 0x80; };
  return !s.empty() && lower(s[0]) && std::ranges::all_of(s, [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '$'; });
}

// Takes one identifier off `rest`.
std::optional<std::string> TakeIdentifier(std::string_view& rest) {
  std::string out;
  if (!rest.starts_with('"')) {
    const std::size_t end = std::min(rest.find('.'), rest.size());
    out = rest.substr(0, end);
    rest.remove_prefix(end);
    if (!MayBeUnquoted(out)) return std::nullopt;
    return out;
  }
  std::size_t i = 1;
  for (;; ++i) {
    if (i >= rest.size()) return std::nullopt;
    if (rest[i] == '"') {
      if (i + 1 >= rest.size() || rest[i + 1] != '"') break;
      ++i;
    }
    out += rest[i];
  }
  rest.remove_prefix(i + 1);
  if (out.empty()) return std::nullopt;
  return out;
}

std::string_view PrivilegeOf(const AuditFields& fields) {
  if (fields.clazz == "READ" && fields.command == "SELECT") return "SELECT";
  if (fields.clazz == "WRITE" && (fields.command == "INSERT" || fields.command == "UPDATE" || fields.command == "DELETE")) return fields.command;
  if (fields.clazz == "FUNCTION" && fields.command == "EXECUTE" && (fields.object_type == "FUNCTION" || fields.object_type == "PROCEDURE"))
    return "EXECUTE";
  return "";
}

bool IsAuditSeverity(std::string_view severity) {
  constexpr std::array<std::string_view, 9> kLevels = {"LOG", "INFO", "NOTICE", "WARNING", "DEBUG", "DEBUG1", "DEBUG2", "DEBUG3", "DEBUG4"};
  return severity == "DEBUG5" || std::ranges::find(kLevels, severity) != kLevels.end();
}

bool HasControl(std::string_view name) {
  return std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// Why a record that begins like pgaudit's is not one; "" where it is.
std::string_view Flaw(const LogRecord& record) {
  if (HasControl(record.user) || HasControl(record.database)) return "line-break-in-name";
  if (!record.context.empty()) return "forged-context";
  if (!record.query.empty() || !record.query_position.empty()) return "forged-statement";
  if (!record.detail.empty() || !record.hint.empty() || !record.internal_query.empty() || !record.internal_position.empty()) return "forged-fields";
  if (!record.location.empty() && record.location.find("pgaudit.c") == std::string::npos) return "forged-location";
  if (!IsAuditSeverity(record.severity) || (record.sqlstate != "00000" && record.sqlstate != "01000")) return "forged-severity";
  if (record.backend_type != "client backend") return "other-backend";
  if (record.user.empty() || record.database.empty()) return "no-account";
  return "";
}

// SELECT, DML and the like: what should name a relation.
bool ConcernsRelation(const AuditFields& fields) {
  return fields.clazz == "WRITE" || (fields.clazz == "READ" && (fields.command == "SELECT" || fields.command == "COPY"));
}

AuditLine Suspicious(std::string_view why) {
  AuditLine line;
  line.kind = AuditLine::Kind::kSuspicious;
  line.why = why;
  return line;
}

AuditLine ClassifyAudit(const LogRecord& record) {
  if (std::string_view why = Flaw(record); !why.empty()) return Suspicious(why);
  std::optional<AuditFields> fields = ParseAudit(record.message);
  if (!fields) return Suspicious("not-pgaudits-form");
  AuditLine line;
  line.command = fields->command;
  line.object_type = fields->object_type;
  std::string_view privilege = PrivilegeOf(*fields);
  if (!privilege.empty() && !fields->object_name.empty()) {
    std::optional<QualifiedName> name = ParseQualifiedName(fields->object_name);
    if (!name || name->schema.empty()) return Suspicious("not-pgaudits-form");
    line.kind = AuditLine::Kind::kUse;
    line.privilege = privilege;
    line.name = std::move(*name);
  } else if (ConcernsRelation(*fields) && fields->object_name.empty()) {
    line.kind = AuditLine::Kind::kNoObject;
  }
  return line;
}

AuditLine ClassifyRefusal(const LogRecord& record) {
  AuditLine line;
  if (record.user.empty() || record.database.empty() || record.backend_type != "client backend") return line;
  line.kind = AuditLine::Kind::kRefused;
  line.within_function = !record.context.empty();
  for (std::string_view start : {"permission denied for ", "must be owner of ", "permission denied "})
    if (line.what.empty() && record.message.starts_with(start)) line.what = record.message.substr(start.size());
  if (line.what.size() > limits::kLogNameBytes) line.what.clear();
  return line;
}

struct Word {
  std::string_view word;
  std::initializer_list<ObjectKind> kinds;
};
using enum ObjectKind;
const std::array<Word, 16>& Words() {
  static const std::array<Word, 16> words = {{{"materialized view", {kView}},
                                              {"foreign table", {kForeignTable}},
                                              {"foreign-data wrapper", {kForeignWrapper}},
                                              {"foreign server", {kForeignServer}},
                                              {"large object", {kLargeObject}},
                                              {"table", {kTable}},
                                              {"view", {kView}},
                                              {"sequence", {kSequence}},
                                              {"schema", {kSchema}},
                                              {"database", {kDatabase}},
                                              {"function", {kFunction}},
                                              {"procedure", {kFunction}},
                                              {"aggregate", {kFunction}},
                                              {"type", {kType}},
                                              {"language", {kLanguage}},
                                              {"tablespace", {kTablespace}}}};
  return words;
}

}  // namespace

std::optional<QualifiedName> ParseQualifiedName(std::string_view text) {
  std::string_view rest = text;
  std::optional<std::string> first = TakeIdentifier(rest);
  if (!first) return std::nullopt;
  if (rest.empty()) return QualifiedName{"", std::move(*first)};
  if (!rest.starts_with('.')) return std::nullopt;
  rest.remove_prefix(1);
  std::optional<std::string> second = TakeIdentifier(rest);
  if (!second || !rest.empty()) return std::nullopt;
  return QualifiedName{std::move(*first), std::move(*second)};
}

std::optional<AuditFields> ParseAudit(std::string_view message) {
  if (!message.starts_with(kMark)) return std::nullopt;
  std::string_view rest = message.substr(kMark.size());
  std::array<std::string, 7> columns;
  for (std::string& column : columns) {
    std::optional<std::string> one = TakeColumn(rest);
    if (!one) return std::nullopt;
    column = std::move(*one);
  }
  if ((columns[0] != "SESSION" && columns[0] != "OBJECT") || !IsNumber(columns[1]) || !IsNumber(columns[2])) return std::nullopt;
  return AuditFields{std::move(columns[0]), std::move(columns[3]), std::move(columns[4]), std::move(columns[5]), std::move(columns[6])};
}

AuditLine Classify(const LogRecord& record) {
  if (record.message.starts_with(kMark)) return ClassifyAudit(record);
  if (record.sqlstate == "42501") return ClassifyRefusal(record);
  if (HasControl(record.user) || HasControl(record.database)) return Suspicious("line-break-in-name");
  // Where pgaudit never writes it: somebody hopes for a reader that looks for the word anywhere in a line.
  if (record.message.find("\nAUDIT: ") != std::string::npos || record.application.find(kMark) != std::string::npos)
    return Suspicious("mark-inside-text");
  return {};
}

std::vector<ObjectKind> KindsOf(std::string_view word) {
  for (const Word& one : Words())
    if (one.word == word) return one.kinds;
  return {};
}

std::pair<std::string_view, std::string_view> SplitRefusal(std::string_view what) {
  for (const Word& one : Words())
    if (what.starts_with(one.word) && what.substr(one.word.size()).starts_with(' ')) return {one.word, what.substr(one.word.size() + 1)};
  return {"", what};
}

}  // namespace remit::posture
