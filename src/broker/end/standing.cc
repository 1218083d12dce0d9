// Standing access, as far as the broker has to do with it: which accounts at targets are an actor's, who is told to take them away when it is
// offboarded, and what people did at servers that Remit does not see. The taking away itself is done by a hook.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "broker/core.h"
#include "broker/end/offboarding.h"

namespace remit::broker {

using Kind = Caller::Kind;

namespace {

constexpr std::size_t kAccounts = 100;      // of one actor: more than a person reads through before saying yes
constexpr std::size_t kAccountBytes = 512;  // a target's name and a role's, which has at most 63 at PostgreSQL

// "TARGET/ROLE": the target's name has no slash, the role's may.
std::string_view TargetOf(std::string_view account) { return account.substr(0, account.find('/')); }

}  // namespace

Status StandingAccess::CheckAccounts(const ActorRecord& actor) const {
  if (!actor.accounts) return {};
  const auto bad = [](std::string why, std::string hint) { return Fail(Code::kInvalidArgument, "bad-account", std::move(why), std::move(hint)); };
  if (actor.accounts->size() > kAccounts) return bad(fmt::format("at most {} accounts are one actor's", kAccounts), "");
  std::set<std::string> seen;
  const auto before = core_.registry.actors.find(actor.uid);
  for (const std::string& account : *actor.accounts) {
    const std::string_view target = TargetOf(account);
    if (target.empty() || target.size() + 1 >= account.size() || account.size() > kAccountBytes || account.find('\0') != std::string::npos)
      return bad(fmt::format("`{}` is not an account", EscapeControl(account)), "write TARGET/ROLE, the target's name as in remit.toml");
    if (!seen.insert(account).second) return bad(fmt::format("`{}` is named twice", EscapeControl(account)), "");
    // A name that is wrong would be looked for nowhere. What was registered before may be at a target that is gone since: it stays named.
    const bool known = before != core_.registry.actors.end() && before->second.accounts && std::ranges::count(*before->second.accounts, account) > 0;
    if (!known && core_.credentials.FindTarget(std::string(target)) == nullptr)
      return bad(fmt::format("there is no target `{}`", EscapeControl(target)), "see the targets with `remit target list`");
  }
  return {};
}

// Under the mutex. Everything that is not looked at is open, and named.
void StandingAccess::LookAtStanding(const std::shared_ptr<Offboarding>& state) {
  const auto actor = core_.registry.actors.find(state->actor);
  if (actor == core_.registry.actors.end() || !actor->second.accounts || actor->second.accounts->empty()) return;
  StandingRequest request{state->actor, state->by, {}, {}, {}};
  const auto open = [&](const std::string& account, std::string_view reason) {
    state->open.push_back(json::Object{{"what", "account"}, {"id", account}, {"reason", reason}});
  };
  const std::string untouched = core_.offboarder.hooks().standing ? state->standing_denied : "nothing here can look at it";
  state->standing = "not looked at";
  for (const std::string& account : *actor->second.accounts) {
    // Else whoever declares accounts could have any ended by the next start, in the name of somebody who may end them, and asked for others. One that
    // was taken off meanwhile is not among these any more (Offboarder::TakeOff): declared again, it may be another role.
    const bool asked = std::ranges::count(state->accounts, account) > 0;
    if (!untouched.empty()) {
      open(account, untouched);
    } else if (!asked) {
      open(account, "it was declared after this offboarding began: offboard again");
    } else if (const auto declaration = DeclarationOf(account); !declaration) {
      open(account, "who declares it is about to change: offboard again");
    } else {
      request.accounts.push_back(account);
      request.declarations[account] = *declaration;
    }
  }
  if (request.accounts.empty()) return;
  for (const auto& [uid, other] : core_.registry.actors)
    if (uid != state->actor && !other.barred && other.accounts)
      for (const std::string& account : *other.accounts) request.others.emplace(account, uid.ToString());
  state->standing = "looked at";
  ++state->pending;
  core_.Later([this, state, request = std::move(request), look = core_.offboarder.hooks().standing] {
    look(request, [this, state](Result<json::Array> found) {
      core_.Locked([&] {
        if (!found) state->open.push_back(json::Object{{"what", "standing-access"}, {"reason", found.error().message}});
        if (found)
          for (json::Value& one : *found) {
            const json::Value* ended = one.Find("ended");
            (ended != nullptr && ended->IsBool() && ended->AsBool() ? state->ended : state->open).push_back(std::move(one));
          }
        core_.offboarder.Arrived(state);
      });
    });
  });
}

// --- what people do at servers that Remit does not see -----------------------------------------------------------------------------------------

void Broker::RecordReplacement(const Caller& by, const Replacement& replacement, Answer<json::Value> answer) {
  static constexpr std::string_view kPhases[] = {"replace.begun", "replace.done", "replace.failed"};
  Core& core = *core_;
  core.Locked([&] {
    const auto refuse = core.Refusing(answer);
    const bool takes_away = replacement.step == Replacement::Step::kApply;
    Result<std::uint32_t> needed =
        core.administration.Authorise({by, "replace.apply", {}, takes_away ? AdminEffect::kTakesAway : AdminEffect::kGives, nullptr});
    if (!needed) return refuse(std::move(needed.error()));
    if (*needed > 0)
      return refuse(Error(Code::kFailedPrecondition, "needs-approval",
                          fmt::format("giving access back needs the approval of {} others, and cannot wait for it here", *needed)));
    json::Object event = Core::Event(kPhases[static_cast<std::size_t>(replacement.phase)], core.Stamp());
    event.Set("step", takes_away ? "apply" : "rollback");
    event.Set("by", by.uid.ToString());
    event.Set("account", replacement.account);
    event.Set("account_oid", replacement.account_oid);
    event.Set("system", replacement.system);
    event.Set("plan", replacement.plan);
    for (const auto& [name, value] : replacement.result) event.Set(name, value);
    store::Batch batch;
    batch.must_fit = takes_away;
    core.AddEvents(batch, {std::move(event)});
    core.Commit(std::move(batch), [&core, answer](const auto& committed) {
      if (!committed) return core.Refuse(answer, committed.error());
      core.Later([answer, index = committed->first_event] { answer(json::Value(json::Object{{"index", index}})); });
    });
  });
}

}  // namespace remit::broker
