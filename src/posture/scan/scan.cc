#include "posture/scan/scan.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/text.h"

namespace remit::posture {
namespace {

const std::vector<ObjectKind> kRelations = {ObjectKind::kTable, ObjectKind::kView, ObjectKind::kForeignTable, ObjectKind::kSequence};

bool IsRelation(ObjectKind kind) { return std::ranges::find(kRelations, kind) != kRelations.end(); }

bool IsPublic(const Holding& holding) {
  return holding.path.via == Via::kPublic || holding.path.via == Via::kDefault ||
         (holding.path.via == Via::kFuture && holding.path.roles.front() == "PUBLIC");
}

class Scanner {
 public:
  Scanner(const Inventory& inventory, UsageReport usage) : inventory_(inventory), usage_(std::move(usage)), index_(inventory) {}

  Result<ScanReport> Take(const std::vector<std::string>& wanted) {
    report_.server_version = inventory_.server_version;
    report_.records = usage_.records;
    report_.first = usage_.first;
    report_.last = usage_.last;
    for (const OwnedObject& one : inventory_.objects)
      if (!one.object.database.empty() && (report_.databases.empty() || report_.databases.back() != one.object.database))
        report_.databases.push_back(one.object.database);
    std::set<std::string> known = Names(true), all = Names(false);
    for (const std::string& name : wanted)
      if (!all.contains(name))
        return Fail(Code::kNotFound, "unknown-account", fmt::format("neither the server nor the log knows an account `{}`", name));
    const std::set<std::string> chosen = wanted.empty() ? known : std::set<std::string>(wanted.begin(), wanted.end());
    for (const std::string& name : chosen) Account(name);
    for (Finding& finding : usage_.findings)
      if (wanted.empty() || finding.account.empty() || chosen.contains(finding.account)) report_.findings.push_back(std::move(finding));
    for (const Finding& finding : inventory_.findings) report_.findings.push_back(finding);
    report_.drawn = inventory_.drawn;
    std::ranges::sort(report_.drawn, {}, [](const DrawnDefault& one) { return std::tie(one.table, one.column, one.sequence); });
    for (auto& [key, held] : everyone_) report_.everyone.push_back(std::move(held));
    std::ranges::stable_sort(report_.findings, {}, [](const Finding& one) { return std::tie(one.account, one.reason); });
    return std::move(report_);
  }

 private:
  // Accounts: at the server with LOGIN, or in the log. `only_login` leaves out roles without it.
  std::set<std::string> Names(bool only_login) const {
    std::set<std::string> names;
    for (const Role& role : inventory_.roles)
      if (role.login || !only_login) names.insert(role.name);
    for (const auto& [key, sessions] : usage_.sessions) names.insert(key.first);
    return names;
  }

  void Account(const std::string& name) {
    AccountReport account;
    account.name = name;
    const Role* role = inventory_.FindRole(name);
    account.gone = role == nullptr;
    account.superuser = role != nullptr && role->superuser;
    const std::vector<Holding> holdings = HoldingsOf(inventory_, name);
    std::map<Object, std::vector<const Holding*>> by_object;
    for (const Holding& holding : holdings) by_object[holding.object].push_back(&holding);
    for (const NamedUse& use : usage_.uses)
      if (use.account == name) AddUse(account, use, by_object, holdings);
    for (const NamedRefusal& refusal : usage_.refused)
      if (refusal.account == name) AddRefusal(account, refusal);
    for (const auto& [key, sessions] : usage_.sessions)
      if (key.first == name) account.sessions.emplace_back(key.second, sessions);
    Weigh(account, holdings);
    if (account.gone) Note("account-gone", name, "is in the log, and not at the server any more");
    if (!account.gone && !account.superuser) Blind(name);
    report_.accounts.push_back(std::move(account));
  }

