#include "store/sqlite/reader.h"

#include <cstring>

#include <fmt/format.h>

namespace remit::store::sqlite {
namespace {

std::unexpected<Error> Corrupt(std::string what) {
  return Fail(Code::kCorrupt, "store-corrupt", std::move(what), "run `remit ledger verify` to see what is wrong, then restore a backup");
}

// The first key that is behind every key with this prefix; empty: there is none.
std::string Behind(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace

Result<std::unique_ptr<Reader>> Reader::Open(const std::string& path, const char* vfs) {
  auto reader = std::make_unique<Reader>();
  REMIT_ASSIGN(reader->db_, Connection::Open(path, SQLITE_OPEN_READONLY, vfs));
  REMIT_TRY(reader->db_.Exec("PRAGMA query_only = 1; PRAGMA cache_size = -1024; PRAGMA temp_store = MEMORY"));
  return reader;
}

Result<Statement*> Reader::Get(Statement& slot, const std::string& sql) {
  if (slot.empty()) {
    REMIT_ASSIGN(slot, db_.Prepare(sql));
  }
  return &slot;
}

Result<std::optional<std::string>> Reader::Get(Table table, std::string_view key) {
  REMIT_ASSIGN(Statement * get, Get(get_[static_cast<std::size_t>(table)], fmt::format("SELECT value FROM {} WHERE key = ?1", TableName(table))));
  const ResetAtEnd reset(*get);
  REMIT_ASSIGN(const bool row, get->Bind(1, key).Step());
  if (!row) return std::nullopt;
  return std::string(get->Blob(0));
}

namespace {

Status EachRow(Statement& scan, const std::function<bool(std::string_view, std::string_view)>& row) {
  while (true) {
    REMIT_ASSIGN(const bool more, scan.Step());
    if (!more || !row(scan.Blob(0), scan.Blob(1))) return {};
  }
}

}  // namespace

Status Reader::Scan(Table table, std::string_view prefix, const std::function<bool(std::string_view, std::string_view)>& row) {
  const std::string end = Behind(prefix);
  auto& slot = (end.empty() ? scan_all_ : scan_)[static_cast<std::size_t>(table)];
  REMIT_ASSIGN(Statement * scan, Get(slot, fmt::format("SELECT key, value FROM {} WHERE key >= ?1{} ORDER BY key", TableName(table),
                                                       end.empty() ? "" : " AND key < ?2")));
  const ResetAtEnd reset(*scan);
  scan->Bind(1, prefix);
  if (!end.empty()) scan->Bind(2, end);
  return EachRow(*scan, row);
}

Status Reader::ScanBack(Table table, std::string_view prefix, std::string_view before,
                        const std::function<bool(std::string_view, std::string_view)>& row) {
  std::string end = Behind(prefix);
  if (!before.empty() && (end.empty() || before < end)) end = before;
  auto& slot = (end.empty() ? scan_back_all_ : scan_back_)[static_cast<std::size_t>(table)];
  REMIT_ASSIGN(Statement * scan, Get(slot, fmt::format("SELECT key, value FROM {} WHERE key >= ?1{} ORDER BY key DESC", TableName(table),
                                                       end.empty() ? "" : " AND key < ?2")));
  const ResetAtEnd reset(*scan);
  scan->Bind(1, prefix);
  if (!end.empty()) scan->Bind(2, end);
  return EachRow(*scan, row);
}

Status Reader::ScanEvents(std::uint64_t first, std::uint64_t end, const std::function<Result<bool>(ledger::AuditRow&&)>& row) {
  REMIT_ASSIGN(Statement * scan, Get(events_, "SELECT idx, leaf, root, salt, body FROM event WHERE idx >= ?1 AND idx < ?2 ORDER BY idx"));
  const ResetAtEnd reset(*scan);
  scan->Bind(1, first).Bind(2, end);
  while (true) {
    REMIT_ASSIGN(const bool more, scan->Step());
    if (!more) return {};
    ledger::AuditRow event;
    event.index = scan->Number(0);
    REMIT_ASSIGN(event.leaf, scan->ReadHash(1));
    if (!scan->IsNull(2)) {
      REMIT_ASSIGN(event.root, scan->ReadHash(2));
    }
    event.salt = scan->Blob(3);
    if (!scan->IsNull(4)) event.body = std::string(scan->Blob(4));
    REMIT_ASSIGN(const bool go_on, row(std::move(event)));
    if (!go_on) return {};
  }
}

Result<std::uint64_t> Reader::EventCount() {
  REMIT_ASSIGN(Statement * count, Get(count_, "SELECT max(idx) FROM event"));
  const ResetAtEnd reset(*count);
  REMIT_TRY(count->Step());
  return count->IsNull(0) ? 0 : count->Number(0) + 1;
}

Result<std::optional<Hash>> Reader::RecordedRoot(std::uint64_t index) {
  REMIT_ASSIGN(Statement * root, Get(root_, "SELECT root FROM event WHERE idx = ?1"));
  const ResetAtEnd reset(*root);
  REMIT_ASSIGN(const bool row, root->Bind(1, index).Step());
  if (!row || root->IsNull(0)) return std::nullopt;
  return root->ReadHash(0);
}

Result<std::vector<Hash>> Reader::StoredTile(ledger::TileId id) {
  REMIT_ASSIGN(Statement * tile, Get(tile_, "SELECT hashes FROM tile WHERE id = ?1"));
  const ResetAtEnd reset(*tile);
  REMIT_ASSIGN(const bool row, tile->Bind(1, TileRow(id)).Step());
  if (!row) return Fail(Code::kNotFound, "no-such-tile", fmt::format("there is no tile `{}`", ledger::TilePath(id, ledger::kTileWidth)));
  const std::string_view blob = tile->Blob(0);
  std::vector<Hash> hashes(ledger::kTileWidth);
  if (blob.size() != hashes.size() * sizeof(Hash))
    return Corrupt(fmt::format("the tile `{}` has a wrong size", ledger::TilePath(id, ledger::kTileWidth)));
  std::memcpy(hashes.data(), blob.data(), blob.size());
  return hashes;
}

Result<std::vector<Hash>> Reader::Leaves(std::uint64_t first, std::uint64_t count) {
  REMIT_ASSIGN(Statement * leaves, Get(leaves_, "SELECT idx, leaf FROM event WHERE idx >= ?1 AND idx < ?2 ORDER BY idx"));
  const ResetAtEnd reset(*leaves);
  leaves->Bind(1, first).Bind(2, first + count);
  std::vector<Hash> hashes;
  while (true) {
    REMIT_ASSIGN(const bool more, leaves->Step());
    if (!more) break;
    if (leaves->Number(0) != first + hashes.size()) break;
    REMIT_ASSIGN(const Hash leaf, leaves->ReadHash(1));
    hashes.push_back(leaf);
  }
  if (hashes.size() != count) return Corrupt(fmt::format("event {} is missing", first + hashes.size()));
  return hashes;
}

Result<std::unique_ptr<Reader>> ReaderPool::Take() {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto reader = std::move(idle_.back());
      idle_.pop_back();
      return reader;
    }
  }
  return Reader::Open(path_, vfs_);
}

void ReaderPool::Give(std::unique_ptr<Reader> reader) {
  std::lock_guard lock(mutex_);
  if (idle_.size() < kKept) idle_.push_back(std::move(reader));
}

void ReaderPool::Clear() {
  std::lock_guard lock(mutex_);
  idle_.clear();
}

Result<ledger::Tree> RestoreTree(Reader& reader) {
  REMIT_ASSIGN(const std::uint64_t size, reader.EventCount());
  auto tree = ledger::Tree::Restore(size, [&](ledger::TileId id, std::uint64_t width) {
    return width < ledger::kTileWidth ? reader.Leaves(id.index * ledger::kTileWidth, width) : reader.StoredTile(id);
  });
  if (!tree && tree.error().reason == "no-such-tile") return Corrupt(tree.error().message);
  if (!tree || size == 0) return tree;
  REMIT_ASSIGN(const std::optional<Hash> recorded, reader.RecordedRoot(size - 1));
  if (recorded != tree->Root())
    return Corrupt(fmt::format("the ledger of {} events does not give the root that was recorded with its last event", size));
  return tree;
}

}  // namespace remit::store::sqlite
