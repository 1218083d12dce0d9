#include "store/memory/memory_store.h"

#include <fmt/format.h>

#include "ledger/hash.h"

namespace remit::store {
namespace {

Error Failed() { return Error(Code::kUnavailable, "store-failed", "the store does not answer"); }

}  // namespace

MemoryStore::MemoryStore(Rng& rng, Mode mode) : rng_(rng), mode_(mode) {
  if (mode_ == Mode::kThread) thread_ = std::thread([this] { Run(); });
}

MemoryStore::~MemoryStore() {
  std::deque<Pending> left;
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
    if (held_) left.swap(queue_);
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  for (Pending& pending : left) pending.done(Fail(Code::kUnavailable, "store-closed", "the store is closed"));
}

void MemoryStore::Commit(Batch batch, Done done) {
  std::unique_lock lock(mutex_);
  if (mode_ == Mode::kThread || held_) {
    queue_.push_back(Pending{std::move(batch), std::move(done)});
    wake_.notify_all();
    return;
  }
  Result<Committed> result = Apply(batch);
  lock.unlock();
  const bool grew = result.has_value() && !batch.events.empty();
  done(std::move(result));
  if (grew) Grew();
}

void MemoryStore::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return closing_ || (!queue_.empty() && !held_); });
    if (queue_.empty() || held_) return;
    Pending pending = std::move(queue_.front());
    queue_.pop_front();
    Result<Committed> result = Apply(pending.batch);
    lock.unlock();
    const bool grew = result.has_value() && !pending.batch.events.empty();
    pending.done(std::move(result));
    if (grew) Grew();
    lock.lock();
  }
}

Result<Committed> MemoryStore::Apply(const Batch& batch) {
  if (fail_all_) return std::unexpected(Failed());
  if (fail_next_ > 0) {
    --fail_next_;
    return std::unexpected(fail_error_);
  }
  if (full_ && !batch.must_fit) return Fail(Code::kResourceExhausted, "store-full", "the disk is full");
  for (const Expect& expect : batch.expects) {
    const auto row = state_.rows.find({expect.table, expect.key});
    const bool holds = expect.value ? row != state_.rows.end() && row->second == *expect.value : row == state_.rows.end();
    if (!holds) return Fail(Code::kConflict, "conflict", fmt::format("the row `{}` was changed by somebody else", expect.key));
  }
  for (const Write& write : batch.writes) {
    if (write.value) {
      state_.rows[{write.table, write.key}] = *write.value;
    } else {
      state_.rows.erase({write.table, write.key});
    }
  }
  const Committed committed{state_.tree.size()};
  for (const std::string& body : batch.events) {
    StoredEvent event{state_.tree.size(), body, ToText(rng_.Take(ledger::kSaltBytes)), {}};
    event.leaf = ledger::EventLeaf(event.index, AsBytes(event.salt), AsBytes(body));
    std::vector<ledger::Tile> full;
    state_.tree.Append(event.leaf, &full);
    for (ledger::Tile& tile : full) state_.tiles[tile.id] = std::move(tile.hashes);
    state_.events.push_back(std::move(event));
  }
  return committed;
}

Status MemoryStore::Readable() const {
  if (fail_all_) return std::unexpected(Failed());
  return {};
}

Result<std::optional<std::string>> MemoryStore::Get(Table table, std::string_view key) {
  std::lock_guard lock(mutex_);
  REMIT_TRY(Readable());
  const auto row = state_.rows.find({table, std::string(key)});
  if (row == state_.rows.end()) return std::nullopt;
  return row->second;
}

Status MemoryStore::Scan(Table table, std::string_view prefix, const std::function<bool(std::string_view, std::string_view)>& row) {
  std::vector<std::pair<std::string, std::string>> found;  // called without the lock, so that `row` may use the store
  {
    std::lock_guard lock(mutex_);
    REMIT_TRY(Readable());
    for (auto it = state_.rows.lower_bound({table, std::string(prefix)}); it != state_.rows.end(); ++it) {
      if (it->first.first != table || !it->first.second.starts_with(prefix)) break;
      found.emplace_back(it->first.second, it->second);
    }
  }
  for (const auto& [key, value] : found) {
    if (!row(key, value)) break;
  }
  return {};
}

