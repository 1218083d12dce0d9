#include "store/sqlite/applier.h"

#include <fmt/format.h>

#include "base/text.h"
#include "ledger/hash.h"
#include "store/sqlite/reader.h"

namespace remit::store::sqlite {

Result<Applier> Applier::Make(Connection& db) {
  Applier applier(db);
  // IMMEDIATE: the write lock is taken at once, so that what is read for expectations cannot change before it is written.
  REMIT_ASSIGN(applier.begin_, db.Prepare("BEGIN IMMEDIATE"));
  REMIT_ASSIGN(applier.commit_, db.Prepare("COMMIT"));
  REMIT_ASSIGN(applier.insert_event_, db.Prepare("INSERT INTO event (idx, leaf, root, salt, body) VALUES (?1, ?2, ?3, ?4, ?5)"));
  REMIT_ASSIGN(applier.insert_tile_, db.Prepare("INSERT INTO tile (id, hashes) VALUES (?1, ?2)"));
  REMIT_ASSIGN(applier.erase_, db.Prepare("UPDATE event SET body = NULL WHERE idx = ?1 AND body IS NOT NULL"));
  return applier;
}

Status Applier::Apply(std::span<Item* const> items, ledger::Tree& tree, Rng& rng) {
  Status status = ApplyAll(items, tree, rng);
  if (!status) db_->Rollback();
  return status;
}

Status Applier::ApplyAll(std::span<Item* const> items, ledger::Tree& tree, Rng& rng) {
  std::size_t count = 0;
  for (const Item* item : items) count += item->batch.events.size();
  const Bytes salts = rng.Take(count * ledger::kSaltBytes);
  std::vector<NewEvent> events;
  events.reserve(count);
  std::vector<ledger::Tile> tiles;

  REMIT_TRY(begin_.Run());
  for (Item* item : items) {
    item->result = Committed{tree.size()};
    // Expectations are read before anything of the batch is written, in a transaction that sees the batches before it: a conflict
    // leaves nothing to undo.
    for (const Expect& expect : item->batch.expects) {
      REMIT_ASSIGN(const bool holds, Holds(expect));
      if (holds) continue;
      item->result = Fail(Code::kConflict, "conflict", fmt::format("the row `{}` was changed by somebody else", EscapeControl(expect.key)));
      break;
    }
    if (!item->result) continue;
    for (const Write& write : item->batch.writes) REMIT_TRY(Put(write));
    for (const std::string& body : item->batch.events) {
      const ByteView salt = ByteView(salts).subspan(events.size() * ledger::kSaltBytes, ledger::kSaltBytes);
      const Hash leaf = ledger::EventLeaf(tree.size(), salt, AsBytes(body));
      events.push_back(NewEvent{tree.size(), body, leaf});
      tree.Append(leaf, &tiles);
    }
  }
  if (!events.empty()) REMIT_TRY(InsertEvents(events, salts, tree.Root()));
  REMIT_TRY(InsertTiles(tiles));
  return commit_.Run();
}

Result<bool> Applier::Holds(const Expect& expect) {
  REMIT_ASSIGN(TableStatements * table, StatementsOf(expect.table));
  const ResetAtEnd reset(table->get);
  REMIT_ASSIGN(const bool row, table->get.Bind(1, expect.key).Step());
  if (!row) return !expect.value.has_value();
  return expect.value.has_value() && table->get.Blob(0) == *expect.value;
}

Status Applier::Put(const Write& write) {
  REMIT_ASSIGN(TableStatements * table, StatementsOf(write.table));
  if (!write.value) return table->remove.Bind(1, write.key).Run();
  return table->put.Bind(1, write.key).Bind(2, *write.value).Run();
}

Status Applier::InsertEvents(const std::vector<NewEvent>& events, ByteView salts, const Hash& root) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    insert_event_.Bind(1, events[i].index).Bind(2, events[i].leaf).BindNull(3);
    insert_event_.Bind(4, AsText(salts.subspan(i * ledger::kSaltBytes, ledger::kSaltBytes))).Bind(5, events[i].body);
    if (i + 1 == events.size()) insert_event_.Bind(3, root);
    REMIT_TRY(insert_event_.Run());
  }
  return {};
}

Status Applier::InsertTiles(const std::vector<ledger::Tile>& tiles) {
  for (const ledger::Tile& tile : tiles) {
    const std::string_view hashes(reinterpret_cast<const char*>(tile.hashes.data()), tile.hashes.size() * sizeof(Hash));
    REMIT_TRY(insert_tile_.Bind(1, TileRow(tile.id)).Bind(2, hashes).Run());
  }
  return {};
}

Result<Applier::TableStatements*> Applier::StatementsOf(Table table) {
  TableStatements& statements = tables_[static_cast<std::size_t>(table)];
  if (statements.get.empty()) {
    const std::string_view name = TableName(table);
    REMIT_ASSIGN(statements.put, db_->Prepare(fmt::format("REPLACE INTO {} (key, value) VALUES (?1, ?2)", name)));
    REMIT_ASSIGN(statements.remove, db_->Prepare(fmt::format("DELETE FROM {} WHERE key = ?1", name)));
    REMIT_ASSIGN(statements.get, db_->Prepare(fmt::format("SELECT value FROM {} WHERE key = ?1", name)));
  }
  return &statements;
}

Status Applier::Erase(const std::vector<std::uint64_t>& indices) {
  const auto run = [&]() -> Status {
    // Freed pages are overwritten with zeros, too; elsewhere only what lies in pages that are written anyway.
    REMIT_TRY(db_->Exec("PRAGMA secure_delete = ON"));
    REMIT_TRY(begin_.Run());
    for (const std::uint64_t index : indices) REMIT_TRY(erase_.Bind(1, index).Run());
    return commit_.Run();
  };
  Status status = run();
  if (!status) db_->Rollback();
  REMIT_TRY(db_->Exec("PRAGMA secure_delete = FAST"));
  return status;
}

}  // namespace remit::store::sqlite
