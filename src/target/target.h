// A system where tasks get credentials. The broker decides when; a target knows how. Everything here but Make is idempotent: after a crash
// the broker calls again with what was written down, and does not know how far the last call came. What was being made then is ended.
//
// One interface, one contract test (contract_test.h); a folder for each implementation.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/rng.h"
#include "base/secret.h"
#include "task/credential.h"
#include "task/permission.h"

namespace remit::target {

// A permission as a catalog states it, before parameters are known: for the check at load. `resource` is set where the policy names it;
// else only `type`.
struct PermissionPattern {
  cedar::EntityUid action;
  task::Permission::Scope scope = task::Permission::Scope::kEqual;
  std::string type;  // of the resource
  std::optional<cedar::EntityUid> resource;
  std::string place;  // file:line:column of the policy
};

// What MakePlan draws up before anything is written down.
struct Plan {
  std::string kind;  // "postgres-role"
  std::string name;  // at the target
  std::map<std::string, std::string> notes;
  Secret secret;  // kept sealed in the record until the credential is dead; e.g. the password
};

// What a live credential gives its task.
struct Made {
  std::map<std::string, Secret> environment;  // variables for the command, e.g. PGPASSWORD
  std::map<std::string, std::string> notes;   // replaces the record's notes, e.g. with the OID
};

// How an attempt to end went. Exactly one of: dead; or not yet, with the reason and, where it is known, when it is worth trying again.
struct EndResult {
  bool dead = false;
  std::string reason;          // why not yet; never a secret
  bool unreachable = false;    // the target did not answer at all: others need not try for a while either
  bool retry_at_once = false;  // a refusal that is known to pass at once, e.g. "tuple concurrently updated"
  std::optional<Time> retry_at;
  std::vector<task::Evidence> evidence;      // new since the last attempt
  std::map<std::string, std::string> notes;  // replaces the record's notes
};

// What carries Remit's mark at a target.
struct Found {
  std::string name;          // at the target
  std::string installation;  // whose mark it carries
  std::string credential;    // crd_…
};

// All calls block, come from worker threads, and never two at once for one credential. Thread-safe across credentials.
class Target {
 public:
  virtual ~Target() = default;

  virtual std::string_view type() const = 0;    // "postgres"
  virtual const std::string& name() const = 0;  // in the configuration

  // Whether this target enforces the resource itself, i.e. the resource is one of its own, e.g. Postgres::Table::"orders/…" for the
  // target `orders`.
  virtual bool Owns(const cedar::EntityUid& action, const cedar::EntityUid& resource) const = 0;

  // Whether a permission of this form can be enforced exactly. Errors: `not-enforceable`, with what the target cannot say.
  virtual Status CheckPattern(const PermissionPattern& pattern) const = 0;

  // Draws up a credential for these permissions (all owned, all plain). Touches nothing. Errors: `not-enforceable`.
  virtual Result<Plan> MakePlan(const std::string& credential_id, const task::PermissionSet& permissions, Rng& rng) const = 0;

  // Makes the credential that `record` describes and sees that its like works: itself, or one that differs in nothing that decides it, within a
  // second. `secret` is the plan's. Called at most once for a record.
  // A definite refusal has code kInvalidArgument, kPermissionDenied or kFailedPrecondition and fails the task; kUnavailable and the
  // like too, but the reason says that it may pass. Whatever it answers, the caller ends the credential.
  virtual Result<Made> Make(const task::CredentialRecord& record, const Secret& secret) = 0;

  // The variables of a credential that was made and is live, as Make gave them: for a holder who asks again after a restart. Touches nothing.
  virtual std::map<std::string, Secret> Environment(const task::CredentialRecord& record, const Secret& secret) const = 0;

  // Lets the credential, which is live, be accepted until the record's not_after, which was moved later. Errors: `not-supported` where the
  // target cannot; then it expires there as it would have. kUnavailable is asked again.
  virtual Status Prolong(const task::CredentialRecord& record, const Secret& secret) {
    (void)secret;
    return Fail(Code::kUnsupported, "not-supported", "target `" + record.target + "` cannot move the expiry of a credential");
  }

  // Ends the credential, from whatever state it is in, and finds the evidence. Called again until it answers dead.
  virtual EndResult End(const task::CredentialRecord& record, const Secret& secret) = 0;

  // Lists what carries Remit's mark here, of any installation. Errors: the target's own.
  virtual Result<std::vector<Found>> Sweep() = 0;

  // What a task could do here that Remit does not give and cannot take (PUBLIC's rights), that was accepted by name.
  virtual std::vector<std::string> Accepted() const { return {}; }

  // An anchor of the ledger (a short text) that is kept at the target for the installation, so that an old copy of Remit's store is known
  // for what it is. The target takes the place of the one before. Nothing where the target keeps none. Errors: the target's own.
  virtual Result<std::optional<std::string>> ReadAnchor() { return std::optional<std::string>(); }
  virtual Status LeaveAnchor(const std::string&) { return {}; }

  // Whether the target answers; for `remit target list` and `remit doctor`.
  virtual Status Ping() = 0;
};

}  // namespace remit::target
