// Who may change the server itself: decided by the catalog in force, as everything is. The operator (the server's own uid, root) is there
// for the first set-up, which is over as soon as a registered person could load a catalog; from then on the operator makes sign-in links,
// reads, and takes away (revokes, bars, offboards), and gives nothing.
#include <set>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "broker/core.h"
#include "task/builtin_schema.h"

namespace remit::broker {

using Kind = Caller::Kind;
using Verdict = task::Decision::Verdict;

namespace {

task::Decision Ask(const task::Catalog& catalog, const FactSet& facts, const cedar::EntityUid& who, std::string_view verb,
                   const cedar::EntityUid& resource, std::uint32_t approved, std::uint32_t uses = task::kUncounted) {
  const cedar::Request request{who, {std::string(task::kVerbType), std::string(verb)}, resource, cedar::Value::FromRecord({})};
  return task::Decide(
      catalog, request, facts.entities, [uses](const std::string&) { return uses; }, [approved](const std::string&) { return approved; });
}

cedar::EntityUid TheServer() { return {std::string(task::kServerType), std::string(task::kServerId)}; }

constexpr std::uint32_t kEverybody = std::numeric_limits<std::uint32_t>::max();

}  // namespace

task::Decision Administration::AskServer(const cedar::EntityUid& who, std::string_view verb, std::uint32_t approved) {
  if (!core_.current) return {};
  return Ask(*core_.current, *core_.facts, who, verb, TheServer(), approved);
}

// Whether some person could load a catalog, alone or with the yes of others who are there, if this were in force.
bool Administration::SomebodyMayLoad(const task::Catalog& catalog, const FactSet& known, const cedar::EntityUid* without, std::uint32_t uses) const {
  std::vector<cedar::EntityUid> there, approvers;
  for (const auto& [uid, person] : core_.registry.people)
    if (!person.barred && catalog.IsPerson(uid.type) && (without == nullptr || uid != *without)) there.push_back(uid);
  bool asked = false;
  for (const cedar::EntityUid& uid : there) {
    const task::Decision alone = Ask(catalog, known, uid, "catalog.load", TheServer(), 0, uses);
    if (alone.verdict == Verdict::kAllow) return true;
    if (alone.verdict != Verdict::kNeedsApproval) continue;
    if (!std::exchange(asked, true))
      for (const cedar::EntityUid& other : there)
        if (Ask(catalog, known, other, "approve", TheServer(), 0, uses).verdict == Verdict::kAllow) approvers.push_back(other);
    const task::Decision with_all = Ask(catalog, known, uid, "catalog.load", TheServer(), kEverybody, uses);
    const std::size_t others = approvers.size() - static_cast<std::size_t>(std::ranges::count(approvers, uid));
    if (with_all.verdict == Verdict::kAllow && others >= ApprovalsNeeded(with_all)) return true;
  }
  return false;
}

bool Administration::SetUpIsOpen() const { return !core_.current || !SomebodyMayLoad(*core_.current, *core_.facts, nullptr); }

std::vector<std::string> Administration::LockedBy() const {
  if (!SetUpIsOpen() || !core_.current || !SomebodyMayLoad(*core_.current, *core_.facts, nullptr, 0)) return {};
  std::set<std::string> policies;  // what denies, to a person or to one whose yes is needed, what was still to be had with no use counted
  for (const auto& [uid, person] : core_.registry.people)
    for (const std::string_view verb : {"catalog.load", "approve"}) {
      const auto ask = [&, &uid = uid](std::uint32_t uses) { return Ask(*core_.current, *core_.facts, uid, verb, TheServer(), kEverybody, uses); };
      const task::Decision now = ask(task::kUncounted);
      if (!person.barred && now.verdict == Verdict::kDeny && ask(0).verdict == Verdict::kAllow)
        policies.insert(now.policies.begin(), now.policies.end());
    }
  return {policies.begin(), policies.end()};
}

Status Administration::KeepsAnAdministrator(const task::Catalog& catalog, const FactSet& known, const cedar::EntityUid* without) const {
  // Who is barred while a change is on its way into the store may be needed by what it makes true.
  const bool coming = without != nullptr && coming_catalog_;
  if (SetUpIsOpen() || (SomebodyMayLoad(catalog, known, without) && (!coming || SomebodyMayLoad(*coming_catalog_, *coming_facts_, without))))
    return {};
  return Fail(Code::kFailedPrecondition, "locks-everybody-out", "after this nobody could load a catalog any more",
              "a catalog is loaded whole: name the folder that says who administers, too, or let somebody else load catalogs first; "
              "a load that is meant to hand administration back to the operator has --allow-lock-out");
}

void Administration::Expect(std::shared_ptr<const task::Catalog> catalog, std::shared_ptr<const FactSet> known) {
  coming_catalog_ = std::move(catalog);
  coming_facts_ = std::move(known);
}

Result<std::uint32_t> Administration::Authorise(const AdminCall& call) {
  const Caller& by = call.by;
  auto denied = [&](const std::string& why, const std::string& hint) {
    return Fail(Code::kPermissionDenied, "administration-denied", fmt::format("{} may not `{}`: {}", by.uid.ToString(), call.verb, why), hint);
  };
  if (by.Is(Kind::kOperator)) {
    if (call.effect == AdminEffect::kTakesAway || by.uid.id == kInProcess || SetUpIsOpen()) return 0;
    return Fail(Code::kPermissionDenied, "set-up-is-over", fmt::format("the operator does not `{}`: the catalog in force says who does", call.verb),
                "sign in as somebody who may: `remit person link`, then `remit sign-in`");
  }
  const bool person = by.Is(Kind::kPerson);
  if (!person && !by.Is(Kind::kActor))
    return Fail(Code::kPermissionDenied, "administration-denied", "administering is for a person in a session of their own, or an actor",
                "sign in: `remit sign-in`");
  const auto somebody = core_.registry.people.find(by.uid);
  const auto actor = core_.registry.actors.find(by.uid);
  if (person ? somebody == core_.registry.people.end() || somebody->second.barred : actor == core_.registry.actors.end() || actor->second.barred)
    return denied("barred, or not registered", "");
  // An actor's session is always recent. What waited for its yeses was asked in a recent session.
  if (person && !call.approved && core_.Now() - by.signed_in > limits::kApprovalSession)
    return Fail(Code::kUnauthenticated, "session-too-old",
                fmt::format("administering needs a session that is younger than {}", FormatDuration(limits::kApprovalSession)), "sign in again");
  if (!core_.current) return denied("no catalog is in force", "the operator loads the first one");
  // Somebody may have denied it, or made it, since it was taken up.
  if (call.approved && !core_.change_requests.waiting.contains(call.approved->id))
    return Fail(Code::kNotFound, "unknown-approval", fmt::format("request `{}` does not wait any more", call.approved->id));
  if (call.approved && call.approved->base != core_.current->hash())
    return Fail(Code::kConflict, "request-changed", "another catalog came into force since this was asked", "ask again");
  const std::uint32_t given = call.approved ? core_.change_requests.StandingYes(*call.approved) : 0;
  std::vector<cedar::EntityUid> resources;
  for (const std::string& id : call.on) resources.push_back({std::string(task::kEntityTypeType), id});
  if (resources.empty()) resources.push_back(TheServer());
  std::uint32_t needed = 0;
  for (const cedar::EntityUid& resource : resources) {
    const task::Decision now = Ask(*core_.current, *core_.facts, by.uid, call.verb, resource, given);
    // A yes is asked for what gives. What only takes away never waits for one.
    if (now.verdict == Verdict::kAllow || (now.verdict == Verdict::kNeedsApproval && call.effect == AdminEffect::kTakesAway)) continue;
    const std::string on = call.on.empty() ? "" : fmt::format(" for `{}`", resource.id);
    if (now.verdict == Verdict::kDeny)
      return denied((now.reason == "no-permit" ? "no policy permits it" : now.reason) + on +
                        (now.policies.empty() ? "" : " (" + Join(now.policies, ", ") + ")"),
                    "the policies on Remit::Server say who may");
    needed = std::max(needed, ApprovalsNeeded(Ask(*core_.current, *core_.facts, by.uid, call.verb, resource, kEverybody)));
  }
  if (needed > 0 && call.approved)
    return Fail(Code::kFailedPrecondition, "not-approved", fmt::format("`{}` needs {} approvals, {} stand", call.verb, needed, given));
  return needed;
}

Status Broker::MayAdminister(const Caller& by, const std::string& verb) const {
  return core_->Locked([&]() -> Status {
    REMIT_ASSIGN(const std::uint32_t needed, core_->administration.Authorise({by, verb, {}, AdminEffect::kGives, nullptr}));
    if (needed == 0) return {};
    return Fail(Code::kFailedPrecondition, "needs-approval",
                fmt::format("`{}` needs the approval of {} others, and cannot wait for it", verb, needed),
                "an `@unless_approved` on a verb that is done at once: `remit catalog check` names it; take it out of the catalog");
  });
}

// A sweep ends what carries this installation's mark and is not alive here: it only takes away.
Status Broker::MaySweep(const Caller& by) const {
  return core_->Locked([&]() -> Status {
    REMIT_TRY(core_->administration.Authorise({by, "sweep.adopt", {}, AdminEffect::kTakesAway, nullptr}));
    return {};
  });
}

Status Broker::MayReadServer(const Caller& by) const {
  return core_->Locked([&]() -> Status {
    if (by.Is(Kind::kOperator)) return {};
    if ((by.Is(Kind::kPerson) || by.Is(Kind::kActor)) && core_->administration.AskServer(by.uid, "view").verdict == Verdict::kAllow) return {};
    return Fail(Code::kPermissionDenied, "administration-denied", "this is for the operator, and for whom a policy permits `view` on Remit::Server");
  });
}

std::vector<std::string> Broker::LockedBy() const {
  return core_->Locked([&] { return core_->administration.LockedBy(); });
}

bool Broker::SetUpIsOpen() const {
  return core_->Locked([&] { return core_->administration.SetUpIsOpen(); });
}

}  // namespace remit::broker
