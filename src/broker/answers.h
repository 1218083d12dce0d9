// What goes into the broker's use cases and comes out of them, as plain data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "cedar/value.h"
#include "json/value.h"
#include "task/credential.h"
#include "task/task.h"

namespace remit::broker {

struct StartRequest {
  std::string type;                   // @name or entity type
  json::Value parameters;             // object
  bool parameters_from_text = false;  // all strings, as typed on the command line
  std::string reason;
  std::optional<Duration> ttl;  // at most @max_ttl (by break-glass, @break_glass); default @ttl
  std::optional<Time> at;       // not before; at most limits::kScheduleAhead ahead
  bool break_glass = false;     // without the approvals that it needs
  bool held = false;            // the starter will hold a connection or send heartbeats (remit run): silence ends the task
  std::string idempotency_key;  // the same key of the same caller starts once; repeated: `already-started`, naming the task
};

struct StartAnswer {
  task::TaskRecord task;
  Secret token;                                     // REMIT_TOKEN, rmt_…
  Secret holder;                                    // holder key, rmh_…
  std::map<std::string, Secret> environment;        // of the credentials that are live
  std::vector<task::CredentialRecord> credentials;  // with those that are not yet live
  std::vector<std::string> accepted;                // what PUBLIC may do at its targets and was accepted by name
  std::string approval;                             // requested: apv_… of the request
};

// A sub-task: what a start says, and whose it is.
struct DelegateRequest {
  StartRequest start;
  cedar::EntityUid actor;  // for whom it runs; an empty type: its parent's actor
};

// A question about tasks of a type, or about a sub-task that would stand below another.
struct ExplainRequest {
  std::string type;
  json::Value parameters;  // object, or null
  bool from_text = false;  // as typed on the command line
  std::string under;       // tsk_…; "": a task of its own
  cedar::EntityUid actor;  // with `under`: for whom it would run; an empty type: its parent's actor
};

struct ExtendAnswer {
  task::TaskRecord task;
  std::string approval;  // not given yet: apv_… that people may answer
};

// What has ended, and what is still ending, and why. The same of what is suspended.
struct EndAnswer {
  task::TaskRecord task;
  std::vector<std::string> sub_tasks;  // that went the same way in the same commit
  std::vector<task::CredentialRecord> credentials;
  bool all_dead = true;
};

struct UseRequest {
  std::string task;   // tsk_…, or
  std::string token;  // REMIT_TOKEN; one of the two
  std::string type;   // what type the asker takes it for, by name or entity type; "": any
  cedar::EntityUid action, resource;
  json::Value resource_attributes;  // what the PEP says of the resource; used only for types marked @from_pep
  json::Value context;              // object, or null
  std::string idempotency_key;      // of a use that is charged: the same key gets the same answer
};

struct UseAnswer {
  bool allowed = false;
  std::string reason;  // slug, see task/decision.h; "unknown-task", "not-active", "past-deadline", "not-a-pep", …
  std::vector<std::string> policies;
  std::vector<std::string> errors;
  std::string catalog, facts;  // hashes that it was decided under
  std::string approval;        // needs-approval: apv_… that people may answer
};

struct TokenRequest {
  std::string task;
  std::string audience;  // exactly one
  bool offline = false;  // accepted without asking Remit: 60 s, renewed while the task lives
};

struct TokenAnswer {
  Secret token;  // JWT, RFC 9068
  Time expires{};
  std::string credential;  // crd_…
};

struct SecretAnswer {
  Secret value;  // empty after a write
  std::uint32_t version = 0;
  Time written{};
};

struct ActorRecord {
  cedar::EntityUid uid;
  std::string client_id;                  // for OAuth; default: the uid's text
  json::Value jwk;                        // public key for private_key_jwt, or null
  std::optional<std::uint32_t> unix_uid;  // local processes of this uid are this actor
  bool barred = false;
  // What it has at targets outside of tasks, "TARGET/ROLE" each: an offboarding looks there. In a change, none leaves what is registered.
  std::optional<std::vector<std::string>> accounts = {};
  // The person who answers for it, and whose yes counts for nothing that it asks for. In a change, none leaves whom is registered, and a uid without
  // a type says that nobody does.
  std::optional<cedar::EntityUid> owner = {};
  std::map<cedar::EntityUid, Time> was_owned_by = {};  // until when; their yes does not count either for what was asked before
  // What it is believed about resources, "Type" or "Type.attribute" each, where it enforces. In a change, none leaves what is registered.
  std::optional<std::vector<std::string>> vouches_for = {};
  // The resource servers that it is, as tokens name them in `aud`: permission sets that these refer to are given to it. In a change, none leaves what
  // is registered.
  std::optional<std::vector<std::string>> audiences = {};