  // Whether pgaudit was told to write down what this account does.
  void Blind(const std::string& name) {
    for (const std::string& database : report_.databases) {
      const AuditCoverage coverage = CoverageOf(inventory_, name, database);
      if (!coverage.loaded)
        return Once("no-pgaudit", "the server does not know pgaudit: nothing can be called never used (shared_preload_libraries = 'pgaudit')");
      if (!coverage.relations)
        Note("blind", name, fmt::format("pgaudit.log_relation is off for it in database {}: its uses name no table", database));
      if (!coverage.reads || !coverage.writes)
        Note("blind", name,
             fmt::format("pgaudit.log does not have {} for it in database {}: what it never used cannot be told",
                         coverage.reads    ? "write"
                         : coverage.writes ? "read"
                                           : "read and write",
                         database));
    }
  }

  void AddUse(AccountReport& account, const NamedUse& named, const std::map<Object, std::vector<const Holding*>>& by_object,
              const std::vector<Holding>& holdings) {
    const bool function = named.privilege == "EXECUTE";
    const std::vector<Object> found =
        index_.Find(named.database, named.name.schema, named.name.name, function ? std::vector<ObjectKind>{ObjectKind::kFunction} : kRelations);
    const std::string text = fmt::format("{} on {}.{} in {}", named.privilege, named.name.schema, named.name.name, named.database);
    if (named.name.schema == "pg_catalog" || named.name.schema == "information_schema") {
      if (found.empty()) return;  // what everybody may
    }
    if (found.empty()) return Note("object-gone", account.name, text + ": there is no such object now, or its database was not read", named.count);
    if (found.size() > 1) {
      std::vector<std::string> names;
      for (const Object& one : found) names.push_back(one.ToString());
      return Note("ambiguous-use", account.name, text + " may be any of: " + Join(names, ", "), named.count);
    }
    Use use{account.name, found.front(), named.privilege, named.count, named.sessions, named.first, named.last, {}};
    if (auto held = by_object.find(use.object); held != by_object.end())
      for (const Holding* holding : held->second)
        if (holding->privilege == use.privilege && holding->path.via != Via::kFuture) use.held.push_back(*holding);
    if (account.superuser) use.held = holdings;
    if (use.held.empty() && !account.superuser && !account.gone && !HeldByColumn(use, by_object))
      Note("used-not-held", account.name, text + ": with the rights of a view's or function's owner, or it lost them since", named.count);
    account.uses.push_back(std::move(use));
  }

  bool HeldByColumn(const Use& use, const std::map<Object, std::vector<const Holding*>>& by_object) {
    Object column = use.object;
    column.kind = ObjectKind::kColumn;
    for (auto it = by_object.lower_bound(column); it != by_object.end(); ++it) {
      const Object& object = it->first;
      if (object.kind != ObjectKind::kColumn || object.schema != column.schema || object.name != column.name || object.database != column.database)
        break;
      for (const Holding* holding : it->second)
        if (holding->privilege == use.privilege) {
          Note("held-by-column", use.account,
               fmt::format("{} on {} is held on columns alone, which a task type cannot say", use.privilege, use.object.ToString()), use.count);
          return true;
        }
    }
    return false;
  }

  void AddRefusal(AccountReport& account, const NamedRefusal& named) {
    Refused refused{account.name, named.database, named.what, {}, named.within_function, named.count, named.first, named.last};
    auto [word, name] = SplitRefusal(named.what);
    std::vector<ObjectKind> kinds = KindsOf(word);
    if (!kinds.empty()) refused.candidates = index_.Find(named.database, "", name, kinds);
    account.refused.push_back(std::move(refused));
  }

