// The use cases. The broker holds what is live in memory, decides, writes every state change and its event in one commit before it
// takes effect outside, and sees to it that what should be dead dies.
//
// Threads: every call may come from any thread; answers come once, from any thread (often the store's), and must not block. One mutex
// guards the live state; it is never held while a commit or a target is waited for. A few questions read a row of the store under it; the
// headers inside say which.
//
// INVARIANT: a change that takes access away applies in memory before it is committed; a change that gives access applies after.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/rng.h"
#include "base/secret.h"
#include "broker/answers.h"
#include "crypto/master_key.h"
#include "identity/caller.h"
#include "io/timers.h"
#include "io/workers.h"
#include "store/store.h"
#include "target/target.h"
#include "task/catalog.h"

namespace remit::broker {

class Core;  // core.h

using identity::Caller;

template <class T>
using Answer = std::function<void(Result<T>)>;

// What a broker needs. Everything must outlive it.
struct Parts {
  store::Store& store;
  Clock& clock;
  Rng& rng;
  io::Timers& timers;
  io::Workers& workers;  // blocking calls to targets
  const crypto::MasterKey& master_key;
  std::vector<std::shared_ptr<target::Target>> targets;  // native ones
  std::string issuer;                                    // public URL, e.g. http://127.0.0.1:7070
  Duration sweep_interval = limits::kSweepInterval;      // ledger and targets are compared so often
  bool accept_clock = false;                             // --accept-clock: start although the wall clock is behind the ledger
};

// What offboarding needs of rooms that stand above or beside the broker. `done` may come from any thread.
struct Hooks {
  // Ends all sessions and links of somebody, and says how many there were.
  std::function<void(const cedar::EntityUid& who, const std::string& why, std::function<void(Result<std::size_t>)> done)> end_sessions;
  // Takes away what an actor's accounts hold outside of tasks. Each object has `what`, `ended` (bool), `evidence` or `reason`. Asked again after a
  // crash, whatever it had done. Null: nobody looks.
  std::function<void(const StandingRequest& request, std::function<void(Result<json::Array>)> done)> standing;
  // Looks which roles accounts ("TARGET/ROLE") are and notes it (account_note.h), where nothing is noted yet; ends nothing. With `all` it looks also
  // at those of which something is noted. Each object has `account`, `noted` (bool), then `oid` and `system`, and where something is not as it should
  // be `reason`. Null: nobody looks.
  std::function<void(const std::vector<std::string>& accounts, bool all, std::function<void(json::Array)> done)> see_accounts;
};

class Broker {
 public:
  // Reads everything live from the store and takes up what a crash left: tasks whose time is over end, credentials that were planned or
  // ending go on to their end, and the targets are swept. Errors: the store's, `wrong-master-key`.
  static Result<std::unique_ptr<Broker>> Open(Parts parts);
  ~Broker();  // closes it

  // No sweep and no work at targets begins from here on; returns when the store has answered every commit, and those that the answers made.
  // Nobody may ask anything, and neither timers nor workers may run, meanwhile or afterwards. Not on a thread of the store's.
  void Close();

  // Errors of every call, besides its own: `unauthenticated`; `unknown-task`, also where the caller may not know of the task; the
  // store's, `store-failed` and `store-full`. Those of asking the catalog are in docs/reference/errors.md.

