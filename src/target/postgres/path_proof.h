// What one role's login says of other roles: that the path is open. A login that is accepted shows the address, pg_hba.conf, that a password is
// asked for, and CONNECT by way of the scope roles. remit.make makes each role in the same way, so for a moment another role with the same
// memberships need not show it again. What one role alone may have wrong (its VALID UNTIL is over by the server's clock) is no part of it: the
// maker asks for that each time.
//
// INVARIANT: nothing counts but an accepted login by password that began less than kPathProofLife ago, after the last Forget(), after the server
// last read its configuration as far as the asking session knows, and of a role that is in everything what Path says of the other.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "base/time.h"
#include "target/postgres/init_sql.h"

namespace remit::target::postgres {

// What the login of a new role depends on besides the target's settings, which do not change while a target is one: compared field by field.
struct Path {
  std::vector<TablePrivilege> privileges;  // sorted: its memberships. pg_hba.conf may name them, and CONNECT comes with them
  std::string system;                      // the cluster's identifier
  std::string maker;                       // the version of remit.make that made it; "": not known, and then no path is the same
  std::uint64_t connections = 0;           // that Remit's own role had opened until then: a new one may lead to a server that was started anew
  bool operator==(const Path&) const = default;
};

// By the server's clock, as the session said in which the role was made. Only compared with one another.
struct ServerTimes {
  Time configured;  // when that session last read the server's configuration, which it does before its next statement
  Time made;
};

// Of one target. Thread-safe.
class PathProofs {
 public:
  // A login that is about to begin.
  struct Login {
    Time began;
    std::uint64_t forgotten = 0;
  };

  // Whether a role that was just made on this path need not log in itself. `now` is the clock's that Begin gets.
  bool Covers(const Path& path, const ServerTimes& times, Time now) const;

  Login Begin(Time now) const;
  // The login was accepted, by its password. It counts from when it began, and not at all if something was forgotten meanwhile.
  void Accepted(const Login& login, Path path, const ServerTimes& times);

  // A making failed, or an end has no evidence: whatever was shown, and what is being shown at this moment, has to be shown again.
  void Forget();

 private:
  struct Proof {
    Path path;
    Time began;
    Time made;  // by the server's clock: what it read of its configuration later was not looked at
  };
  mutable std::mutex mutex_;
  std::deque<Proof> proofs_;  // one a path, at most kPathProofs; the latest last
  std::uint64_t forgotten_ = 0;
};

}  // namespace remit::target::postgres
