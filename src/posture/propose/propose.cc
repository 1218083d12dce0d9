#include "posture/propose/propose.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "json/write.h"
#include "pg/name.h"
#include "posture/propose/draws.h"
#include "posture/propose/proposal_text.h"
#include "task/entity_id.h"

namespace remit::posture {
namespace {

constexpr std::array<std::string_view, 4> kPrivileges = {"SELECT", "INSERT", "UPDATE", "DELETE"};  // what a target can grant

// A round figure that no session was longer than; a day at most.
Duration RoundLife(Duration longest) {
  using std::chrono::hours, std::chrono::minutes;
  for (Duration step : {Duration(minutes(5)), Duration(minutes(15)), Duration(minutes(30)), Duration(hours(1)), Duration(hours(2)),
                        Duration(hours(4)), Duration(hours(8)), Duration(hours(12))})
    if (longest <= step) return step;
  return hours(24);
}

// "Billing Svc" → "billing-svc": what people type.
std::string NameFrom(std::string_view text) {
  std::string name;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (fits) {
      name += c;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (name.ends_with('-')) name.pop_back();
  if (name.empty() || name[0] < 'a') name = "account-" + name;
  return name.substr(0, limits::kTypeNameBytes - 8);
}

std::string TypeFrom(std::string_view name) {
  std::string type;
  bool upper = true;
  for (char c : name) {
    if (c == '-') {
      upper = true;
      continue;
    }
    type += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return type;
}

class Proposer {
 public:
  Proposer(const ScanReport& report, const ProposeOptions& options) : report_(report), options_(options) {}

  Result<Proposal> Take() {
    for (const AccountReport& account : report_.accounts) REMIT_TRY(Account(account));
    if (proposal_.types.empty())
      return Fail(Code::kFailedPrecondition, "nothing-to-propose", "no account used a table that it holds",
                  "`remit scan postgres` says what is in the log");
    if (proposal_.types.size() + 2 > limits::kCatalogFiles)
      return Fail(Code::kInvalidArgument, "catalog-too-large", fmt::format("a catalog has at most {} files, a task type each", limits::kCatalogFiles),
                  "choose some with --account");
    ProposalTexts(report_, proposal_, uses_);
    return std::move(proposal_);
  }

 private:
  Status Account(const AccountReport& account) {
    std::map<std::string, std::vector<const Use*>> by_database;
    for (const Use& use : account.uses) by_database[use.object.database].push_back(&use);
    if (by_database.empty() || account.gone) return {};
    if (account.superuser && !options_.superusers) {
      Note("superuser-skipped", account.name, "a superuser: nothing is proposed for it unless it is named with --account");
      return {};
    }
    if (!task::CheckEntityId({std::string(kAccountType), account.name})) {
      Note("unnameable", account.name, "its name cannot be the id of an entity: nothing is proposed for it");
      return {};
    }
    for (const auto& [database, uses] : by_database) REMIT_TRY(Database(account, database, uses));
    return {};
  }

  Status Database(const AccountReport& account, const std::string& database, const std::vector<const Use*>& uses) {
    ProposedType type;
    type.account = account.name;
    type.database = database;
    type.target = options_.targets.contains(database) ? options_.targets.at(database) : database;
    std::map<Object, std::set<std::string>> used;
    for (const Use* use : uses) {
      if (use->held.empty()) continue;  // a finding of the scan
      if (!Grantable(use->object, use->privilege)) {
        Note("not-expressible", account.name,
             fmt::format("{} on {} in {}: no target can grant it to a task", use->privilege, use->object.ToString(), database), use->count);
        continue;
      }
      used[use->object].insert(use->privilege);
    }
    for (const auto& [object, privileges] : used) REMIT_TRY(Table(account, type, object, privileges));
    if (type.permissions.empty()) return {};
    type.name = Unique(NameFrom(account.name + "-" + type.target));
    type.entity_type = TypeFrom(type.name);
    type.life = RoundLife(LongestIn(account, database));
    for (const Use* use : uses) uses_[{account.name, use->object, use->privilege}] = use;
    for (std::size_t i = 0; i < type.permissions.size(); ++i) {
      ProposedPermission& one = type.permissions[i];
      std::string lower = one.privilege;
      for (char& c : lower) c = static_cast<char>(c - 'A' + 'a');
      one.policy = fmt::format("{}-{}-{}", type.name, lower, i + 1);
      if (!one.is_hidden) one.use = *uses_.at({account.name, one.object, one.privilege});
    }
    UnseenSequences(account, type);
    proposal_.types.push_back(std::move(type));
    return {};
  }

  Status Table(const AccountReport& account, ProposedType& type, const Object& object, const std::set<std::string>& used) {
    const pg::TableName name{type.target, object.schema, object.name};
    if (Result<pg::TableName> read = pg::ParseTableName(name.ToString()); !read) {
      if (!pg::ParseTableName(type.target + "/a.b"))
        return Fail(Code::kInvalidArgument, "bad-target-name",
                    fmt::format("the database `{}` cannot give its name to a target", EscapeControl(type.database)),
                    fmt::format("say which target it is: --as '{}=NAME'", EscapeControl(type.database)));
      Note("unnameable", account.name, fmt::format("{} has a name that no catalog can say", object.ToString()));
      return {};
    }
    if (!task::CheckEntityId({"Postgres::Table", name.ToString()})) {
      Note("unnameable", account.name, fmt::format("{} has a name that no catalog can say", object.ToString()));
      return {};
    }
    for (std::string_view privilege : kPrivileges) {
      if (used.contains(std::string(privilege))) {
        type.permissions.push_back({"", std::string(privilege), object, name.ToString(), false, {}});
        if (privilege == "INSERT") Sequences(account, type.permissions.back());
        continue;
      }
      const bool hides = std::ranges::any_of(used, [&](const std::string& one) { return MayHide(one, privilege, report_.server_version); });
      if (!hides || !Holds(report_, account, object, privilege)) continue;
      if (options_.hidden.contains(std::string(privilege))) {
        type.permissions.push_back({"", std::string(privilege), object, name.ToString(), true, {}});
      } else {
        Note("hidden-use", account.name,
             fmt::format("{} on {} in {} is held, and may stand behind its {}: pgaudit writes down one privilege of a statement{}", privilege,
                         object.ToString(), object.database, Join({used.begin(), used.end()}, ", "),
                         privilege == "DELETE" ? ", and a MERGE may delete too" : ""));
      }
    }
    return {};
  }

  // What the INSERT draws on comes with it, or does not: then it fails as a task, where it leaves the column out.
  void Sequences(const AccountReport& account, ProposedPermission& insert) {
    const Draws draws = DrawsOf(report_, account, insert.object);
    for (const DrawnDefault* one : draws.own) insert.sequences.push_back(one->sequence.schema + "." + one->sequence.name);
    for (const auto* all : {&draws.lacking, &draws.unknown})
      for (const DrawnDefault* one : *all)
        Note("not-expressible", account.name,
             fmt::format(
                 "INSERT on {} in {}: column {} takes its default from {}, and no task is given that: one that leaves the column out is refused; "
                 "make it the column's own (ALTER SEQUENCE … OWNED BY), or an identity column",
                 insert.object.ToString(), insert.object.database, one->column,
                 one->sequence.name.empty() ? "a sequence that it names by a text" : one->sequence.ToString() + ", which is not its own"));
  }

  // What may be done with sequences, and may have been: the log does not show it. Said once for each that no INSERT of the type brings.
  void UnseenSequences(const AccountReport& account, const ProposedType& type) {
    std::map<Object, std::set<std::string>> held;
    for (const Held& one : account.held)
      if (one.holding.object.kind == ObjectKind::kSequence && one.holding.object.database == type.database && one.holding.path.via != Via::kFuture &&
          one.holding.privilege != "OWN")
        held[one.holding.object].insert(one.holding.privilege);
    for (const ProposedPermission& one : type.permissions)
      for (const DrawnDefault& drawn : report_.drawn)
        if (one.privilege == "INSERT" && drawn.table == one.object && drawn.own) held[drawn.sequence].erase("USAGE");
    for (const auto& [sequence, privileges] : held)
      if (!privileges.empty())
        Note("hidden-use", account.name,
             fmt::format("{} on {} in {} is held, and the log does not show whether it is used: no target can grant it to a task",
                         Join({privileges.begin(), privileges.end()}, ", "), sequence.ToString(), sequence.database));
  }

  static bool Grantable(const Object& object, std::string_view privilege) {
    return object.kind == ObjectKind::kTable && std::ranges::find(kPrivileges, privilege) != kPrivileges.end();
  }

  static Duration LongestIn(const AccountReport& account, const std::string& database) {
    for (const auto& [name, sessions] : account.sessions)
      if (name == database) return sessions.longest;
    return {};
  }

  std::string Unique(const std::string& name) {
    std::string unique = name;
    for (int i = 2; !names_.insert(TypeFrom(unique)).second; ++i) unique = fmt::format("{}-{}", name, i);
    return unique;
  }

  void Note(std::string_view reason, const std::string& account, std::string message, std::uint64_t count = 1) {
    proposal_.findings.push_back({std::string(reason), account, std::move(message), "", count});
  }

  const ScanReport& report_;
  const ProposeOptions& options_;
  Proposal proposal_;
  UseIndex uses_;
  std::set<std::string> names_{std::string(kAccountType), "Bool", "Boolean", "Long", "String", "Set", "Record", "Entity", "Extension"};
};

}  // namespace

Result<Proposal> Propose(const ScanReport& report, const ProposeOptions& options) { return Proposer(report, options).Take(); }

}  // namespace remit::posture
