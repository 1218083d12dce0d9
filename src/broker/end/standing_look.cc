// Which roles the accounts are that actors declared: looked at when they are declared, and again until it is noted. Nothing here waits for a target:
// a declaration is committed before anybody looks, and who asked hears after a while what is not known yet.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "broker/account_note.h"
#include "broker/core.h"
#include "json/read.h"

namespace remit::broker {

namespace {

constexpr std::chrono::seconds kLookWait{5};  // whoever declares accounts hears after this time what became of the look

// What is said of an account that nobody has seen in time; of one that was noted before, also as which role: no other is taken for it.
json::Object NotYet(store::Store& store, const std::string& account) {
  json::Object line{{"account", account}, {"reason", fmt::format("nobody has seen it after {} seconds", kLookWait.count())}};
  const auto row = store.Get(store::Table::kMeta, AccountNoteKey(account));
  if (!row) line.Set("reason", "what is noted of it cannot be read: " + row.error().message);
  if (!row || !*row) return line;
  const Result<json::Value> note = json::Parse(**row);
  const std::string *oid = note ? note->FindString("oid") : nullptr, *system = note ? note->FindString("system") : nullptr;
  if (oid == nullptr || system == nullptr) {
    line.Set("reason", "what is noted of it cannot be read");
    return line;
  }
  line.Set("noted", true);
  line.Set("oid", *oid);
  line.Set("system", *system);
  return line;
}

}  // namespace

// One look that somebody waits for.
struct StandingAccess::Look {
  io::TimerId timer = 0;
  Answer<json::Array> answer;  // empty once it was given
};

void StandingAccess::See(std::vector<std::string> accounts, bool all, Answer<json::Array> answer) {
  const auto see = core_.offboarder.hooks().see_accounts;
  if (!see || accounts.empty()) return core_.Later([answer = std::move(answer)] { answer(json::Array()); });
  auto look = std::make_shared<Look>();
  look->answer = std::move(answer);
  const auto tell = [this, look](Result<json::Array> seen) {
    core_.Locked([&] {
      if (!look->answer) return;
      core_.parts.timers.Cancel(look->timer);
      core_.Later([answer = std::exchange(look->answer, nullptr), seen = std::move(seen)] { answer(seen); });
    });
  };
  look->timer = core_.parts.timers.At(core_.Now() + kLookWait, [this, tell, accounts, all]() -> void {
    json::Array seen;
    if (all)
      for (const std::string& account : accounts) seen.push_back(NotYet(core_.parts.store, account));
    if (all) return tell(std::move(seen));
    tell(Fail(Code::kUnavailable, "accounts-unseen", fmt::format("nobody has seen them after {} seconds", kLookWait.count())));
  });
  core_.Later([see, accounts = std::move(accounts), all, tell] { see(accounts, all, tell); });
}

Answer<json::Value> StandingAccess::ThenSee(std::vector<std::string> accounts, Answer<json::Value> answer) {
  return [this, accounts = std::move(accounts), answer = std::move(answer)](Result<json::Value> changed) {
    if (!changed) return answer(std::move(changed));
    core_.Locked([&] {
      See(accounts, true, [answer, changed = std::move(*changed)](Result<json::Array> seen) mutable {
        if (seen && !seen->empty()) changed.AsObject().Set("accounts_seen", *std::move(seen));
        answer(std::move(changed));
      });
    });
  };
}

std::vector<std::string> StandingAccess::Declared() const {
  std::set<std::string> all;
  for (const auto& [uid, actor] : core_.registry.actors)
    if (actor.accounts) all.insert(actor.accounts->begin(), actor.accounts->end());
  return {all.begin(), all.end()};
}

void StandingAccess::LookForTheUnknown() {
  const auto see = core_.offboarder.hooks().see_accounts;
  std::vector<std::string> declared = Declared();
  if (!see || declared.empty() || looking_) return;
  looking_ = true;
  core_.Later([this, see, declared = std::move(declared)] {
    see(declared, false, [this](const json::Array&) { core_.Locked([this] { looking_ = false; }); });
  });
}

// What was noted of an account belongs to its declaration: who declares it anew, after nobody had it, declares what has the name now.
std::vector<store::Write> StandingAccess::NotesThatGo(const ActorRecord& after) const {
  std::set<std::string> others, before, now;
  for (const auto& [uid, actor] : core_.registry.actors)
    if (actor.accounts) (uid == after.uid ? before : others).insert(actor.accounts->begin(), actor.accounts->end());
  if (after.accounts) now.insert(after.accounts->begin(), after.accounts->end());
  std::vector<store::Write> writes;
  for (const auto* from : {&before, &now})
    for (const std::string& account : *from)
      if (!(before.contains(account) && now.contains(account)) && !others.contains(account))
        writes.push_back({store::Table::kMeta, AccountNoteKey(account), std::nullopt});
  return writes;
}

std::optional<std::uint64_t> StandingAccess::DeclarationOf(const std::string& account) const {
  const auto has = [&](const auto& entry) { return entry.second.accounts && std::ranges::count(*entry.second.accounts, account) > 0; };
  if (std::ranges::none_of(core_.registry.actors, has)) return std::nullopt;
  const auto moved = declarations_.find(account);
  if (moved == declarations_.end()) return 0;
  return moved->second.on_their_way > 0 ? std::nullopt : std::optional(moved->second.number);
}

std::vector<std::string> StandingAccess::Move(const ActorRecord& after) {
  const auto before = core_.registry.actors.find(after.uid);
  std::vector<std::string> had, has, moving;
  if (before != core_.registry.actors.end()) had = before->second.accounts.value_or(had);
  has = after.accounts.value_or(has);
  std::ranges::sort(had);
  std::ranges::sort(has);
  std::ranges::set_symmetric_difference(had, has, std::back_inserter(moving));
  for (const std::string& account : moving) {
    Declaration& declaration = declarations_[account];
    ++declaration.number;
    ++declaration.on_their_way;
  }
  return moving;
}

void StandingAccess::Moved(const std::vector<std::string>& accounts) {
  for (const std::string& account : accounts) --declarations_[account].on_their_way;
}

std::optional<std::uint64_t> Broker::DeclarationOf(const std::string& account) const {
  return core_->Locked([&] { return core_->standing_access.DeclarationOf(account); });
}

void Broker::SeeAccounts(std::vector<std::string> accounts, Answer<json::Array> answer) {
  core_->Locked([&] { core_->standing_access.See(std::move(accounts), true, std::move(answer)); });
}

void Broker::SeeUnknownAccounts(Answer<json::Array> answer) {
  core_->Locked([&] { core_->standing_access.See(core_->standing_access.Declared(), false, std::move(answer)); });
}

}  // namespace remit::broker
