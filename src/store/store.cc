#include "store/store.h"

#include <future>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "ledger/proof.h"

namespace remit::store {
namespace {

ledger::TileSource TilesOf(Store& store) {
  return [&store](ledger::TileId id, std::uint64_t width) { return store.ReadTile(id, width); };
}

Status CheckSize(Store& store, std::uint64_t size) {
  if (const std::uint64_t have = store.Head().size; size > have) {
    return Fail(Code::kNotFound, "no-such-entry", fmt::format("the ledger holds {} events, not {}", have, size));
  }
  return {};
}

}  // namespace

struct Store::Watchers {
  std::mutex mutex;
  std::uint64_t last = 0;
  std::map<std::uint64_t, std::function<void()>> all;
};

Store::~Store() = default;

std::shared_ptr<Store::Watchers> Store::MakeWatchers() { return std::make_shared<Watchers>(); }

std::shared_ptr<void> Store::WatchGrowth(std::function<void()> grew) {
  const std::lock_guard lock(watchers_->mutex);
  const std::uint64_t id = ++watchers_->last;
  watchers_->all[id] = std::move(grew);
  return {nullptr, [watchers = watchers_, id](void*) {
            const std::lock_guard end(watchers->mutex);
            watchers->all.erase(id);
          }};
}

void Store::Grew() {
  const std::lock_guard lock(watchers_->mutex);
  for (const auto& [id, grew] : watchers_->all) grew();
}

Result<Committed> Store::CommitNow(Batch batch) {
  // Shared with the callback: it may still hold the promise when the waiting side has gone on.
  auto promise = std::make_shared<std::promise<Result<Committed>>>();
  auto answer = promise->get_future();
  Commit(std::move(batch), [promise](Result<Committed> result) { promise->set_value(std::move(result)); });
  return answer.get();
}

Result<std::vector<Hash>> Store::InclusionProof(std::uint64_t index, std::uint64_t size) {
  REMIT_TRY(CheckSize(*this, size));
  return ledger::ProveInclusion(index, size, TilesOf(*this));
}

Result<std::vector<Hash>> Store::ConsistencyProof(std::uint64_t old_size, std::uint64_t size) {
  REMIT_TRY(CheckSize(*this, size));
  return ledger::ProveConsistency(old_size, size, TilesOf(*this));
}

Result<Hash> Store::RootAt(std::uint64_t size) {
  REMIT_TRY(CheckSize(*this, size));
  return ledger::RootOf(size, TilesOf(*this));
}

}  // namespace remit::store
