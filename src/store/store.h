// What must outlive the process: rows of a few tables, and the ledger. One commit changes rows and appends events, together or not at
// all (promise I3). The rooms above decide what a row holds; a store only keeps bytes.
//
// One interface, one contract test (contract_test.h), several implementations.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "ledger/tree.h"

namespace remit::store {

// One row each is a key and a value, both bytes. What they hold is written down in docs/formats.md, "The store".
enum class Table : std::uint8_t {
  kMeta = 1,          // key: "installation", "master-key" (its id), "epoch", "catalog" (hash of the one in force), "offboarding/" and whose, …
  kTask = 2,          // key: task id
  kCredential = 3,    // key: credential id
  kApproval = 4,      // key: approval id; requests to approve a use (that of a start is the task itself)
  kCatalog = 5,       // key: hash of the catalog, hex
  kFact = 6,          // key: entity uid
  kActor = 7,         // key: entity uid
  kPerson = 8,        // key: entity uid
  kSession = 9,       // key: hash of a handle, hex (people's and PEPs' sessions, sign-in links)
  kSecret = 10,       // key: path, a zero byte, version
  kKey = 11,          // key: "access", "receipt", "checkpoint": signing keys, sealed; "since/" and which; "old/", which, "/", kid: public. What is
                      // written over here is in no file of the store's afterwards
  kReplay = 12,       // key: what may be used once (client assertion ids), until it expires
  kIdempotency = 13,  // key: "use/", "start/" or "rotate/" and which, "/", the caller, "/", the key that it chose; what came of it, for a day
  kEndedTask = 14,    // key: task id; moved here from kTask when a task ends, so that a start reads live tasks only
  kEndedCredential = 15,  // key: credential id; likewise
  kBudget = 16,           // key: "start/", type, 0, actor, 0, task id: a start that counts; "guard/" and a hash: who was counted last
  kReview = 17,           // key: task id; starts by break-glass that nobody has signed yet
};

// Puts a value, or deletes the row where there is none.
struct Write {
  Table table;
  std::string key;
  std::optional<std::string> value;
};

// A condition of a commit: the row holds exactly this value (or is absent). What makes spends and hand-overs safe between servers.
struct Expect {
  Table table;
  std::string key;
  std::optional<std::string> value;
};

struct Batch {
  std::vector<Expect> expects;
  std::vector<Write> writes;
  std::vector<std::string> events;  // each the canonical JSON (RFC 8785) of one ledger event
  bool must_fit = false;            // an end: may use the space that is kept in reserve when the disk is full
};

struct Committed {
  std::uint64_t first_event = 0;  // index in the ledger of the first of the batch's events
};

// One event of the ledger as stored. The leaf of the tree is the hash of a commitment to salt and body (docs/formats.md), so a body can
// be erased (nullopt) and every proof still holds.
struct StoredEvent {
  std::uint64_t index = 0;
  std::optional<std::string> body;
  std::string salt;
  Hash leaf{};
};

using ledger::TreeHead;

// Thread-safe throughout.
class Store {
 public:
  using Done = std::function<void(Result<Committed>)>;

  virtual ~Store();

  // Commits the batch durably, then calls `done` once, on a thread of the store's. Batches commit in the order of the calls; many share
  // one fsync. Reads see a batch once `done` was called. Errors: `conflict` (an Expect does not hold; nothing is changed),
  // `store-full` (kResourceExhausted), `store-failed` (kUnavailable), `store-closed`.
  virtual void Commit(Batch batch, Done done) = 0;

  // The same, waiting. Never call it on the store's own thread.
  Result<Committed> CommitNow(Batch batch);

  // Errors of the reads: `store-failed`, `store-corrupt`.
  virtual Result<std::optional<std::string>> Get(Table table, std::string_view key) = 0;

  // Calls `row` for each row whose key begins with `prefix`, in order of keys, until it returns false.
  virtual Status Scan(Table table, std::string_view prefix, const std::function<bool(std::string_view key, std::string_view value)>& row) = 0;

  // The same in falling order of keys; with `before`, from the last key that is smaller.
  virtual Status ScanBack(Table table, std::string_view prefix, std::string_view before,
                          const std::function<bool(std::string_view key, std::string_view value)>& row) = 0;

  // The ledger as committed.
  virtual TreeHead Head() = 0;

  // Calls `event` for each event from `first` on, in order, until it returns false.
  virtual Status ScanEvents(std::uint64_t first, const std::function<bool(const StoredEvent&)>& event) = 0;

  // The hashes of a tile of the tree as committed, at least `width` of them. Errors: `no-such-tile`, those of the reads.
  virtual Result<std::vector<Hash>> ReadTile(ledger::TileId id, std::uint64_t width) = 0;

  // Proofs (RFC 9162 §2.1) over the tree of the first `size` leaves, from O(log size) tiles. Errors: `no-such-entry`, those of the reads.
  virtual Result<std::vector<Hash>> InclusionProof(std::uint64_t index, std::uint64_t size);
  virtual Result<std::vector<Hash>> ConsistencyProof(std::uint64_t old_size, std::uint64_t size);

  // The root of the first `size` leaves. Errors: `no-such-entry`, those of the reads.
  virtual Result<Hash> RootAt(std::uint64_t size);

  // Replaces the bodies of events by nothing (personal data whose time is over), durably, also in what is left of older pages and logs.
  // Proofs still hold. Indices that are erased already count as done. Errors: `no-such-entry` (nothing is erased), `store-failed`, `store-full`.
  virtual Status EraseEventBodies(const std::vector<std::uint64_t>& indices) = 0;

  // Calls `grew` whenever the ledger has grown, once the new events can be read and whoever committed them has been told: once for a group of
  // commits. It runs on a thread of the store's and must not block, nor begin or end a watch. The watch ends with what is returned: after that no
  // call runs or comes. The store may end first.
  std::shared_ptr<void> WatchGrowth(std::function<void()> grew);

 protected:
  // For implementations: tells those who watch. Not under a lock of the store's.
  void Grew();

 private:
  struct Watchers;
  std::shared_ptr<Watchers> watchers_ = MakeWatchers();
  static std::shared_ptr<Watchers> MakeWatchers();
};

}  // namespace remit::store
