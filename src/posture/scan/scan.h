// Puts together what a server says and what its log says: for each account what it holds and by which path, what of that it used, never used,
// or what the log cannot tell; what it used without holding it; what it was refused. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "posture/scan/inventory.h"
#include "posture/scan/usage.h"

namespace remit::posture {

enum class Evidence : std::uint8_t {
  kUsed,
  kNever,    // the log would show it
  kUnknown,  // the log does not show uses of this privilege, or was not told to
};
std::string_view EvidenceName(Evidence evidence);  // "used", "never", "unknown"

struct Held {
  Holding holding;
  Evidence evidence = Evidence::kUnknown;
  std::uint64_t count = 0;  // kUsed: of the use, or the sessions for CONNECT
};

struct AccountReport {
  std::string name;
  bool superuser = false, gone = false;  // gone: in the log, and not at the server any more
  std::vector<Held> held;                // without PUBLIC's, unless used: those stand in ScanReport::everyone
  std::vector<Use> uses;
  std::vector<Refused> refused;
  std::vector<std::pair<std::string, Sessions>> sessions;  // by database
};

struct ScanReport {
  int server_version = 0;
  std::vector<std::string> databases;  // that were read
  std::vector<AccountReport> accounts;
  std::vector<Held> everyone;       // what PUBLIC may do, so every account; the account of these is "PUBLIC"
  std::vector<DrawnDefault> drawn;  // of all tables, sorted by table and column
  std::vector<Finding> findings;
  std::uint64_t records = 0;
  std::optional<Time> first, last;  // of the log
};

// `accounts`: those to report on; empty: every role with LOGIN, and those that the log knows. Errors: `unknown-account` for one that neither
// the server nor the log knows.
Result<ScanReport> Scan(const Inventory& inventory, UsageReport usage, const std::vector<std::string>& accounts);

// Whether the log would show a use of this holding. Never of a function: one in SQL that the planner puts into the statement is not in it.
bool LogShows(const AuditCoverage& coverage, const Holding& holding);

// pgaudit writes down one privilege for each relation of a statement: the first of INSERT, UPDATE, DELETE, SELECT that it needs. So an
// INSERT … ON CONFLICT DO UPDATE hides an UPDATE, and an UPDATE … WHERE hides a SELECT. Whether a use of `weaker` may stand behind one of
// `used` (DELETE can from PostgreSQL 15 on, which has MERGE).
bool MayHide(std::string_view used, std::string_view weaker, int server_version);

}  // namespace remit::posture
