// A task as it is written down.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "cedar/value.h"
#include "json/value.h"

namespace remit::task {

// The numbers are stored. Only exactly kActive permits use.
enum class State : std::uint8_t {
  kRequested = 1,  // waits for approval
  kActive = 2,
  kCompleted = 3,   // by its actor, or the wrapped command's exit
  kRevoked = 4,     // by a person, an offboarding, a parent's end
  kExpired = 5,     // by the deadline, a missed heartbeat, or a request that nobody approved
  kFailed = 6,      // a target refused one of its credentials
  kWithdrawn = 7,   // a request taken back by its actor
  kDenied = 8,      // a request refused by a person, or by policy when it was evaluated again
  kSuspended = 9,   // native credentials ended, to be planned anew
  kScheduled = 10,  // approved, its time has not come
};
std::string_view StateName(State state);
bool IsEnd(State state);

// A yes to a request, counted once per person.
struct Yes {
  cedar::EntityUid person;
  Time at{};
  bool operator==(const Yes&) const = default;
};

// A request for more time, made of a task that runs, which waits for approvals.
struct Extension {
  Duration by{};  // how much later the deadline would be
  std::string reason;
  Hash request_hash{};
  std::uint32_t approvals_needed = 0;
  std::vector<Yes> approvals;
  Time requested{}, expires{};
  bool operator==(const Extension&) const = default;
};

struct TaskRecord {
  std::string id;    // tsk_…
  std::string type;  // entity type, fully qualified, e.g. "TriageTicket"
  std::string name;  // what people type, e.g. "triage"
  std::string purpose;
  cedar::EntityUid actor;
  std::vector<cedar::EntityUid> chain;  // everyone in the request's chain: starter, owner, parents' starters; never approvers
  std::string parent;                   // tsk_… or empty
  json::Value parameters;               // object: attribute → value in Cedar's JSON form, as bound
  std::string reason;
  State state = State::kRequested;
  Time requested{};
  std::optional<Time> started, ended;
  std::optional<Time> suspended;   // since when; kSuspended alone
  std::optional<Time> not_before;  // `--at`: kScheduled until then
  Duration ttl{};                  // life from its start
  Duration max_ttl{};              // no extension takes the deadline beyond started + max_ttl; 0 in rows of form 1: none extends it
  Duration heartbeat{};            // silence that ends it
  Time deadline{};                 // active, suspended: when it expires; requested, scheduled: when the request does
  std::string catalog;             // hash of the catalog that it was made under, hex
  std::string facts;               // hash of the facts at its start, hex
  Hash token_hash{};               // SHA-256 of REMIT_TOKEN
  Hash holder_hash{};              // SHA-256 of the holder key
  std::string nonce;               // random; part of the request's hash
  Hash request_hash{};             // what approvers say yes to (decision.h)
  std::uint32_t approvals_needed = 0;
  std::vector<Yes> approvals;
  std::optional<Extension> extension;
  bool break_glass = false;                   // started without the approvals that it needs
  std::optional<Yes> review;                  // of a start by break-glass: who signed it; open until then
  std::map<std::string, std::uint32_t> uses;  // by id of the forbid: how often it was lifted
  std::uint64_t allowed = 0, denied = 0;      // enforcements; a crash may lose the last second's
  std::vector<std::string> credentials;       // crd_…
  std::string end_reason;                     // stable slug: "completed", "deadline", "heartbeat", "connection-closed", …
  std::string ended_by;                       // uid of who did, or ""

  // Compact binary, first byte is the version of the form: 2. Quick: 100,000 in well under 0.3 s.
  std::string Encode() const;
  // Reads forms 1 and 2. Errors: `store-corrupt`.
  static Result<TaskRecord> Decode(std::string_view bytes);
  bool operator==(const TaskRecord&) const = default;
};

}  // namespace remit::task
