// See authenticator.h.
#include "identity/authenticator.h"

#include <fmt/format.h>

#include "identity/handle.h"

namespace remit::identity {

using Kind = Caller::Kind;

Result<Caller> Authenticator::Authenticate(const CallerFacts& facts) const {
  if (facts.bearer.has_value()) {
    Caller caller = OfHandle(*facts.bearer, facts.now);
    if (caller.Is(Kind::kNobody)) {
      return Fail(Code::kUnauthenticated, "bad-credentials", "the bearer handle is malformed, unknown or no longer alive");
    }
    return caller;
  }
  if (facts.unix_uid.has_value()) return OfPeer(*facts.unix_uid);
  return Caller{};
}

Caller Authenticator::OfHandle(std::string_view handle, Time now) const {
  Caller caller;
  if (auto session = sessions_.FindActorSession(handle, now)) {
    const auto actor = directory_.FindActor(session->owner);
    if (!actor.has_value() || actor->barred) return {};
    caller.kind = Kind::kActor;
    caller.uid = std::move(session->owner);
    caller.signed_in = session->began;
    caller.session = std::move(session->id);
    return caller;
  }
  if (const auto session = sessions_.FindPersonSession(handle, now)) {
    const auto person = directory_.FindPerson(session->owner);
    if (!person.has_value() || person->barred) return {};
    caller.kind = Kind::kPerson;
    caller.uid = session->owner;
    caller.signed_in = session->began;
    caller.session = session->id;
    return caller;
  }
  const bool token = IsHandle(handle, kTaskTokenPrefix);
  if (!token && !IsHandle(handle, kHolderKeyPrefix)) return {};
  caller = directory_.FindHandle(handle);
  // INVARIANT: what a handle is good for is what its prefix says, whatever the table holds.
  if (!caller.Is(token ? Kind::kTask : Kind::kHolder)) return {};
  return caller;
}

Caller Authenticator::OfPeer(std::uint32_t uid) const {
  Caller caller;
  if (uid == 0 || uid == own_uid_) {
    caller.kind = Kind::kOperator;
    caller.uid = {"Remit::Operator", fmt::format("uid:{}", uid)};
    return caller;
  }
  const auto actor = directory_.FindActorByUnixUid(uid);
  if (!actor.has_value() || actor->barred) return caller;
  caller.kind = Kind::kActor;
  caller.uid = actor->uid;
  return caller;
}

}  // namespace remit::identity
