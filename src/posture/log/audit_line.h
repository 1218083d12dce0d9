// What one record of the log says about access: a use that pgaudit wrote down, a refusal, something that only looks like either, or nothing.
//
// Whoever may run PL/pgSQL can write any text into the server's log (RAISE LOG 'AUDIT: …'), but not as pgaudit does: the server adds the
// statement and where in the function it was raised, and pgaudit's own lines carry neither. No statement's text is ever read: neither for
// names nor for anything else.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "posture/holdings.h"
#include "posture/log/log_record.h"

namespace remit::posture {

// A name as PostgreSQL quotes it, `public."Weird.Name"`, taken apart; nothing where it is none. `schema` is "" where the text has one part.
struct QualifiedName {
  std::string schema, name;
  bool operator==(const QualifiedName&) const = default;
};
std::optional<QualifiedName> ParseQualifiedName(std::string_view text);

// "AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.invoices,…": the columns up to the name. What follows (the statement) is not looked at.
struct AuditFields {
  std::string type;  // SESSION or OBJECT
  std::string clazz, command, object_type, object_name;
};
// Nothing where it is not of pgaudit's form.
std::optional<AuditFields> ParseAudit(std::string_view message);

struct AuditLine {
  enum class Kind {
    kNone,        // says nothing about access
    kUse,         // `privilege` on `object_type` `name`
    kNoObject,    // a use of a class that concerns relations, without saying which: TRUNCATE, or pgaudit.log_relation is off
    kRefused,     // SQLSTATE 42501
    kSuspicious,  // looks like pgaudit's, and is not: `why`
  } kind = Kind::kNone;
  std::string privilege;    // SELECT, INSERT, UPDATE, DELETE, EXECUTE
  std::string object_type;  // as pgaudit has it: TABLE, VIEW, FUNCTION …
  QualifiedName name;
  std::string command;           // kNoObject: TRUNCATE TABLE …
  std::string what;              // kRefused: "table salaries"; "" where the message is not understood
  bool within_function = false;  // kRefused
  std::string_view why;          // kSuspicious: a stable slug, see docs/reference/scan.md
};
AuditLine Classify(const LogRecord& record);

// The kinds of object that a word of a refusal means: "table" → table, view … ; empty where it is not known.
std::vector<ObjectKind> KindsOf(std::string_view word);
// "table salaries" → {"table", "salaries"}; "materialized view mv" → {"materialized view", "mv"}.
std::pair<std::string_view, std::string_view> SplitRefusal(std::string_view what);

}  // namespace remit::posture