Status MemoryStore::ScanBack(Table table, std::string_view prefix, std::string_view before,
                             const std::function<bool(std::string_view, std::string_view)>& row) {
  std::vector<std::pair<std::string, std::string>> found;
  REMIT_TRY(Scan(table, prefix, [&](std::string_view key, std::string_view value) {
    if (!before.empty() && key >= before) return false;
    found.emplace_back(key, value);
    return true;
  }));
  for (auto it = found.rbegin(); it != found.rend() && row(it->first, it->second);) ++it;
  return {};
}

TreeHead MemoryStore::Head() {
  std::lock_guard lock(mutex_);
  return {state_.tree.size(), state_.tree.Root()};
}

Status MemoryStore::ScanEvents(std::uint64_t first, const std::function<bool(const StoredEvent&)>& event) {
  std::vector<StoredEvent> found;
  {
    std::lock_guard lock(mutex_);
    REMIT_TRY(Readable());
    if (first < state_.events.size()) found.assign(state_.events.begin() + static_cast<std::ptrdiff_t>(first), state_.events.end());
  }
  for (const StoredEvent& one : found) {
    if (!event(one)) break;
  }
  return {};
}

Result<std::vector<Hash>> MemoryStore::ReadTile(ledger::TileId id, std::uint64_t width) {
  std::lock_guard lock(mutex_);
  REMIT_TRY(Readable());
  if (id.level >= ledger::kTileLevels || width == 0 || ledger::TileWidthAt(id, state_.tree.size()) < width) {
    return Fail(Code::kNotFound, "no-such-tile", fmt::format("there is no tile `{}`", ledger::TilePath(id, width)));
  }
  const auto tile = state_.tiles.find(id);
  return tile != state_.tiles.end() ? tile->second : state_.tree.OpenTile(id.level);
}

Status MemoryStore::EraseEventBodies(const std::vector<std::uint64_t>& indices) {
  std::lock_guard lock(mutex_);
  REMIT_TRY(Readable());
  for (const std::uint64_t index : indices) {
    if (index >= state_.events.size()) return Fail(Code::kNotFound, "no-such-entry", fmt::format("no event {}", index));
  }
  for (const std::uint64_t index : indices) state_.events[index].body.reset();
  return {};
}

void MemoryStore::FailNext(int count, Error error) {
  std::lock_guard lock(mutex_);
  fail_next_ = count;
  fail_error_ = std::move(error);
}

void MemoryStore::FailAll(bool on) {
  std::lock_guard lock(mutex_);
  fail_all_ = on;
}

void MemoryStore::FillDisk(bool on) {
  std::lock_guard lock(mutex_);
  full_ = on;
}

void MemoryStore::HoldCommits() {
  std::lock_guard lock(mutex_);
  held_ = true;
}

void MemoryStore::ReleaseCommits() {
  std::unique_lock lock(mutex_);
  if (mode_ == Mode::kThread) {
    held_ = false;
    wake_.notify_all();
    return;
  }
  // Commits that a `done` makes meanwhile go to the end of the queue: they stay in order.
  const std::uint64_t size = state_.tree.size();
  while (!queue_.empty()) {
    Pending pending = std::move(queue_.front());
    queue_.pop_front();
    Result<Committed> result = Apply(pending.batch);
    lock.unlock();
    pending.done(std::move(result));
    lock.lock();
  }
  held_ = false;
  const bool grew = state_.tree.size() > size;
  lock.unlock();
  if (grew) Grew();
}

void MemoryStore::LoseHeld() {
  std::deque<Pending> lost;
  const std::lock_guard lock(mutex_);
  if (held_) lost.swap(queue_);
}

std::size_t MemoryStore::HeldCommits() const {
  std::lock_guard lock(mutex_);
  return held_ ? queue_.size() : 0;
}

std::unique_ptr<MemoryStore> MemoryStore::Snapshot(Mode mode) const {
  auto copy = std::make_unique<MemoryStore>(rng_, mode);
  std::lock_guard lock(mutex_);
  std::lock_guard copy_lock(copy->mutex_);
  copy->state_ = state_;
  return copy;
}

}  // namespace remit::store
