// Who is calling: what an authenticated request comes to. The rooms above ask a Caller, never a header.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/time.h"
#include "cedar/value.h"

namespace remit::identity {

struct Caller {
  enum class Kind {
    kNobody,    // no credentials were given
    kActor,     // an actor: a registered key's session, or a local process by its uid
    kPerson,    // a person in a session of a sign-in link
    kTask,      // a REMIT_TOKEN: may use, may not change the task's life
    kHolder,    // a holder key: may heartbeat and end its task
    kOperator,  // the server's own uid or root, on the unix socket: first set-up and sign-in links
  };
  Kind kind = Kind::kNobody;
  cedar::EntityUid uid;  // kActor, kPerson; for kOperator Remit::Operator::"uid:0"
  std::string task;      // kTask, kHolder: tsk_…
  Time signed_in{};      // kPerson: when the session began; approvals need a recent one
  std::string session;   // id of the session, for revocation; may be empty

  bool Is(Kind k) const { return kind == k; }
};

}  // namespace remit::identity