  // --- set-up: catalogs (setup.cc), facts (fact_change.cc), actors and people (registry.cc) -------------------------------------
  // Who may is decided by the catalog in force: the verbs on Remit::Server and, for facts, on Remit::EntityType. The operator may until
  // somebody else could (administer.cc). What needs people's yes is written down and waits for them: the answer then names its approval.
  // Errors of all: `administration-denied`, `set-up-is-over`, `session-too-old`, `locks-everybody-out`, `too-many-changes`; when an
  // approved change is made: `not-approved`, `request-changed`.
  //
  // A dry run changes nothing and says which tasks would lose what. Errors: those of task::Catalog::Load, the first with its place and
  // the others in its message; `not-enforceable`; those of the facts in force, where they do not fit.
  void LoadCatalog(const Caller& by, std::vector<task::CatalogFile> files, const LoadOptions& options, Answer<CatalogAnswer> answer);
  void LoadCatalog(const Caller& by, std::vector<task::CatalogFile> files, bool dry_run, Answer<CatalogAnswer> answer) {
    LoadCatalog(by, std::move(files), LoadOptions{.dry_run = dry_run}, std::move(answer));
  }
  // Cedar entities JSON, an array; without `replace` entities are added to those in force. Errors: `no-catalog`, cedar::Entities::FromJson's;
  // `facts-changed` where others are in force than `origin` expects, also when an approved change is made. What has a source and waits already is not
  // asked twice. A dry run is refused as the change would be.
  void PutFacts(const Caller& by, const json::Value& entities, bool replace, Answer<FactsAnswer> answer, FactsOrigin origin = {});
  // Registers, or changes who is registered. A barred one keeps no session and starts nothing. Answer what views.h makes of them.
  // Errors: `not-an-actor-type`, `not-a-person-type`, `client-id-taken`, `unix-uid-taken`, `bad-account`, `private-key` and the like.
  void PutActor(const Caller& by, ActorRecord actor, Answer<json::Value> answer);
  void PutPerson(const Caller& by, PersonRecord person, Answer<json::Value> answer);
  // Bars an actor (or a person who is one) and ends everything that it holds: tasks running, requested and delegated, their credentials,
  // sessions, keys, changes that it asked for, and what `Hooks::standing` finds. Waits `wait` for credentials to be dead; answers what ended
  // with which evidence and what is still open, with a signed receipt. Asked again, it goes on and says how far it is (offboard.cc).
  // Errors: also `unknown-actor`, `bad-reason`.
  void Offboard(const Caller& by, const cedar::EntityUid& actor, const std::string& why, Duration wait, Answer<json::Value> answer);
  // Which roles declared accounts are, as Hooks::see_accounts says it, after 5 s at the latest (standing_look.cc): these, for whoever just declared
  // them; or those of which nothing is noted yet. They are looked at at each start and sweep, too. Errors of the second: `accounts-unseen`.
  void SeeAccounts(std::vector<std::string> accounts, Answer<json::Array> answer);
  void SeeUnknownAccounts(Answer<json::Array> answer);
  // Which declaration of an account this is, to be asked before somebody looks at it. None while nobody declares it, or that is about to change.
  std::optional<std::uint64_t> DeclarationOf(const std::string& account) const;
  // What others do who are built after the broker: ends of sessions and of standing access, and looks at it. Once, before the first call. Goes on
  // with what was being offboarded when the server stopped.
  void SetHooks(Hooks hooks);
  // Asks whether `by` may take this step of a replacement (`replace.apply`; only what takes away never waits for a yes, and is open to the operator),
  // and writes it down: event `replace.begun` before it, `replace.done` or `replace.failed` after. Answers the event's index (standing.cc).
  // Errors: also `needs-approval`.
  void RecordReplacement(const Caller& by, const Replacement& replacement, Answer<json::Value> answer);

  // Puts a new signing key in the place of one (key_rotation.cc): `key.rotate`. What is signed after the commit is signed with it; the private half
  // of the old one is gone, and its public half stays published for as long as something that it signed is good: of tokens until the last is past its
  // time, of receipts for ever. With `leaked` no signature by it is trusted from the call on, and none of an earlier key for tokens; that only takes
  // away. With `leaked` and the `kid` of one that was rotated before, that one alone is not trusted any more, and none is rotated: there is no `new`.
  // Checkpoints have one key. Answers `key`, `old`, `new`, `since`, … (docs/reference/http-api.md). Errors: also `no-such-key`, `key-not-rotatable`,
  // `request-changed` (another one signs by now), `rotation-under-way`, `too-many-keys`, `idempotency-key-reused`. Where the commit fails the old key
  // goes on, unless it has leaked: then nothing is signed until it is written down, which is tried again and again (`distrust-not-recorded`).
  void RotateKey(const Caller& by, RotateRequest request, Answer<json::Value> answer);
  // The keys that sign, and those that verify. For the operator, and for whom a policy permits `view` on Remit::Server.
  Result<json::Value> ListKeys(const Caller& by) const;

  // For what is decided here and done elsewhere ("administer"): whether `by` may, at once.
  // Errors: also `needs-approval`.
  Status MayAdminister(const Caller& by, const std::string& verb) const;
  Status MaySweep(const Caller& by) const;
  Status MayReadServer(const Caller& by) const;  // the operator, and who may `view` Remit::Server
  bool SetUpIsOpen() const;                      // nobody but the operator could load a catalog
  std::vector<std::string> LockedBy() const;     // the policies that make it so for ever: see Administration

  std::optional<ActorRecord> FindActor(const cedar::EntityUid& uid) const;
  std::optional<ActorRecord> FindActorByClientId(const std::string& client_id) const;
  std::optional<ActorRecord> FindActorByUnixUid(std::uint32_t uid) const;
  std::optional<PersonRecord> FindPerson(const cedar::EntityUid& uid) const;
  Result<json::Value> ListActors(const Caller& by) const;
  Result<json::Value> ListPeople(const Caller& by) const;
  std::shared_ptr<const task::Catalog> catalog() const;  // in force; null before the first
  json::Value Facts() const;

