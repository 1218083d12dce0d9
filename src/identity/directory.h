// What identity must know of who is registered. The broker holds the registry; whoever builds a server hands it in through this interface,
// so that identity does not know the broker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cedar/value.h"
#include "identity/caller.h"
#include "json/value.h"

namespace remit::identity {

struct RegisteredActor {
  cedar::EntityUid uid;
  std::string client_id;  // for OAuth
  json::Value jwk;        // public key, or null: this actor cannot sign in with one
  bool barred = false;    // known, and may nothing any more
};

struct RegisteredPerson {
  cedar::EntityUid uid;
  bool barred = false;
};

// Thread-safe. Answers from memory: it is asked on every request.
class Directory {
 public:
  virtual ~Directory() = default;
  virtual std::optional<RegisteredActor> FindActor(const cedar::EntityUid& uid) const = 0;
  virtual std::optional<RegisteredActor> FindActorByClientId(const std::string& client_id) const = 0;
  virtual std::optional<RegisteredActor> FindActorByUnixUid(std::uint32_t uid) const = 0;
  virtual std::optional<RegisteredPerson> FindPerson(const cedar::EntityUid& uid) const = 0;

  // Whose REMIT_TOKEN (kTask) or holder key (kHolder) this is; kNobody where it is dead or unknown.
  virtual Caller FindHandle(std::string_view handle) const = 0;

  // Whether this caller makes sign-in links for others. Errors: `forbidden`, the answers of the catalog in force.
  virtual Status MayMakeLinks(const Caller& by) const {
    if (by.Is(Caller::Kind::kOperator)) return {};
    return Fail(Code::kPermissionDenied, "forbidden", "only an administrator of this server makes sign-in links",
                "run it as the server's own user, over its unix socket");
  }
};

}  // namespace remit::identity
