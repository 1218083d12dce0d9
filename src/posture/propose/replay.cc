#include "posture/propose/replay.h"

#include <algorithm>

#include <fmt/format.h>

#include "pg/name.h"
#include "posture/propose/draws.h"
#include "task/builtin_schema.h"
#include "task/decision.h"
#include "task/implied_entities.h"
#include "task/moment.h"

namespace remit::posture {
namespace {

constexpr std::string_view kReplayTask = "tsk_00000000000000000000000000";

std::string Lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// What Remit says of the moment of a start. What is proposed asks nothing of it, so any will do.
cedar::Value AtSomeMoment(const task::Catalog& catalog, const cedar::EntityUid& verb) {
  cedar::Record context;
  const cedar::ActionType* action = catalog.schema().FindAction(verb);
  if (action == nullptr) return cedar::Value::FromRecord({});
  task::FillMoment(*action->context, nullptr, Time{}, context);
  if (action->context->attributes.contains("open_reviews")) context["open_reviews"] = 0;
  return cedar::Value::FromRecord(std::move(context));
}

}  // namespace

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAllowed: return "allowed";
    case Verdict::kPublic: return "public";
    case Verdict::kOthers: return "others-rights";
    case Verdict::kRefused: return "refused";
    case Verdict::kUnclear: return "unclear";
  }
  return "";
}

std::uint64_t ReplayReport::Count(Verdict verdict) const {
  std::uint64_t count = 0;
  for (const ReplayedUse& use : uses)
    if (use.verdict == verdict) count += use.count;
  return count;
}

Replay::Replay(const Inventory& inventory, const ScanReport& scan, const Proposal& proposal, const task::Catalog& catalog,
               const cedar::EntityView& facts)
    : scan_(scan), catalog_(catalog), facts_(facts), index_(inventory) {
  for (const ProposedType& type : proposal.types) {
    Type& one = types_[{type.account, type.database}];
    one.proposed = &type;
    one.report.name = type.name;
    one.report.account = type.account;
    one.report.database = type.database;
  }
}

// A task that names the one table: may the account start it, and may it do this? What else it names changes neither.
bool Replay::Allows(const ProposedType& proposed, const Object& table, const std::string& privilege) const {
  const task::TaskType* type = catalog_.FindType(proposed.name);
  if (type == nullptr) return false;
  const std::string resource = pg::TableName{proposed.target, table.schema, table.name}.ToString();
  task::TaskRecord record;
  record.id = kReplayTask;
  record.ttl = type->ttl;
  record.actor = {std::string(kAccountType), proposed.account};
  Result<cedar::Record> bound = task::BindParameters(catalog_, *type, json::Object{{"tables", json::Array{json::Value(resource)}}}, facts_);
  if (!bound) return false;
  record.parameters = cedar::Value::FromRecord(std::move(*bound)).ToJson();
  cedar::OverlayEntities view(facts_);
  view.Add(std::make_shared<const cedar::Entity>(task::TaskEntity(*type, record, catalog_.schema())));
  const task::ImpliedEntities entities(view, catalog_.schema());
  const cedar::EntityUid task{type->entity_type, record.id}, start{std::string(task::kVerbType), "start"};
  auto decide = [&](const cedar::Request& request) {
    auto none = [](const std::string&) { return std::uint32_t{0}; };
    return task::Decide(catalog_, request, entities, none, none).verdict == task::Decision::Verdict::kAllow;
  };
  return decide({.principal = record.actor, .action = start, .resource = task, .context = AtSomeMoment(catalog_, start)}) &&
         decide({.principal = task, .action = {"Postgres::Action", Lower(privilege)}, .resource = {"Postgres::Table", resource}});
}

// Whether the INSERT left a column to its default the log does not say: where it may have, it is not called allowed.
Verdict Replay::Inserted(const NamedUse& use, const Object& table) const {
  for (const AccountReport& account : scan_.accounts) {
    if (account.name != use.account) continue;
    const Draws draws = DrawsOf(scan_, account, table);
    if (!draws.lacking.empty()) return Verdict::kRefused;
    if (!draws.unknown.empty()) return Verdict::kUnclear;
  }
  return Verdict::kAllowed;
}

Verdict Replay::Judge(const NamedUse& use, const ProposedType& type) const {
  using enum ObjectKind;
  const bool function = use.privilege == "EXECUTE";
  const std::vector<Object> found =
      index_.Find(use.database, use.name.schema, use.name.name,
                  function ? std::vector<ObjectKind>{kFunction} : std::vector<ObjectKind>{kTable, kView, kForeignTable, kSequence});
  if (found.empty()) return use.name.schema == "pg_catalog" || use.name.schema == "information_schema" ? Verdict::kPublic : Verdict::kUnclear;
  if (found.size() > 1) return Verdict::kUnclear;
  const Object& object = found.front();
  if (object.kind == kTable && Allows(type, object, use.privilege)) return use.privilege == "INSERT" ? Inserted(use, object) : Verdict::kAllowed;
  for (const Held& held : scan_.everyone)
    if (held.holding.object == object && held.holding.privilege == use.privilege && held.holding.path.via != Via::kFuture) return Verdict::kPublic;
  for (const AccountReport& account : scan_.accounts)
    if (account.name == use.account)
      for (const Use& one : account.uses)
        if (one.object == object && one.privilege == use.privilege) return one.held.empty() ? Verdict::kOthers : Verdict::kRefused;
  return Verdict::kUnclear;
}

Verdict Replay::Of(const NamedUse& use, const ProposedType& type) {
  std::string key;
  for (const std::string& part : {use.account, use.database, use.privilege, use.name.schema, use.name.name}) key += part + '\0';
  auto known = known_.find(key);
  if (known == known_.end()) known = known_.emplace(std::move(key), Judge(use, type)).first;
  return known->second;
}

void Replay::Session(const SessionSeen& session) {
  auto it = types_.find({session.account, session.database});
  if (it == types_.end() || session.uses.empty()) return;
  Type& type = it->second;
  bool whole = true;
  for (const NamedUse* use : session.uses) {
    const Verdict verdict = Of(*use, *type.proposed);
    whole = whole && verdict != Verdict::kRefused && verdict != Verdict::kUnclear;
  }
  ++(whole ? type.report.whole : type.report.cut);
  const Duration lasted = session.last - session.start;
  const Duration life = type.proposed->life;
  type.report.tasks += static_cast<std::uint64_t>(std::max<std::int64_t>(1, (lasted + life - Duration(1)) / life));
  std::uint64_t& day = type.days[std::chrono::floor<std::chrono::days>(session.start).time_since_epoch().count()];
  type.report.most_a_day = std::max(type.report.most_a_day, ++day);
}

ReplayReport Replay::Finish(const UsageReport& usage) {
  ReplayReport report;
  for (const NamedUse& use : usage.uses) {
    auto it = types_.find({use.account, use.database});
    if (it == types_.end()) continue;
    std::string object = use.name.schema + "." + use.name.name;
    report.uses.push_back({use.account, use.database, use.privilege, std::move(object), Of(use, *it->second.proposed), use.count, use.sessions});
  }
  for (auto& [key, type] : types_) report.types.push_back(type.report);
  return report;
}

}  // namespace remit::posture
