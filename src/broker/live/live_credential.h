// A credential that is not dead, as the broker holds it in memory.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "io/timers.h"
#include "task/credential.h"

namespace remit::broker {

// A credential that is not dead, and the worker that owns it.
struct LiveCredential {
  task::CredentialRecord record;
  std::map<std::string, Secret> environment;  // while live; lost at a restart
  bool working = false;                       // a call to its target is under way
  bool end_wanted = false;
  bool burying = false;        // that it is dead is being written down
  std::uint32_t attempts = 0;  // to end it, since this process started
  io::TimerId timer = 0;
};

// Whether a target answers: after it did not, no end is tried there until `until`. Making, prolonging and sweeps ask all the same.
struct Breaker {
  std::uint32_t failures = 0;
  Time until{};
};

// The target of tokens: not a system outside, but everybody who takes our signature.
inline constexpr std::string_view kTokenTarget = "token";
inline constexpr std::string_view kIntrospectKind = "token-introspect";  // dead in the commit that ends its task
inline constexpr std::string_view kOfflineKind = "token-offline";        // dead when its `exp` has passed everywhere

}  // namespace remit::broker
