// The file of one replacement: the plan, its hash, and how far it has come. It is written before each step at the server and synced, so that
// after a crash it names everything that may be gone. It holds no secret. Whoever changes it is found out by the hash, unless the hash was
// changed too, and a rollback grants what the file says: so one that others than its owner can read or write is no plan (its mode is 0600).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "json/value.h"
#include "posture/replace/plan.h"

namespace remit::posture {

enum class Phase {
  kPlanned,      // nothing was done
  kApplying,     // begun: some of it may be gone; `apply` goes on, `rollback` goes back
  kApplied,      // all of it is gone
  kRollingBack,  // begun: some of it may be back; `rollback` goes on
  kRolledBack,   // all of it is back
};
std::string_view PhaseName(Phase phase);  // "planned", "applying", "applied", "rolling-back", "rolled-back"

struct PlanFile {
  std::string path;
  ReplacePlan plan;
  Phase phase = Phase::kPlanned;
  Time planned{}, changed{};  // changed: when the phase began
  json::Object evidence;      // of the last apply

  // Errors: io::ReadSecretFile's, `bad-plan-file`, `plan-damaged` (the hash is not the plan's).
  static Result<PlanFile> Load(const std::string& path);

  // A new file. Errors: `file-exists`, `cannot-write-file`.
  Status Create() const;

  // Puts the phase down, durably, before it begins. Errors: `cannot-write-file`.
  Status Enter(Phase next, Time now);
};

}  // namespace remit::posture
