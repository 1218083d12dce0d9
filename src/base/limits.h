// Every limit of Remit, in one place: each with its unit in its name and its reason beside it.
#pragma once

#include <chrono>
#include <cstddef>

namespace remit::limits {

// Language and documents.
inline constexpr std::size_t kJsonDepth = 64;                    // deeper documents only serve to exhaust the stack of a reader
inline constexpr std::size_t kJsonBytes = 8u << 20;              // as large as the largest catalog or facts upload
inline constexpr std::size_t kCedarDepth = 200;                  // nesting of expressions; evaluation is recursive
inline constexpr std::size_t kCedarTypeNodes = 20'000;           // of one type, common types written out: they can double at each step
inline constexpr std::size_t kCedarSharedBytes = 16u << 20;      // of one schema: what names of one list, or of one shape, hold again for each
inline constexpr std::size_t kCedarSchemaTextBytes = 16u << 20;  // of one schema as text, common types written out
inline constexpr std::size_t kCedarNamespaceBytes = 1024;        // it stands before each name in it
inline constexpr std::size_t kCedarClosureEntries = 1u << 20;    // ancestors of all types and actions of one schema: a chain of n has n² / 2
inline constexpr std::size_t kCedarEnvironments = 1u << 20;      // that one policy is validated in: lists of principals, resources and slots multiply
inline constexpr std::size_t kCedarParseErrors = 100;            // of one text; what follows so many is noise
inline constexpr std::size_t kCedarJsonChain = 1000;             // operands of a chain that JSON nests; longer ones are written balanced
inline constexpr std::size_t kCedarHasValues = 8192;             // values that the chains behind `has` of one policy write again in JSON
inline constexpr std::size_t kCedarRepeatedNodes = 64;           // of an expression that JSON asks for several attributes, once for each
inline constexpr std::size_t kCedarFileBytes = 4u << 20;         // one policy or schema file
inline constexpr std::size_t kCedarAncestors = 32u << 20;        // of all entities of one set together; 4 bytes each in memory
inline constexpr std::size_t kCatalogFiles = 500;                // files of one catalog
inline constexpr std::size_t kConfigBytes = 1u << 20;            // remit.toml is written by people
inline constexpr std::size_t kEntityIdBytes = 1024;              // an id is a name, not a document

// Catalogs.
inline constexpr std::size_t kTypeNameBytes = 64;         // of a @name; people type it
inline constexpr std::size_t kPolicyIdBytes = 128;        // of an @id; it stands in every answer
inline constexpr std::size_t kReasonPatternBytes = 256;   // of a @reason; its matcher's states grow with it
inline constexpr std::size_t kPolicyAlternatives = 64;    // of one policy when it is written as a list of permissions
inline constexpr std::size_t kCatalogTestCases = 10'000;  // of one *.test.toml

// HTTP.
inline constexpr std::size_t kHttpBodyBytes = 1u << 20;       // of a request, but for facts and catalogs
inline constexpr std::size_t kHttpLargeBodyBytes = 8u << 20;  // facts and catalogs
inline constexpr std::size_t kHttpHeaderBytes = 16u << 10;    // start line and all headers
inline constexpr std::size_t kHttpHeaderCount = 64;
inline constexpr std::size_t kHttpTargetBytes = 4096;
inline constexpr std::size_t kHttpConnections = 10'000;
inline constexpr std::chrono::seconds kHttpReadTimeout{30};  // a whole request, from its first byte
inline constexpr std::chrono::seconds kHttpIdleTimeout{75};  // between requests
inline constexpr std::size_t kHttpParameterCount = 64;       // of a query or a form
inline constexpr std::size_t kHttpPathSegments = 32;         // deeper than any route, a whole secret path included
inline constexpr std::size_t kHttpStreamBytes = 1u << 20;    // of a stream that wait for a peer that reads slowly; more cuts it

// Tasks.
inline constexpr std::chrono::seconds kStartWait{10};             // start waits so long for credentials to be live
inline constexpr std::chrono::seconds kCompleteWait{5};           // complete waits so long for credentials to be dead
inline constexpr std::chrono::seconds kHeldConnectionGrace{15};   // a held connection that closed must be back within
inline constexpr std::chrono::seconds kHeartbeatDefault{60};      // silence that ends a task
inline constexpr std::chrono::hours kRequestLife{1};              // a request that nobody approves
inline constexpr std::chrono::hours kScheduleAhead{30 * 24};      // a start lies ahead at most so far: longer, and nobody remembers the yes
inline constexpr std::chrono::hours kScheduleLate{1};             // a start whose time came while the server was down is still wanted
inline constexpr std::chrono::seconds kScheduleRetry{10};         // one that could not be written down, or while the clock was in doubt
inline constexpr std::chrono::hours kApprovalSession{1};          // a person's session that may approve is at most so old
inline constexpr std::size_t kUseApprovalsPerTask = 32;           // questions of one task that wait for people
inline constexpr std::size_t kChangesWaiting = 64;                // changes of catalog, facts and registry that wait for people
inline constexpr std::size_t kLossesShown = 1000;                 // tasks that a dry run names as losing something
inline constexpr std::size_t kTasksPerTurn = 256;                 // looked at before others get their turn
inline constexpr std::size_t kDifferenceBytes = 64u << 10;        // texts of policies that approvers of a catalog are shown
inline constexpr std::chrono::milliseconds kAnchorInterval{500};  // the anchor outside the store is at most 1 s old: this, and the writing
inline constexpr std::chrono::hours kTargetAnchorInterval{1};     // anchors at targets
inline constexpr std::size_t kAnchorBytes = 4096;                 // of a file that holds an anchor
inline constexpr std::size_t kTokensPerTask = 64;                 // audiences and kinds: each is a credential, and stands in the task's row
inline constexpr std::size_t kParameterBytes = 16u << 10;         // all parameters of a start together, as JSON
inline constexpr std::size_t kDelegationDepth = 8;                // tasks above one task: each decision asks every one of them
inline constexpr std::size_t kTreeTasks = 256;                    // tasks that live under one root: they end in one commit
inline constexpr std::size_t kCredentialsPerTask = 256;           // in all: each resumption plans new ones, and its row names them
inline constexpr std::size_t kReasonBytes = 1024;
inline constexpr std::size_t kTokenPermissionBytes = 4096;  // a larger permission set goes into a token by reference
inline constexpr std::size_t kIntrospectedPermissionBytes = 4u
                                                            << 20;  // what introspection says of one: a body, not a header; half of what clients read
inline constexpr std::size_t kAudiencesPerActor = 16;               // of one resource server: its names; each is compared at each resolved reference
inline constexpr std::size_t kFactsSourceBytes = 1024;              // where facts came from: a path or URL, in an event
inline constexpr std::size_t kAudienceBytes = 512;                  // a resource server's name: a URI
inline constexpr std::chrono::seconds kOfflineTokenLife{60};
inline constexpr std::chrono::seconds kClockSkew{5};  // between us and those who check our tokens, and the start-up check

// Credentials.
inline constexpr std::chrono::seconds kSweepInterval{60};  // ledger and targets are compared so often
inline constexpr std::chrono::seconds kEndBackoffMax{30};  // ending is retried for ever, at least this often
inline constexpr std::size_t kTargetWorkers = 8;           // credentials that are made or ended at the same time
inline constexpr std::chrono::seconds kPathProofLife{1};   // a role's login counts for its like: a path that closed unseen is noticed within
inline constexpr std::size_t kPathProofs = 64;             // of one target: sets of tables that are asked for within that time

// Standing access.
inline constexpr std::size_t kReplacePlanBytes = 256u << 20;  // one plan of `remit replace`: some 400 bytes a grant, of an account with very many

// Secrets.
inline constexpr std::size_t kSecretBytes = 64u << 10;  // one version of one secret
inline constexpr std::size_t kSecretVersions = 10;      // kept of one secret
inline constexpr std::size_t kSecretPathSegments = 16;
inline constexpr std::size_t kSecretPathBytes = 512;

// Tokens and keys.
inline constexpr std::size_t kTokenBytes = 16u << 10;       // a compact JWS: as large as the headers that carry it
inline constexpr std::size_t kTokenHeaderBytes = 4u << 10;  // its header, as JSON
inline constexpr std::size_t kTokenJsonDepth = 16;          // of its header and claims
inline constexpr std::size_t kTokenIdBytes = 256;           // a `jti`: it is remembered against replays
inline constexpr std::size_t kJwkSetKeys = 100;             // each may be tried on a token without kid
inline constexpr std::size_t kKeyFileBytes = 64u << 10;     // one private key

// Callers.
inline constexpr std::chrono::minutes kActorSessionLife{15};   // short: a stolen handle is soon worth nothing, a key gets the next one
inline constexpr std::chrono::hours kPersonSessionLife{8};     // a working day
inline constexpr std::chrono::minutes kSignInLinkLife{10};     // from the administrator's screen to the person's browser
inline constexpr std::size_t kSessionsPerOwner = 256;          // more of one actor or person end the oldest
inline constexpr std::chrono::minutes kAssertionLife{5};       // of a client assertion: bounds what must be remembered against replays
inline constexpr std::size_t kAssertionsRemembered = 100'000;  // then no further one is taken until some expire

// The REST API.
inline constexpr std::chrono::minutes kLongestWait{5};  // `wait` of a long poll or an end: proxies cut longer ones
inline constexpr std::chrono::seconds kHoldTick{5};     // sign of life on a held connection; a third of its grace
inline constexpr std::size_t kBatchEvaluations = 100;   // of one AuthZEN evaluations request
inline constexpr std::size_t kListPage = 1000;          // tasks of one page, at most
inline constexpr std::size_t kLedgerPage = 1000;        // ledger entries of one page, at most
inline constexpr std::size_t kRequestIdBytes = 200;     // X-Request-ID and Idempotency-Key are names, not documents

// What is told: streams of events, and webhooks.
inline constexpr std::size_t kEventStreams = 256;  // open at the same time
inline constexpr std::size_t kEventStreamsPerCaller = 16;
inline constexpr std::size_t kEventPage = 256;                  // events that one stream looks at before others have their turn
inline constexpr std::size_t kEventPageBytes = 64u << 10;       // of a stream that are written before its peer has read them
inline constexpr std::size_t kEventFilterTypes = 32;            // types of one filter
inline constexpr std::chrono::seconds kEventTick{15};           // sign of life on a stream of events; its caller is looked at again then
inline constexpr std::size_t kWebhooks = 16;                    // of one server: each has its own place in the ledger
inline constexpr std::size_t kWebhookBodyBytes = 32u << 10;     // of one message; a larger event goes by reference
inline constexpr std::size_t kWebhookAnswerBytes = 16u << 10;   // what a receiver says is not looked at
inline constexpr std::size_t kWebhookSkip = 1024;               // events that nobody wants, until the place is written down again
inline constexpr std::chrono::seconds kWebhookTimeout{10};      // of one attempt
inline constexpr std::chrono::seconds kWebhookFirstBackoff{2};  // doubled with each attempt that fails
inline constexpr std::chrono::minutes kWebhookMaxBackoff{5};    // and never longer, so that a receiver that is back is soon told
inline constexpr std::chrono::hours kWebhookGiveUp{24};         // a message that is older and was refused is given up

// Logs of servers, and what is read from them.
inline constexpr std::size_t kLogFieldBytes = 64u << 10;  // of one column; what is longer is a statement, of which nothing is read
inline constexpr std::size_t kLogLineBytes = 8u << 20;    // of one line of JSON; a longer one is lost, and counted
inline constexpr std::size_t kLogNameBytes = 256;         // of what a refusal names; longer is no name of PostgreSQL's
inline constexpr std::size_t kScanSessions = 1'000'000;   // open at a time, and remembered as ended; about 200 bytes each
inline constexpr std::size_t kScanUses = 200'000;         // distinct: account, database, object and privilege
inline constexpr std::size_t kScanRefusals = 10'000;      // distinct; a client chooses the texts of some
inline constexpr std::size_t kScanFindings = 1'000;       // kinds by account; clients choose names

}  // namespace remit::limits
