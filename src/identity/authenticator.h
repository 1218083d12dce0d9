// Who is calling? One answer for each request, from what the transport says of it. Pure: it reads the tables that it was given, takes
// `now`, writes nothing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "identity/caller.h"
#include "identity/directory.h"
#include "identity/sessions.h"

namespace remit::identity {

// What the transport knows of a caller.
struct CallerFacts {
  std::optional<std::string_view> bearer;  // the token of "Authorization: Bearer …"; nullopt where there is no such header
  std::optional<std::uint32_t> unix_uid;   // as the kernel says, of a peer on a unix socket
  Time now{};
};

// Thread-safe.
class Authenticator {
 public:
  // `own_uid` is the server's own. `directory` and `sessions` must outlive it.
  Authenticator(const Directory& directory, const Sessions& sessions, uid_t own_uid)
      : directory_(directory), sessions_(sessions), own_uid_(own_uid) {}

  // A bearer handle decides alone: one that is malformed, unknown, dead or of somebody barred is `bad-credentials` (kUnauthenticated), and
  // never falls back to the peer's uid. Without one, a unix peer is the operator (the server's own uid, or root), else the actor that is
  // registered for its uid and not barred, else nobody. A unix peer is never a person. Nobody is an answer, not an error.
  Result<Caller> Authenticate(const CallerFacts& facts) const;

 private:
  Caller OfHandle(std::string_view handle, Time now) const;
  Caller OfPeer(std::uint32_t uid) const;

  const Directory& directory_;
  const Sessions& sessions_;
  uid_t own_uid_;
};

}  // namespace remit::identity
