// What the tests of this room share: a store in memory whose commits can be made to fail, and a directory that tests fill by hand.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "identity/directory.h"
#include "store/store.h"

namespace remit::identity {

// Keeps rows and events; answers on the caller's thread. What a commit that fails wanted is forgotten.
class FakeStore final : public store::Store {
 public:
  std::map<std::pair<store::Table, std::string>, std::string> rows;
  std::vector<std::string> events;
  int commits = 0;
  bool failing = false;
  bool holding = false;  // commits wait for Release()

  void Commit(store::Batch batch, Done done) override {
    if (holding) {
      held_.emplace_back(std::move(batch), std::move(done));
      return;
    }
    done(Apply(batch));
  }

  void Release() {
    holding = false;
    for (auto& [batch, done] : std::exchange(held_, {})) done(Apply(batch));
  }

  Result<std::optional<std::string>> Get(store::Table table, std::string_view key) override { return Row(table, std::string(key)); }

  Status Scan(store::Table table, std::string_view prefix, const std::function<bool(std::string_view, std::string_view)>& row) override {
    for (const auto& [key, value] : rows) {
      if (key.first == table && key.second.starts_with(prefix) && !row(key.second, value)) break;
    }
    return {};
  }

  Status ScanBack(store::Table table, std::string_view prefix, std::string_view before,
                  const std::function<bool(std::string_view, std::string_view)>& row) override {
    for (auto it = rows.rbegin(); it != rows.rend(); ++it) {
      const auto& [key, value] = *it;
      if (key.first == table && key.second.starts_with(prefix) && (before.empty() || key.second < before) && !row(key.second, value)) break;
    }
    return {};
  }

  store::TreeHead Head() override { return {events.size(), {}}; }
  Status ScanEvents(std::uint64_t, const std::function<bool(const store::StoredEvent&)>&) override { return {}; }
  Result<std::vector<Hash>> InclusionProof(std::uint64_t, std::uint64_t) override { return std::vector<Hash>{}; }
  Result<std::vector<Hash>> ConsistencyProof(std::uint64_t, std::uint64_t) override { return std::vector<Hash>{}; }
  Result<Hash> RootAt(std::uint64_t) override { return Hash{}; }
  Result<std::vector<Hash>> ReadTile(ledger::TileId, std::uint64_t) override { return std::vector<Hash>{}; }
  Status EraseEventBodies(const std::vector<std::uint64_t>&) override { return {}; }

 private:
  std::optional<std::string> Row(store::Table table, const std::string& key) const {
    const auto it = rows.find({table, key});
    return it == rows.end() ? std::nullopt : std::optional(it->second);
  }

  Result<store::Committed> Apply(const store::Batch& batch) {
    if (failing) return Fail(Code::kUnavailable, "store-failed", "the disk is on fire");
    for (const store::Expect& e : batch.expects) {
      if (Row(e.table, e.key) != e.value) return Fail(Code::kConflict, "conflict", "somebody else was first");
    }
    for (const store::Write& w : batch.writes) {
      if (w.value.has_value()) {
        rows[{w.table, w.key}] = *w.value;
      } else {
        rows.erase({w.table, w.key});
      }
    }
    const std::uint64_t first = events.size();
    events.insert(events.end(), batch.events.begin(), batch.events.end());
    ++commits;
    return store::Committed{first};
  }

  std::vector<std::pair<store::Batch, Done>> held_;
};

class FakeDirectory final : public Directory {
 public:
  std::map<cedar::EntityUid, RegisteredActor> actors;
  std::map<cedar::EntityUid, RegisteredPerson> people;
  std::map<std::uint32_t, cedar::EntityUid> unix_uids;
  std::map<std::string, Caller, std::less<>> handles;

  std::optional<RegisteredActor> FindActor(const cedar::EntityUid& uid) const override {
    const auto it = actors.find(uid);
    return it == actors.end() ? std::nullopt : std::optional(it->second);
  }
  std::optional<RegisteredActor> FindActorByClientId(const std::string& client_id) const override {
    for (const auto& [uid, actor] : actors) {
      if (actor.client_id == client_id) return actor;
    }
    return std::nullopt;
  }
  std::optional<RegisteredActor> FindActorByUnixUid(std::uint32_t uid) const override {
    const auto it = unix_uids.find(uid);
    return it == unix_uids.end() ? std::nullopt : FindActor(it->second);
  }
  std::optional<RegisteredPerson> FindPerson(const cedar::EntityUid& uid) const override {
    const auto it = people.find(uid);
    return it == people.end() ? std::nullopt : std::optional(it->second);
  }
  Caller FindHandle(std::string_view handle) const override {
    const auto it = handles.find(handle);
    return it == handles.end() ? Caller{} : it->second;
  }
};

// Runs a call that answers at once, and gives its answer.
template <class T, class Call>
Result<T> Await(Call&& call) {
  std::optional<Result<T>> got;
  call([&got](Result<T> answer) { got.emplace(std::move(answer)); });
  REMIT_CHECK(got.has_value());
  return std::move(*got);
}

}  // namespace remit::identity
