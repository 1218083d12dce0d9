// Ending everything that an account can do at one server, for an offboarding: nobody reads a plan before, so each step takes away only, and
// everything that cannot be taken is named.
//
// The order, and what a crash leaves at each point (the next call does all of it again):
//   `intent` is called                                       nothing was done; the caller has written down that it begins
//   the role cannot log in any more, and has no attribute
//   but SUPERUSER; what of its own holds the role's row
//   (sessions, transactions prepared by it) is ended         it keeps its grants, and nobody comes in as it
//   its sessions are ended
//   what an earlier call began is gone on with               by its plan's file, see apply.h
//   a plan is made and kept, `intent` is called with its hash,
//   and it is applied                                        by that file
//   everything is read once more: that is what is reported
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "posture/replace/account_known.h"
#include "posture/replace/apply.h"
#include "posture/replace/server.h"

namespace remit::posture {

struct AccountIntent {
  RoleRef account;
  std::string system;      // the cluster's identifier
  std::string plan, file;  // the plan's hash and where it is kept; "" before there is one
};

struct AccountEndOptions {
  std::string folder;                                   // where plans are kept: of the caller alone, and there
  std::string prefix;                                   // of their files' names
  std::function<bool(std::string_view role)> reserved;  // roles that are Remit's own; may be null
  std::function<Status(const AccountIntent&)> intent;   // an error stops before anything more is done
  std::optional<KnownRole> known;                       // none: nobody has seen it yet
  Duration sessions_limit = std::chrono::seconds(30);
  std::function<void(std::string_view step)> at;  // for tests: "disarming" (each try), "disarmed", and those of ApplyOptions
};

struct AccountEnd {
  struct Step {
    std::string step, detail;
  };
  struct Open {
    std::string what, id, reason;  // "ownership", "table public.t", why it is not gone
  };
  bool ended = false;  // nobody can log in as it, no session is left, and every grant that can be taken is gone
  RoleRef account;     // empty where there is no such role
  std::string system, plan, file;
  std::size_t removed = 0, cascades = 0, refused = 0;
  std::int64_t sessions = 0;
  std::vector<Step> evidence;
  std::vector<Open> open;
};

// Where there is no role of that name, it is ended only if its oid is known and gone: else it may have been renamed, and is open. So is one whose oid
// goes by another name now, or that was known at another cluster: then nothing is done to it, nor to what has its name now, which nobody declared.
// Where its oid is gone, what has the name is ended, as it was declared. From `intent` on it is the role with that oid: where the name goes to
// another one meanwhile, that one keeps all that it has. The administrator's own, the first superuser, predefined and reserved roles are not touched,
// and open. Errors: what keeps it from being looked at at all (pg::Connection's), and `intent`'s. One caller at a time for each folder.
Result<AccountEnd> EndAccount(ReplaceServer& server, const std::string& name, const AccountEndOptions& options, const Clock& clock);

// What an account has at a server, as any role sees it: for where nobody may take it away.
struct AccountHeld {
  RoleRef account;
  bool login = false;
  std::vector<std::string> holds;  // "SUPERUSER", "12 entries in ACLs of database `orders`", "2 sessions"; empty: nothing
};
// Errors: `unknown-account`, pg::Connection's.
Result<AccountHeld> ReadAccountHeld(pg::Connection& connection, const std::string& name);

}  // namespace remit::posture
