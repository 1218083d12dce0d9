// One page for one decision: must this role log in itself.
#include "target/postgres/path_proof.h"

#include <algorithm>

#include "base/limits.h"

namespace remit::target::postgres {

bool PathProofs::Covers(const Path& path, const ServerTimes& times, Time now) const {
  if (path.maker.empty()) return false;
  const std::lock_guard lock(mutex_);
  return std::any_of(proofs_.begin(), proofs_.end(), [&](const Proof& proof) {
    return proof.path == path && times.configured < proof.made && proof.began <= now && now - proof.began < limits::kPathProofLife;
  });
}

PathProofs::Login PathProofs::Begin(Time now) const {
  const std::lock_guard lock(mutex_);
  return {now, forgotten_};
}

void PathProofs::Accepted(const Login& login, Path path, const ServerTimes& times) {
  const std::lock_guard lock(mutex_);
  if (login.forgotten != forgotten_) return;
  const auto same = std::find_if(proofs_.begin(), proofs_.end(), [&](const Proof& proof) { return proof.path == path; });
  if (same != proofs_.end()) {
    if (same->began > login.began) return;  // one that began later is there already
    proofs_.erase(same);
  }
  proofs_.push_back({std::move(path), login.began, times.made});
  if (proofs_.size() > limits::kPathProofs) proofs_.pop_front();
}

void PathProofs::Forget() {
  const std::lock_guard lock(mutex_);
  proofs_.clear();
  ++forgotten_;
}

}  // namespace remit::target::postgres
