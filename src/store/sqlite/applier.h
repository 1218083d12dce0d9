// Turns a group of batches into one transaction on the writing connection.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "base/rng.h"
#include "ledger/tree.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite.h"
#include "store/store.h"

namespace remit::store::sqlite {

// A batch on its way, and what became of it.
struct Item {
  Batch batch;
  Store::Done done;
  Result<Committed> result = Committed{};
};

// The writer's thread alone.
class Applier {
 public:
  // `db` must outlive it. Errors: those of SqliteError.
  static Result<Applier> Make(Connection& db);

  // One durable transaction with every item whose expectations hold; each item's result says which. `tree` grows by their events.
  // On an error nothing is changed and `tree` is worth nothing.
  Status Apply(std::span<Item* const> items, ledger::Tree& tree, Rng& rng);

  // Removes the bodies, overwriting what they said. Errors: those of SqliteError.
  Status Erase(const std::vector<std::uint64_t>& indices);

 private:
  struct TableStatements {
    Statement get, put, remove;
  };
  struct NewEvent {
    std::uint64_t index;
    std::string_view body;
    Hash leaf;
  };

  explicit Applier(Connection& db) : db_(&db) {}
  Status ApplyAll(std::span<Item* const> items, ledger::Tree& tree, Rng& rng);
  Result<bool> Holds(const Expect& expect);
  Status Put(const Write& write);
  Status InsertEvents(const std::vector<NewEvent>& events, ByteView salts, const Hash& root);
  Status InsertTiles(const std::vector<ledger::Tile>& tiles);
  Result<TableStatements*> StatementsOf(Table table);

  Connection* db_;
  Statement begin_, commit_, insert_event_, insert_tile_, erase_;
  std::array<TableStatements, kTables + 1> tables_;
};

}  // namespace remit::store::sqlite
