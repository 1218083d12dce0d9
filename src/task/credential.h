// A credential and its small life: planned → live → ending → dead. It is made and prolonged only after that is written down; it is ended in any
// case, also while that cannot be.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "json/value.h"
#include "task/permission.h"

namespace remit::task {

enum class CredentialState : std::uint8_t { kPlanned = 1, kLive = 2, kEnding = 3, kDead = 4 };
std::string_view StateName(CredentialState state);  // "planned", "live", "ending", "dead"

// One step of its end that was seen to be done, e.g. {"disarmed", "no membership, no login, no session"}.
struct Evidence {
  std::string step;    // stable slug
  std::string detail;  // what was seen, e.g. "login refused with SQLSTATE 28P01"; never a secret
  Time at{};
  bool operator==(const Evidence&) const = default;
};

struct CredentialRecord {
  std::string id;      // crd_…
  std::string task;    // tsk_…
  std::string target;  // name in the configuration, e.g. "orders"; "token" for tokens
  std::string kind;    // "postgres-role", "token-introspect", "token-offline", "stray" (found by a sweep)
  CredentialState state = CredentialState::kPlanned;
  PermissionSet permissions;  // what it was planned for
  Time planned{};
  std::optional<Time> live, ending, dead;
  Time not_after{};                          // the target's own expiry
  std::string name;                          // at the target, e.g. remit_<installation>_<id>
  std::map<std::string, std::string> notes;  // what its target wants to remember (an OID, an address); never a secret
  std::string sealed;                        // secret material, sealed under the master key; erased at dead
  std::uint32_t end_attempts = 0;
  std::string last_error;  // of the last attempt to end it
  std::optional<Time> retry_at;
  std::vector<Evidence> evidence;

  std::string Encode() const;  // compact binary, first byte is the version of the form
  static Result<CredentialRecord> Decode(std::string_view bytes);
  bool operator==(const CredentialRecord&) const = default;
};

// The state machine. Pure. Errors: `wrong-state`. Events: "credential.planned", ".live", ".ending", ".dead", with what is to be known.
struct CredentialTransition {
  CredentialRecord next;
  std::vector<json::Value> events;
};
CredentialTransition PlanCredential(CredentialRecord draft, Time now);
Result<CredentialTransition> MakeLive(const CredentialRecord& record, std::map<std::string, std::string> notes, Time now);
Result<CredentialTransition> BeginEnd(const CredentialRecord& record, const std::string& why, Time now);  // from planned or live
// One that was dead, and carries our mark at its target again: what is known of it stays, and its end begins anew. From dead.
Result<CredentialTransition> EndAgain(const CredentialRecord& record, const std::string& why, Time now);
// Its target takes it for longer: written down before the target is asked. From live, to a later time. Event "credential.prolonged".
Result<CredentialTransition> Prolong(const CredentialRecord& record, Time not_after, Time now);
Result<CredentialTransition> NoteAttempt(const CredentialRecord& record, const std::string& error, std::vector<Evidence> evidence,
                                         std::map<std::string, std::string> notes, std::optional<Time> retry_at, Time now);
Result<CredentialTransition> MakeDead(const CredentialRecord& record, std::vector<Evidence> evidence, Time now);  // erases `sealed`

}  // namespace remit::task