  // --- the life of a task (start.cc, end.cc, approve.cc, heartbeat.cc; break_glass.cc: reviews) -----------------------------------
  // Actors and people start tasks. Answers once it is active with its credentials live (10 s at most, then with what there is), or
  // requested, or scheduled. Errors: `no-catalog`, `unknown-type`, parameter errors, `start-denied`, `too-long`, `bad-reason`, `bad-start-time`,
  // `already-started`, `budget-used-up`, `start-raced`, and by break-glass: `no-break-glass`, `break-glass-not-needed`, `break-glass-denied`.
  void Start(const Caller& by, StartRequest request, Answer<StartAnswer> answer);
  // The ends. Refuse uses from the call on, commit, then wait for the credentials to be dead, `wait` at most, and say how far each is.
  // Complete and Withdraw (of a request): the actor or the holder. Revoke: whom the catalog permits, and the operator.
  // Errors: `wrong-state`, `holder-key-needed`, `revoke-denied`, `end-not-recorded` (it is denied, and its end is tried again).
  void Complete(const Caller& by, const std::string& task, Duration wait, Answer<EndAnswer> answer);
  void Withdraw(const Caller& by, const std::string& task, Answer<EndAnswer> answer);
  void Revoke(const Caller& by, const std::string& task, const std::string& why, Duration wait, Answer<EndAnswer> answer);
  // Stops it and its sub-tasks, or lets them go on (suspend.cc). Suspending refuses uses from the call on, commits, and ends every credential;
  // what it held is planned anew when it is resumed, and answered as by Start, without handles. Whom the catalog permits;
  // the operator suspends, and resumes while the first set-up is open. Errors: `suspend-denied`, `resume-denied`, `set-up-is-over`, `wrong-state`,
  // `parent-not-active`, `request-changed` (what was approved is not what it would get now), `suspend-not-recorded` (it is refused, and its
  // suspension is tried again), `clock-in-doubt`, those of planning credentials.
  void Suspend(const Caller& by, const std::string& task, const std::string& why, Duration wait, Answer<EndAnswer> answer);
  void Resume(const Caller& by, const std::string& task, Answer<StartAnswer> answer);
  // More time (extend.cc), for the holder, and whom the catalog permits; perhaps after an approval. Errors: `extend-denied`, `too-long`,
  // `holder-key-needed`, `wrong-state`, `bad-duration`, `bad-reason`, `clock-in-doubt`.
  void Extend(const Caller& by, const std::string& task, Duration more, const std::string& reason, Answer<ExtendAnswer> answer);
  // A sub-task (delegate.cc), for the holder and the actor of `parent`. Answers as Start does. Errors: those of Start, and `delegate-denied`,
  // `not-delegable`, `parent-not-active`, `too-deep`, `too-many-sub-tasks`, `holder-key-needed`.
  void Delegate(const Caller& by, const std::string& parent, DelegateRequest request, Answer<StartAnswer> answer);
  // A person's answer to what has the hash `hash`. Errors: `unknown-approval`, `not-a-person`, `session-too-old`, `approve-denied`,
  // `deny-denied`, `own-request`, `already-approved`, `request-changed`, `start-denied` (not permitted any more).
  void Approve(const Caller& by, const std::string& approval, const std::string& hash, Answer<json::Value> answer);
  void Deny(const Caller& by, const std::string& approval, const std::string& why, Answer<json::Value> answer);
  // A person who could have approved it signs for what a task did that was started by break-glass and has ended. Errors: `wrong-state`,
  // `not-a-person`, `session-too-old`, `review-denied`, `no-review`, `already-reviewed`, `own-request`.
  void Review(const Caller& by, const std::string& task, const std::string& note, Answer<json::Value> answer);
  // The tasks that nobody has signed for, of those that `by` may sign for or see.
  Result<json::Value> ListReviews(const Caller& by);
  // The holder's. Kept in memory. Errors: `wrong-state`.
  Status Heartbeat(const Caller& by, const std::string& task);

  // A held connection of `remit run`: while at least one is held, no heartbeat is missed; when the last closes and none is back within
  // 15 s the task ends. `notify` gets a JSON line for each change of the task, "warning" at 80 % of its life, and last "end" with what died.
  Result<std::uint64_t> Hold(const Caller& by, const std::string& task, std::function<void(const json::Value&)> notify);
  void Release(const std::string& task, std::uint64_t hold);

