// All that an actor holds ends, provably.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/admin_call.h"
#include "broker/live_task.h"
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

  void Start(const AdminCall& call, const cedar::EntityUid& actor, const std::string& why, Duration wait, Answer<json::Value> answer);
  void EndAllOf(std::shared_ptr<Offboarding> state, Duration wait);
  Status Load();
  void TakeUp();
  void Arrived(const std::shared_ptr<Offboarding>& state);
  void EndIfOvertaken(LiveTask& live);
  void EndByPolicy(LiveTask& live, const std::string& why, const cedar::EntityUid& by, Duration wait, Answer<EndAnswer> answer);
  json::Object StillRunning(const cedar::EntityUid& actor);
  // Who was barred by which change of the registry: what was on its way into the store before that gives nothing back.
  std::map<cedar::EntityUid, std::uint64_t> barred_by;
  Hooks hooks;
  std::vector<std::shared_ptr<Offboarding>> left;  // that a crash interrupted, until there are hooks

 private:
  void TaskEnded(const std::shared_ptr<Offboarding>& state, const std::string& id, Result<EndAnswer> end);
  void CredentialEnded(const std::shared_ptr<Offboarding>& state, const task::CredentialRecord& credential);
  void EndCredentialsLeft(const std::shared_ptr<Offboarding>& state, Duration wait);
  void Report(const std::shared_ptr<Offboarding>& state);
  Result<json::Value> Sign(json::Object report, const std::string& body, std::uint64_t index);
  bool IsOf(LiveTask& live, const cedar::EntityUid& actor) const;

  Core& core_;
};

}  // namespace remit::broker