  bool HasOwner() const { return owner && !owner->type.empty(); }
};

struct PersonRecord {
  cedar::EntityUid uid;
  std::string display_name;
  bool barred = false;
};

// Where facts that are put came from, as whoever puts them says it, and what they were when that was decided.
struct FactsOrigin {
  std::string expected = {};  // hash of the facts that they are to take the place of; "": whatever these are
  json::Value source = {};    // {"from", "commit"?, "hash"}, for the ledger; null: not said
  bool dry_run = false;       // refuses what would be refused, and changes and asks nothing
};

struct CatalogAnswer {
  std::string hash;
  bool loaded = false;  // false for a dry run
  std::vector<std::string> warnings;
  std::vector<std::string> narrowed;  // ids of live tasks that hold more than it gives, and end
  std::vector<std::string> ended;     // end_older: ids of those that started under another one
  json::Array losses;                 // dry run: {task, type, actor, state, ends, loses: permissions}, at most limits::kLossesShown
  std::size_t losers = 0;             // how many lose something
  std::string approval;               // it waits for people: apv_…
};

struct LoadOptions {
  bool dry_run = false;         // changes nothing, and says who would lose what
  bool end_older = false;       // ends every task that started under another catalog
  bool allow_lock_out = false;  // although nobody may load a catalog then: the operator administers again
};

struct FactsAnswer {
  std::string hash;  // of what is in force now; for a dry run of what would be
  std::size_t entities = 0;
  std::string approval;                           // it waits for people: apv_…
  std::optional<std::uint32_t> approvals_needed;  // dry run: how many people would have to say yes
};

// Another signing key in the place of the one that signs.
struct RotateRequest {
  std::string key;              // "access" or "receipt"
  std::string kid;              // only if it is this one that signs, or, with `leaked`, did before; "": whichever does
  bool leaked = false;          // the one that goes is not trusted any more, from the call on
  bool dry_run = false;         // changes nothing, and says what it would do
  std::string idempotency_key;  // the same key of the same caller rotates once, and gets the same answer
};

struct ListFilter {
  std::string state;  // "" for all that live, "ended", or the name of a state
  std::string type, actor;
  std::size_t limit = 100;
  std::string after;  // task id to go on behind, in the order that is asked for
  bool newest_first = false;

  // Whether a task of this id comes behind `after`.
  bool IsBehind(std::string_view id) const { return after.empty() || (newest_first ? id < after : id > after); }
};

// One declaration of an account ("TARGET/ROLE"): the number is another one, in this process, once somebody declares it or takes it off.
struct Declared {
  std::string account;
  std::uint64_t number = 0;
};

// What an offboarding asks of whoever can reach accounts at targets (standing.cc).
struct StandingRequest {
  cedar::EntityUid actor;
  std::string by;                                          // on whose word
  std::vector<std::string> accounts;                       // "TARGET/ROLE"
  std::map<std::string, std::string> others;               // accounts of other actors who are not barred, and whose they are
  std::map<std::string, std::uint64_t> declarations = {};  // of `accounts`: the numbers of the declarations that are meant
};

// One step of `remit replace` at a server that Remit does not see: its plan, and once it is over what came of it.
struct Replacement {
  enum class Step { kApply, kRollBack } step = Step::kApply;
  enum class Phase { kBegun, kDone, kFailed } phase = Phase::kBegun;
  std::string account, account_oid;  // the role
  std::string system;                // the cluster's identifier
  std::string plan;                  // its hash, hex
  json::Object result;               // of kDone and kFailed, as the one who did it says
};

struct Counters {
  std::uint64_t starts = 0, ends = 0, allowed = 0, denied = 0, credentials_made = 0, credentials_ended = 0, end_retries = 0;
  std::uint64_t live_tasks = 0, ending_credentials = 0, commit_failures = 0, open_reviews = 0;
};

}  // namespace remit::broker
