// What accounts hold, what they used, and what is worth saying about it: plain data that readers (postgres_holdings.h, usage.h) fill and
// that proposals, replacement and the command line read. Nothing here knows how to ask a server.
//
// Names are as the server has them, without SQL quotes; pg::TableName and pg::QuoteIdentifier write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace remit::posture {

enum class ObjectKind : std::uint8_t {
  kServer,  // the whole server: superuser, CREATEROLE and the like
  kDatabase,
  kSchema,
  kTable,         // ordinary and partitioned tables: what a target can grant
  kView,          // also materialized ones
  kForeignTable,  // its rows live elsewhere
  kColumn,        // of any of the three above
  kSequence,
  kFunction,  // also procedures, aggregates and window functions
  kType,
  kLanguage,
  kForeignServer,
  kForeignWrapper,
  kLargeObject,
  kTablespace,
  kParameter,  // SET or ALTER SYSTEM of one setting, PostgreSQL 15 and later
};
std::string_view KindName(ObjectKind kind);  // "table", "foreign table" …

// One thing at a server. Equal where all but `oid` is equal: an oid is a hint for whoever asks the same server again.
struct Object {
  ObjectKind kind = ObjectKind::kServer;
  std::string database;  // "" for what belongs to the whole server: server, database (its name is in `name`), tablespace, parameter
  std::string schema;    // "" where the kind has none
  std::string name;      // of a function with its argument types, `total(integer)`; of a large object its oid
  std::string column;    // kColumn alone
  std::uint32_t oid = 0;

  std::string ToString() const;  // "table public.invoices", "column public.invoices(amount)", "database orders"; without the database it lies in
  friend bool operator==(const Object& a, const Object& b) {
    return a.kind == b.kind && a.database == b.database && a.schema == b.schema && a.name == b.name && a.column == b.column;
  }
  friend auto operator<=>(const Object& a, const Object& b) {
    if (auto order = a.kind <=> b.kind; order != 0) return order;
    if (auto order = a.database <=> b.database; order != 0) return order;
    if (auto order = a.schema <=> b.schema; order != 0) return order;
    if (auto order = a.name <=> b.name; order != 0) return order;
    return a.column <=> b.column;
  }
};

// How a privilege reaches an account. What follows kGrant cannot be taken away from this account alone by a REVOKE.
enum class Via : std::uint8_t {
  kGrant,       // an entry of the object's ACL for the account, or for a role that it is a member of
  kPublic,      // an entry of the ACL for PUBLIC
  kDefault,     // the object has no ACL, and PostgreSQL gives this to PUBLIC by itself
  kOwner,       // it owns the object, or is a member of the role that does
  kPredefined,  // membership in a role of PostgreSQL's own: pg_read_all_data, pg_write_all_data
  kSuperuser,   // nothing is asked of a superuser
  kAttribute,   // of the role itself: CREATEROLE, CREATEDB, REPLICATION, BYPASSRLS
  kFuture,      // not held yet: ALTER DEFAULT PRIVILEGES gives it on objects still to be made; the object is the schema, or the database
};
std::string_view ViaName(Via via);  // "grant", "public", "default", "owner", "predefined", "superuser", "attribute", "future"

struct Path {
  Via via = Via::kGrant;
  std::vector<std::string> roles;  // from the account to the role that has it: {"billing"}, {"billing", "readers"}; for PUBLIC the account alone
  std::string grantor;             // who granted it; "" for owner, superuser, predefined, attribute and default
  bool inherited = true;           // false: only after SET ROLE, since the account or a role between does not inherit

  std::string ToString() const;  // "granted to readers by postgres; billing > readers"
  bool operator==(const Path&) const = default;
};

// One privilege of one account on one object by one path. The same privilege by two paths is two holdings.
struct Holding {
  std::string account;
  Object object;
  std::string privilege;   // as SQL has it, upper case: SELECT, INSERT, USAGE, CREATE, SET … ; of kServer SUPERUSER, CREATEROLE …
  bool grantable = false;  // WITH GRANT OPTION, or by ownership
  Path path;
  bool operator==(const Holding&) const = default;
};

// A privilege that the log shows to have been used. Counted by statement and relation; only lines that pgaudit itself wrote count.
struct Use {
  std::string account;  // the login name of the session, whatever role was set in it
  Object object;
  std::string privilege;
  std::uint64_t count = 0;     // lines
  std::uint64_t sessions = 0;  // that had at least one
  Time first{}, last{};
  std::vector<Holding> held;  // the paths by which the account holds it now; empty: used with somebody else's rights, or lost since
};

// Something that the server refused with SQLSTATE 42501. Its message names the object without its schema.
struct Refused {
  std::string account, database;
  std::string what;                // "table salaries", in the server's words; "" where they are not understood (another language)
  std::vector<Object> candidates;  // the objects of that name there are now; one: it was this. Never a use
  bool within_function = false;    // a function, DO block or trigger raised it, and may have made it up
  std::uint64_t count = 0;
  Time first{}, last{};
};

// Something worth saying that is not a holding, a use or a refusal.
struct Finding {
  std::string reason;   // a stable slug; docs/reference/scan.md lists them
  std::string account;  // "" where it concerns none
  std::string message;  // one line, lower case
  std::string place;    // file:byte of the first one, or an object; may be empty
  std::uint64_t count = 1;
  bool operator==(const Finding&) const = default;
};

}  // namespace remit::posture
