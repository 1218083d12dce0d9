// What an actor holds outside of tasks: its declared accounts, and what became of them.
#pragma once

#include <memory>

#include "broker/broker.h"
#include "broker/live_task.h"

namespace remit::broker {

class Core;
struct Offboarding;

class StandingAccess {
 public:
  explicit StandingAccess(Core& core) : core_(core) {}

  // Whether these can be an actor's: TARGET/ROLE, each once, at targets that are here or were when they were declared. Errors: `bad-account`.
  Status CheckAccounts(const ActorRecord& actor) const;
  // Has the hook take away what the accounts of who is offboarded hold, and tells Offboarder::Arrived. What is not looked at is open, and named.
  void LookAtStanding(const std::shared_ptr<Offboarding>& state);

 private:
  Core& core_;
};

}  // namespace remit::broker
