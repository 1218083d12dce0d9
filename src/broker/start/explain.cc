// What tasks of a type could do and who may start them. Parameters that are given are bound, as a start would bind them; what depends on the
// others is told as the catalog states it, and `missing` names them. Of a sub-task it says what is left of it below a certain task.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "broker/core.h"
#include "broker/start/below.h"

namespace remit::broker {
namespace {

using Kind = Caller::Kind;
using Verdict = task::Decision::Verdict;

// What must still be named before the answer is exact. Nothing named at all is a question about the type, also where nothing must be.
std::vector<std::string> Missing(const task::TaskType& type, const json::Value& given) {
  std::vector<std::string> missing;
  for (const task::Parameter& parameter : type.parameters)
    if ((parameter.required || given.AsObject().empty()) && given.Find(parameter.name) == nullptr) missing.push_back(parameter.name);
  return missing;
}

// The type as it would be if nothing more had to be named.
task::TaskType AsGiven(task::TaskType type) {
  for (task::Parameter& parameter : type.parameters) parameter.required = false;
  return type;
}

// A task of that type as this actor would start it, without an id of its own.
task::TaskRecord Sample(const cedar::EntityUid& actor, const task::TaskType& type, cedar::Record parameters, Time now) {
  task::TaskRecord sample;
  sample.id = "tsk_00000000000000000000000000";
  sample.type = type.entity_type;
  sample.name = type.name;
  sample.actor = actor;
  sample.chain = {sample.actor};
  sample.requested = now;
  sample.ttl = type.ttl;
  sample.parameters = cedar::Value::FromRecord(std::move(parameters)).ToJson();
  return sample;
}

// Whether a bound permission says what the catalog states there.
bool IsBound(const json::Value& stated, const json::Array& bound) {
  const std::string *action = stated.FindString("action"), *policy = stated.FindString("policy");
  return std::ranges::any_of(bound, [&](const json::Value& one) {
    const json::Value* policies = one.Find("policies");
    return *one.FindString("action") == *action && policies != nullptr && policies->IsArray() &&
           std::ranges::any_of(policies->AsArray(), [&](const json::Value& name) { return name.AsString() == *policy; });
  });
}

// What is bound, and as stated whatever needs more than is known.
json::Array AsFarAsKnown(json::Array bound, const json::Value* stated) {
  json::Array rest;
  if (stated != nullptr)
    for (const json::Value& one : stated->AsArray())
      if (!IsBound(one, bound)) rest.push_back(one);
  for (json::Value& one : rest) bound.push_back(std::move(one));
  return bound;
}

json::Array ParametersJson(const task::TaskType& type) {
  json::Array parameters;
  for (const task::Parameter& parameter : type.parameters)
    parameters.push_back(json::Object{{"name", parameter.name}, {"type", parameter.type->ToString()}, {"required", parameter.required}});
  return parameters;
}

}  // namespace

Result<const task::TaskType*> TypeNamed(const task::Catalog& catalog, const std::string& name) {
  if (const task::TaskType* type = catalog.FindType(name)) return type;
  std::vector<std::string> names;
  for (const auto& [entity, known] : catalog.task_types()) names.push_back(known.name);
  const std::string near = Nearest(name, names);
  return Fail(Code::kNotFound, "unknown-type", fmt::format("no task type `{}`", EscapeControl(name)),
              near.empty() ? "see the types with `remit catalog show`" : fmt::format("did you mean `{}`?", near));
}

json::Object Explanations::StartVerdict(const Caller& by, const task::TaskType& type, const task::TaskRecord& sample, const cedar::Entity& entity) {
  json::Object verdict{{"allowed", false}};
  if (const Status may = CheckStarter(by, type, core_.registry.actors, core_.registry.people); !may) {
    verdict.Set("reason", may.error().reason);
    return verdict;
  }
  const task::Decision decision = core_.who_may.AskVerb(by, "start", entity, 0);
  if (decision.verdict == Verdict::kDeny) {
    verdict.Set("reason", decision.reason);
    if (!decision.policies.empty()) verdict.Set("policies", json::StringArray(decision.policies));
    return verdict;
  }
  if (const auto none = core_.budgets.FindNoRoom(sample, core_.Stamp(), true, &by)) {
    none->AddTo(verdict);
    return verdict;
  }
  const bool waits = decision.verdict == Verdict::kNeedsApproval;
  verdict.Set("allowed", true);
  verdict.Set("approvals", waits ? ApprovalsNeeded(core_.who_may.AskVerb(by, "start", entity, std::numeric_limits<std::uint32_t>::max())) : 0);
  return verdict;
}

namespace {

json::Array AcceptedBy(Core& core, const task::PermissionSet& set) {
  std::set<std::string> accepted;
  for (const task::Permission& permission : set.permissions)
    if (target::Target* target = core.credentials.OwnerOf(permission.action, permission.resource))
      for (const std::string& item : target->Accepted()) accepted.insert(target->name() + ": " + item);
  return json::StringArray(std::vector<std::string>(accepted.begin(), accepted.end()));
}

json::Object AboutType(const task::TaskType& type, const json::Value& stated) {
  json::Object answer{{"type", type.name},
                      {"entity_type", type.entity_type},
                      {"purpose", type.purpose},
                      {"ttl", FormatDuration(type.ttl)},
                      {"max_ttl", FormatDuration(type.max_ttl)},
                      {"parameters", ParametersJson(type)}};
  for (const char* name : {"may_start", "max_starts", "max_active", "trip", "break_glass", "timezone"})
    if (const json::Value* value = stated.Find(name)) answer.Set(name, *value);
  return answer;
}

// Below a task that is over nothing begins, and nothing is left.
json::Object Over(const task::TaskRecord& parent) {
  return {{"task", parent.id},
          {"type", parent.name},
          {"allowed", false},
          {"reason", "parent-not-active"},
          {"message", fmt::format("task `{}` is {}", parent.id, task::StateName(parent.state))}};
}

// A question, with what it is asked of: the catalog and facts in force when it came.
struct Question {
  const task::TaskType* type = nullptr;  // of the catalog
  std::shared_ptr<const task::Catalog> catalog;
  std::shared_ptr<const FactSet> facts;
  std::optional<task::TaskRecord> parent;
  cedar::EntityUid actor;
  json::Value given;
  std::vector<std::string> missing;
};

// The task that a start with these parameters would ask for.
Result<task::TaskRecord> SampleOf(const Question& question, bool from_text, Time now) {
  REMIT_ASSIGN(cedar::Record bound,
               task::BindParameters(*question.catalog, AsGiven(*question.type), question.given, question.facts->entities, from_text));
  task::TaskRecord sample = Sample(question.actor, *question.type, std::move(bound), now);
  sample.catalog = question.catalog->hash();
  if (!question.parent) return sample;
  sample.parent = question.parent->id;
  sample.chain = question.parent->chain;
  if (std::ranges::find(sample.chain, question.actor) == sample.chain.end()) sample.chain.push_back(question.actor);
  return sample;
}

// What is known of a sub-task while parameters are missing.
void AddUnderWithout(Core& core, const Question& question, json::Object& answer) {
  core.Locked([&] {
    LiveTask* live = core.Find(question.parent->id);
    answer.Set("under", live == nullptr || live->latched ? Over(*question.parent) : VerdictWithout(core, *live, *question.type, question.actor));
  });
}

// What is left of a sub-task below its parent, and whether it may start there. False where catalog or facts changed since the question came.
bool AddBelow(Core& core, const Caller& by, const Question& question, const task::TaskRecord& sample, const cedar::Entity& entity,
              json::Object& answer) {
  return core.Locked([&] {
    if (core.current != question.catalog || core.facts != question.facts) return false;
    LiveTask* live = core.Find(question.parent->id);
    Below below;
    if (live == nullptr || live->latched) {
      below.verdict = Over(*question.parent);
    } else {
      below = ExplainBelow(core, by, *live, *question.type, sample, entity);
    }
    answer.Set("permissions", below.remaining.ToJson());
    answer.Set("accepted", AcceptedBy(core, below.remaining));
    answer.Set("under", std::move(below.verdict));
    return true;
  });
}

// What a task could do by itself, as far as its parameters are known.
void AddPermissions(Core& core, const Question& question, const cedar::Entity& entity, const json::Value& stated, json::Object& answer) {
  cedar::OverlayEntities view(question.facts->entities);
  view.Add(std::make_shared<const cedar::Entity>(entity));
  const task::PermissionSet set = task::PermissionsOf(*question.catalog, entity, view);
  json::Value permissions = set.ToJson();
  if (!question.missing.empty()) permissions = AsFarAsKnown(permissions.AsArray(), stated.Find("permissions"));
  answer.Set("permissions", std::move(permissions));
  answer.Set("accepted", AcceptedBy(core, set));
}

}  // namespace

Result<json::Value> Broker::Explain(const Caller& by, const ExplainRequest& request) {
  if (by.Is(Kind::kNobody)) return Fail(Code::kUnauthenticated, "unauthenticated", "nobody knows who is calling");
  Question question;
  if (!request.under.empty()) {
    REMIT_ASSIGN(question.parent, core_->views.Visible(by, request.under));
  }
  Time now;
  core_->Locked([&] { question.catalog = core_->current, question.facts = core_->facts, now = core_->Now(); });
  if (!question.catalog) return Fail(Code::kFailedPrecondition, "no-catalog", "no catalog is loaded", "load one with `remit catalog load FOLDER`");
  REMIT_ASSIGN(question.type, TypeNamed(*question.catalog, request.type));
  question.given = request.parameters.IsObject() ? request.parameters : json::Value(json::Object{});
  question.missing = Missing(*question.type, question.given);
  question.actor = !question.parent ? by.uid : request.actor.type.empty() ? question.parent->actor : request.actor;
  const bool exact = question.missing.empty();
  const json::Value stated = task::ExplainType(*question.catalog, *question.type);
  json::Object answer = AboutType(*question.type, stated);
  answer.Set("missing", json::StringArray(question.missing));
  if (question.parent && !exact) AddUnderWithout(*core_, question, answer);
  if (!exact && question.given.AsObject().empty()) {
    if (const json::Value* permissions = stated.Find("permissions")) answer.Set("permissions", *permissions);
    answer.Set("accepted", json::Array{});
    return json::Value(std::move(answer));
  }
  REMIT_ASSIGN(const task::TaskRecord sample, SampleOf(question, request.from_text, now));
  const cedar::Entity entity = task::TaskEntity(*question.type, sample, question.catalog->schema());
  if (question.parent && exact) {
    if (!AddBelow(*core_, by, question, sample, entity, answer)) return Explain(by, request);
    return json::Value(std::move(answer));
  }
  AddPermissions(*core_, question, entity, stated, answer);
  // The operator and tasks start nothing: they ask for others.
  if (exact && (by.Is(Kind::kActor) || by.Is(Kind::kPerson))) {
    core_->Locked([&] {
      if (core_->current == question.catalog) answer.Set("you", core_->explanations.StartVerdict(by, *question.type, sample, entity));
    });
  }
  return json::Value(std::move(answer));
}

}  // namespace remit::broker
