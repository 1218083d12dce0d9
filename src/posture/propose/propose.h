// From what accounts used and hold to task types in Cedar: one for each account and database, which may do just what was used and is held, on
// the tables that a task names. Pure: gives texts; whoever calls writes them down.
//
// What a target cannot grant (views, functions, columns, and sequences but those that come with an INSERT) is not proposed, and is a finding.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "posture/scan/scan.h"
#include "task/catalog.h"

namespace remit::posture {

struct ProposeOptions {
  std::map<std::string, std::string> targets;  // database → name of the target in remit.toml; else the database's own name
  std::set<std::string> hidden;                // SELECT, UPDATE, DELETE: propose also what pgaudit may have hidden behind a use (MayHide)
  bool superusers = false;                     // propose for superusers, too
};

struct ProposedPermission {
  std::string policy;     // @id
  std::string privilege;  // SELECT …
  Object object;
  std::string resource;  // `orders/public.invoices`
  bool is_hidden = false;
  std::vector<std::string> sequences;  // that come with an INSERT, since the table's own columns draw on them: `public.invoices_id_seq`
  std::optional<Use> use = {};         // what it is proposed for; none where it is hidden
};

struct ProposedType {
  std::string account, database, target;
  std::string entity_type, name;  // `BillingOrders`, `billing-orders`
  Duration life{};                // @ttl and @max_ttl: as long as the longest session, in round figures, at most a day
  std::vector<ProposedPermission> permissions;
};

struct Proposal {
  std::vector<ProposedType> types;
  std::vector<task::CatalogFile> files;  // schemas and policies
  std::vector<task::CatalogFile> tests;  // NAME.test.toml
  std::string facts;                     // facts.json
  std::vector<Finding> findings;         // `not-expressible`, `hidden-use`, `superuser-skipped`, `unnameable`
};

// Errors: `nothing-to-propose`; `bad-target-name` where a database's name can be no target's and none was given; `catalog-too-large`.
Result<Proposal> Propose(const ScanReport& report, const ProposeOptions& options);

inline constexpr std::string_view kAccountType = "ServiceAccount";

}  // namespace remit::posture
