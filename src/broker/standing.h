// What an actor holds outside of tasks: its declared accounts, and what became of them.
#pragma once

#include <memory>

#include "broker/broker.h"
#include "broker/live_task.h"

namespace remit::broker {

class Core;

class StandingAccess {
 public:
  explicit StandingAccess(Core& core) : core_(core) {}

  // Accounts outside of tasks: see standing.cc.
  Status CheckAccounts(const ActorRecord& actor) const;
  void LookAtStanding(const std::shared_ptr<Offboarding>& state);

 private:
  Core& core_;
};

}  // namespace remit::broker