  // --- use (use.cc) -------------------------------------------------------------------------------------------------------------
  // A PEP's question: is charged. `by` must be permitted `enforce` for the resource. Unknown task or token: a deny, never an error.
  void Evaluate(const Caller& by, UseRequest request, Answer<UseAnswer> answer);
  // A task about itself, or a PEP, or `view`: spends nothing.
  Result<UseAnswer> Check(const Caller& by, const UseRequest& request);
  // What a REMIT_TOKEN or a JWT of ours is worth now, for RFC 7662 (introspect.cc). Nothing but {"active": false} for what is dead or unknown.
  json::Value Introspect(const Caller& by, std::string_view token);
  // The permission set with this hash (hex) that a token says it refers to (`permissions_ref`), as the JSON that was hashed: for an actor that is
  // registered as the token's audience, while the task is active and the token in force (introspect.cc). Errors: `unknown-permissions`, whatever
  // fails.
  Result<json::Value> ReferredPermissions(const Caller& by, const std::string& credential, std::string_view hash) const;
  // Who holds this opaque handle (REMIT_TOKEN or holder key; handles.cc); kNobody where dead or unknown.
  Caller FindHandle(std::string_view handle) const;
  // The task that a handle belongs to, a request included; "" where dead or unknown. To end it only: what a handle may do is FindHandle's.
  std::string TaskOfHandle(std::string_view handle) const;

  // --- tokens for other resource servers (tokens.cc) ------------------------------------------------------------------------------
  // The task's own, while it is active. One credential for each audience and kind: asking again renews it. Errors: `wrong-state`,
  // `bad-audience`, `clock-in-doubt`, `key-not-trusted`.
  void IssueToken(const Caller& by, TokenRequest request, Answer<TokenAnswer> answer);
  // RFC 7517: the keys that verify tokens, and those that verify receipts. Wait for nothing.
  json::Value Jwks() const;
  json::Value ReceiptJwks() const;

  // --- secrets (secrets.cc): decided as any use ---------------------------------------------------------------------------------------
  // What a task is refused is `no-such-secret`. Who may `target.change` writes too, and reads nothing; the operator lists names besides.
  // Errors: also `secret-too-large`, `conflict`; the operator's writes: those of MayAdminister.
  void ReadSecret(const Caller& by, const std::string& path, std::optional<std::uint32_t> version, Answer<SecretAnswer> answer);
  void WriteSecret(const Caller& by, const std::string& path, Secret value, Answer<SecretAnswer> answer);
  void ListSecrets(const Caller& by, const std::string& folder, Answer<json::Value> answer);

  // --- reading (view.cc) ------------------------------------------------------------------------------------------------------------
  // Who may `view`, the actor, the task itself, its holder, the operator. The forms are those of docs/reference/http-api.md.
  Result<json::Value> ShowTask(const Caller& by, const std::string& task);
  Result<json::Value> ListTasks(const Caller& by, const ListFilter& filter);
  Result<json::Value> ListApprovals(const Caller& by);
  // Whether `by` may know what happens to a task, living or ended: whoever may view it, or answer its requests (see.cc). Reads the store.
  bool MaySee(const Caller& by, const std::string& task) const;
  // Whether nothing more can happen to a task: it has ended, what it held is dead, and nobody is asked to sign for it. False for one that there is
  // not. Reads the store.
  bool IsOver(const std::string& task) const;
  // Waits until the task is in another state than `state` (or has ended), `wait` at most.
  void WatchTask(const Caller& by, const std::string& task, const std::string& state, Duration wait, Answer<json::Value> answer);
  Result<std::map<std::string, Secret>> Environment(const Caller& by, const std::string& task);  // of its live credentials; holder only
  // What such a task could do and who may start it (explain.cc); with `under`, whether that task may start it as a part of itself, and what is
  // left of it there: for whoever may see that task. Spends nothing. Errors: `no-catalog`, `unknown-type`, parameter errors.
  Result<json::Value> Explain(const Caller& by, const ExplainRequest& request);
  Result<json::Value> Receipt(const Caller& by, const std::string& task);  // signed; see docs/formats.md. Errors: also `key-not-trusted`
  Result<json::Value> Checkpoint();                                        // signed note of the ledger as it is
  json::Value Health() const;                                              // for /readyz: what is in doubt, if anything
  Counters counters() const;

  // The credentials that should be dead and are not, of all tasks (see.cc).
  std::vector<task::CredentialRecord> EndingCredentials() const;
  // Writes an event of something that is told or kept outside the broker into the ledger, in its order of time, with rows that belong to it, in one
  // commit (see.cc). `fields` have no `type` and no `time`. With `still`, only where that account's declaration is the one that was looked at.
  // Errors: the store's; `account-changed`.
  void Record(std::string_view type, const json::Object& fields, std::vector<store::Write> writes, std::function<void(Status)> done,
              const std::optional<Declared>& still = {});

  // --- seeing to it (sweep.cc) ----------------------------------------------------------------------------------------------------
  // Compares ledger and targets; ends what carries our mark and is not live. Runs at start and on a schedule too.
  void Sweep(Answer<json::Value> answer);

 private:
  explicit Broker(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace remit::broker