  void Weigh(AccountReport& account, const std::vector<Holding>& holdings) {
    std::map<std::pair<Object, std::string>, std::uint64_t> used;
    std::map<Object, std::set<std::string>> privileges;
    std::map<std::string, std::uint64_t> connected;                        // database → sessions
    std::map<std::pair<std::string, std::string>, std::uint64_t> schemas;  // database and schema → uses of what lies in it
    for (const Use& use : account.uses) {
      used[{use.object, use.privilege}] = use.count;
      privileges[use.object].insert(use.privilege);
      schemas[{use.object.database, use.object.schema}] += use.count;
    }
    for (const auto& [database, sessions] : account.sessions) connected[database] = sessions.count;
    for (const Holding& holding : holdings) {
      Held held{holding, Evidence::kUnknown, 0};
      const Object& object = holding.object;
      if (holding.privilege == "CONNECT" && connected.contains(object.name)) held.count = connected[object.name];
      if (holding.privilege == "USAGE" && object.kind == ObjectKind::kSchema) held.count = schemas[{object.database, object.name}];
      if (auto it = used.find({object, holding.privilege}); it != used.end() && holding.path.via != Via::kFuture) held.count = it->second;
      if (held.count > 0) {
        held.evidence = Evidence::kUsed;
      } else if (std::ranges::any_of(privileges[object],
                                     [&](const std::string& one) { return MayHide(one, holding.privilege, inventory_.server_version); })) {
        held.evidence = Evidence::kUnknown;
      } else if (usage_.records > 0 && LogShows(CoverageOf(inventory_, account.name, object.database), holding)) {
        held.evidence = Evidence::kNever;
      }
      if (IsPublic(holding)) Everyone(held);
      if (!IsPublic(holding) || held.evidence == Evidence::kUsed) account.held.push_back(std::move(held));
    }
  }

  // PUBLIC's rights once, not once for each account. "Used" is by any of them.
  void Everyone(Held held) {
    held.holding.account = "PUBLIC";
    held.holding.path.roles = {"PUBLIC"};
    auto key = std::tuple(held.holding.object, held.holding.privilege, held.holding.path.via, held.holding.path.grantor);
    auto [it, added] = everyone_.try_emplace(key, held);
    if (added) return;
    it->second.count += held.count;
    if (held.evidence == Evidence::kUsed || it->second.evidence == Evidence::kNever) it->second.evidence = held.evidence;
    if (it->second.count > 0) it->second.evidence = Evidence::kUsed;
  }

  void Note(std::string_view reason, const std::string& account, std::string message, std::uint64_t count = 1) {
    report_.findings.push_back({std::string(reason), account, std::move(message), "", count});
  }
  void Once(std::string_view reason, std::string message) {
    for (const Finding& finding : report_.findings)
      if (finding.reason == reason) return;
    Note(reason, "", std::move(message));
  }

  const Inventory& inventory_;
  UsageReport usage_;
  ObjectIndex index_;
  ScanReport report_;
  std::map<std::tuple<Object, std::string, Via, std::string>, Held> everyone_;
};

}  // namespace

std::string_view EvidenceName(Evidence evidence) {
  switch (evidence) {
    case Evidence::kUsed: return "used";
    case Evidence::kNever: return "never";
    case Evidence::kUnknown: return "unknown";
  }
  return "";
}

bool MayHide(std::string_view used, std::string_view weaker, int server_version) {
  constexpr std::array<std::string_view, 4> kOrder = {"INSERT", "UPDATE", "DELETE", "SELECT"};
  const auto a = std::ranges::find(kOrder, used), b = std::ranges::find(kOrder, weaker);
  if (a == kOrder.end() || b == kOrder.end() || a >= b) return false;
  return weaker != "DELETE" || server_version >= 150000;
}

bool LogShows(const AuditCoverage& coverage, const Holding& holding) {
  if (!coverage.loaded || holding.path.via == Via::kFuture) return false;
  const std::string& privilege = holding.privilege;
  if (IsRelation(holding.object.kind) && holding.object.kind != ObjectKind::kSequence) {
    if (privilege == "SELECT") return coverage.relations && coverage.reads;
    if (privilege == "INSERT" || privilege == "UPDATE" || privilege == "DELETE") return coverage.relations && coverage.writes;
  }
  return false;
}

Result<ScanReport> Scan(const Inventory& inventory, UsageReport usage, const std::vector<std::string>& accounts) {
  return Scanner(inventory, std::move(usage)).Take(accounts);
}

}  // namespace remit::posture
