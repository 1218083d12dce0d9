// Who may what: the built-in verbs on tasks, asked of the catalog in force.
#include "broker/core.h"

namespace remit::broker {

task::Decision Broker::Impl::AskVerb(const Caller& by, std::string_view verb, const cedar::Entity& task_entity, std::uint32_t approved) {
  task::Decision denied;
  denied.reason = "no-permit";
  bool somebody = by.Is(Caller::Kind::kActor) || by.Is(Caller::Kind::kPerson);
  if (!somebody || !current) return denied;
  cedar::OverlayEntities view(facts->entities);
  view.Add(std::make_shared<const cedar::Entity>(task_entity));
  cedar::Request request{by.uid, {"Remit::Action", std::string(verb)}, task_entity.uid};
  return task::Decide(*current, request, view, [](const std::string&) { return 0u; }, [approved](const std::string&) { return approved; });
}

bool Broker::Impl::MayView(const Caller& by, LiveTask& live) {
  if (by.Is(Caller::Kind::kOperator)) return true;
  if (by.Is(Caller::Kind::kTask) || by.Is(Caller::Kind::kHolder)) return by.task == live.id();
  if (by.Is(Caller::Kind::kNobody)) return false;
  const task::TaskRecord& record = live.record();
  if (by.uid == record.actor) return true;
  std::shared_ptr<const cedar::Entity> entity = current ? MakeEntity(record, *current) : nullptr;
  return entity && AskVerb(by, "view", *entity).verdict == task::Decision::Verdict::kAllow;
}

bool Broker::Impl::MayViewEnded(const Caller& by, const task::TaskRecord& record) {
  LiveTask ended(record);
  return MayView(by, ended);
}

}  // namespace remit::broker
