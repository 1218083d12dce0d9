// All that an actor holds ends, provably: it is barred, then its tasks, credentials, sessions, keys and accounts, and a signed report says what is
// dead with which evidence and what is still open.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/administer/admin_call.h"
#include "broker/live/live_task.h"
#include "task/credential.h"

namespace remit::broker {

class Core;
struct Offboarding;

// In store::Table::kMeta, where an offboarding has begun and something of it may be open.
inline constexpr std::string_view kOffboardingPrefix = "offboarding/";
inline std::string OffboardingKey(const cedar::EntityUid& who) { return std::string(kOffboardingPrefix) + who.ToString(); }

class Offboarder {
 public:
  explicit Offboarder(Core& core) : core_(core) {}

  // Bars at once in memory, commits, then ends everything and answers with the report. Asked again, it goes on.
  // Errors: those of Administration::Authorise, `bad-reason`, `unknown-actor`, `locks-everybody-out`.
  void Start(const AdminCall& call, const cedar::EntityUid& actor, const std::string& why, Duration wait, Answer<json::Value> answer);
  // Of somebody whose bar is committed: asks for every end, waits `wait` for credentials to be dead, then reports.
  void EndAllOf(std::shared_ptr<Offboarding> state, Duration wait);
  Status Load();  // what a crash interrupted, when the broker opens. Errors: `store-corrupt`, the store's
  void TakeUp();  // once, after that: ends their tasks. The rest goes on when there are hooks
  void SetHooks(Hooks hooks);
  const Hooks& hooks() const { return hooks_; }
  void Arrived(const std::shared_ptr<Offboarding>& state);   // one of the things that are waited for is there
  json::Object StillRunning(const cedar::EntityUid& actor);  // what goes on although its actor is barred: {"tasks", "count", "credentials"}
  // For the commit that makes a barred actor this one. Accounts that it has no more are none of those that it was offboarded with: who declares one
  // again, perhaps as another role that has the name by then, has it ended by nobody who asked before.
  std::vector<store::Write> TakeOff(const ActorRecord& after);
  // Nothing is open any more, or somebody was let in again: the row goes with `batch`. Where that is not committed, KeepOpen what it answers.
  std::shared_ptr<Offboarding> Forget(const cedar::EntityUid& who, store::Batch& batch);
  void KeepOpen(const std::shared_ptr<Offboarding>& state);  // unless somebody began another one; null: nothing

 private:
  Status MayStart(const AdminCall& call, const cedar::EntityUid& uid, const std::string& why);
  void Bar(Offboarding& state, store::Batch& batch);
  void EndChanges(Offboarding& state, store::Batch& batch);
  void TaskEnded(const std::shared_ptr<Offboarding>& state, const std::string& id, Result<EndAnswer> end);
  void CredentialEnded(const std::shared_ptr<Offboarding>& state, const task::CredentialRecord& credential);
  void EndCredentialsLeft(const std::shared_ptr<Offboarding>& state, Duration wait);
  void Report(const std::shared_ptr<Offboarding>& state);
  void Sign(const std::shared_ptr<Offboarding>& state, json::Object report, const std::string& body, std::uint64_t index);
  bool IsOf(LiveTask& live, const cedar::EntityUid& actor) const;

  Core& core_;
  Hooks hooks_;
  std::vector<std::shared_ptr<Offboarding>> left_;                 // that a crash interrupted, until there are hooks
  std::map<cedar::EntityUid, std::shared_ptr<Offboarding>> open_;  // whose row is in the store, or on its way there
};

}  // namespace remit::broker
