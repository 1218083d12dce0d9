// Who may what: the built-in verbs on tasks, asked of the catalog in force.
#include <algorithm>

#include <fmt/format.h>

#include "broker/core.h"
#include "task/moment.h"

namespace remit::broker {

// What Remit says of the moment, and of who asks, where the verb declares it.
cedar::Value WhoMay::VerbContext(const Caller& by, const cedar::EntityUid& verb, const cedar::EntityUid& task, Time at) const {
  cedar::Record context;
  const cedar::ActionType* action = core_.current->schema().FindAction(verb);
  if (action == nullptr) return cedar::Value::FromRecord({});
  const task::TaskType* type = core_.current->FindType(task.type);
  task::FillMoment(*action->context, type == nullptr ? nullptr : type->timezone.get(), at, context);
  if (action->context->attributes.contains("open_reviews"))
    context["open_reviews"] = static_cast<std::int64_t>(core_.break_glass.OpenReviewsOf(by.uid));
  return cedar::Value::FromRecord(std::move(context));
}

task::Decision WhoMay::AskVerb(const Caller& by, std::string_view verb, const cedar::Entity& task_entity, std::uint32_t approved,
                               std::optional<Time> at, const std::map<std::string, std::uint32_t>* uses) {
  task::Decision denied;
  denied.reason = "no-permit";
  bool somebody = by.Is(Caller::Kind::kActor) || by.Is(Caller::Kind::kPerson);
  if (!somebody || !core_.current) return denied;
  cedar::OverlayEntities view(core_.facts->entities);
  core_.trees.AddParents(view, task_entity);
  view.Add(std::make_shared<const cedar::Entity>(task_entity));
  cedar::Request request{by.uid, {"Remit::Action", std::string(verb)}, task_entity.uid, {}};
  request.context = VerbContext(by, request.action, request.resource, at.value_or(core_.Now()));
  // A start is the first use of all. What counts no uses lifts no forbid that counts them.
  const std::uint32_t uncounted = verb == "start" ? 0 : task::kUncounted;
  auto used = [uses, uncounted](const std::string& policy) {
    if (uses == nullptr) return uncounted;
    auto found = uses->find(policy);
    return found == uses->end() ? 0u : found->second;
  };
  return task::Decide(*core_.current, request, view, used, [approved](const std::string&) { return approved; });
}

Status WhoMay::MayChange(const Caller& by, std::string_view verb, std::string_view denied, LiveTask& live) {
  std::shared_ptr<const cedar::Entity> entity = core_.current ? core_.MakeEntity(live.record(), *core_.current) : nullptr;
  if (entity && AskVerb(by, verb, *entity).verdict == task::Decision::Verdict::kAllow) return {};
  if (!MayView(by, live)) return NoSuchTask(live.id());
  return Fail(Code::kPermissionDenied, denied, fmt::format("you may not {} task `{}`", verb, live.id()),
              fmt::format("the catalog says who may: a permit for `Remit::Action::\"{}\"`", verb));
}

bool WhoMay::IsPersonType(const cedar::EntityUid& uid) const { return core_.current && core_.current->IsPerson(uid.type); }

Caller WhoMay::AsActor(const task::TaskRecord& record) const {
  return {.kind = IsPersonType(record.actor) ? Caller::Kind::kPerson : Caller::Kind::kActor,
          .uid = record.actor,
          .task = {},
          .signed_in = {},
          .session = {}};
}

bool WhoMay::IsBarred(const cedar::EntityUid& uid) const {
  auto actor = core_.registry.actors.find(uid);
  auto person = core_.registry.people.find(uid);
  return IsPersonType(uid) ? person == core_.registry.people.end() || person->second.barred
                           : actor == core_.registry.actors.end() || actor->second.barred;
}

const cedar::EntityUid* WhoMay::BarredOf(const task::TaskRecord& record) const {
  const auto barred = std::ranges::find_if(record.chain, [this](const cedar::EntityUid& uid) { return IsBarred(uid); });
  return barred == record.chain.end() ? nullptr : &*barred;
}

std::map<cedar::EntityUid, Time> WhoMay::OwnedBy(const cedar::EntityUid& person) const {
  std::map<cedar::EntityUid, Time> owned;
  for (const auto& [uid, actor] : core_.registry.actors) {
    if (actor.HasOwner() && *actor.owner == person)
      owned[uid] = Time::max();
    else if (const auto until = actor.was_owned_by.find(person); until != actor.was_owned_by.end())
      owned[uid] = until->second;
  }
  return owned;
}

Status WhoMay::MayJudge(const cedar::EntityUid& person, const task::TaskRecord& record, std::string_view judging) const {
  if (person == record.actor) return MayJudge(person, {person}, record.requested, judging);
  return MayJudge(person, record.chain, record.requested, judging);
}

Status WhoMay::MayJudge(const cedar::EntityUid& person, const std::vector<cedar::EntityUid>& chain, Time since, std::string_view judging) const {
  const auto own = [](std::string why) { return Fail(Code::kPermissionDenied, "own-request", std::move(why), "ask somebody else"); };
  for (const cedar::EntityUid& uid : chain) {
    if (uid == person) return own(fmt::format("who is in the request's own chain does not {} it", judging));
    const auto actor = core_.registry.actors.find(uid);
    if (actor == core_.registry.actors.end()) continue;
    if (actor->second.HasOwner() && *actor->second.owner == person)
      return own(fmt::format("{} owns {}, which is in the request's chain, and does not {} it", person.ToString(), uid.ToString(), judging));
    const auto until = actor->second.was_owned_by.find(person);
    if (until != actor->second.was_owned_by.end() && until->second >= since)
      return own(fmt::format("{} owned {} when this was asked for, or after it, and does not {} it", person.ToString(), uid.ToString(), judging));
  }
  return {};
}

bool WhoMay::MayView(const Caller& by, LiveTask& live) {
  if (by.Is(Caller::Kind::kOperator)) return true;
  if (by.Is(Caller::Kind::kTask) || by.Is(Caller::Kind::kHolder)) return by.task == live.id() || core_.trees.IsBelow(live.record(), by.task);
  if (by.Is(Caller::Kind::kNobody)) return false;
  const task::TaskRecord& record = live.record();
  if (by.uid == record.actor || std::ranges::find(record.chain, by.uid) != record.chain.end()) return true;  // also of a task that it is below
  std::shared_ptr<const cedar::Entity> entity = core_.current ? core_.MakeEntity(record, *core_.current) : nullptr;
  return entity && AskVerb(by, "view", *entity).verdict == task::Decision::Verdict::kAllow;
}

bool WhoMay::MayViewEnded(const Caller& by, const task::TaskRecord& record) {
  LiveTask ended(record);
  return MayView(by, ended);
}

bool WhoMay::Owns(const Caller& by, const task::TaskRecord& record) {
  if (by.Is(Caller::Kind::kHolder)) return by.task == record.id;
  return (by.Is(Caller::Kind::kActor) || by.Is(Caller::Kind::kPerson)) && by.uid == record.actor;
}

Error WhoMay::NotLive(const Caller& by, const std::string& id) {
  auto row = core_.parts.store.Get(store::Table::kEndedTask, id);
  if (row && *row) {
    auto record = task::TaskRecord::Decode(**row);
    if (record && (MayViewEnded(by, *record) || Owns(by, *record))) return task::NotInThatState(*record);
  }
  return NoSuchTask(id).error();
}

}  // namespace remit::broker
