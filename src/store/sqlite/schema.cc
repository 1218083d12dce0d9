#include "store/sqlite/schema.h"

#include <array>
#include <cstring>

#include <unistd.h>

#include <fmt/format.h>

namespace remit::store::sqlite {
namespace {

// Rows lie in the order of their keys, which are made in the order of time: new ones go to the right edge of the tree.
// event: `leaf` and `root` come first, so that reading them does not touch the pages that a long body flows over to. `root` is recorded
// with the last event of each transaction. tile: id is level << 48 | index; complete tiles only.
constexpr Migration kMigrations[] = {
    {1, R"sql(
CREATE TABLE meta        (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE task        (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE credential  (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE approval    (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE catalog     (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE fact        (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE actor       (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE person      (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE session     (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE secret      (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE signing_key (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE replay      (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE idempotency (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE ended_task  (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE ended_credential (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE event (idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL, root BLOB, salt BLOB NOT NULL, body BLOB);
CREATE TABLE tile (id INTEGER PRIMARY KEY, hashes BLOB NOT NULL);
)sql"},
    {2, R"sql(
CREATE TABLE budget (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE review (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
)sql"},
};

std::unexpected<Error> NotRemit(const std::string& path) {
  return Fail(Code::kFailedPrecondition, "not-a-remit-store", fmt::format("`{}` is another program's file, not a store of Remit", path),
              "give another path; nothing was changed");
}

}  // namespace

std::span<const Migration> Migrations() { return kMigrations; }

std::string_view TableName(Table table) {
  static constexpr std::array<std::string_view, kTables + 1> kNames = {
      "",       "meta",        "task",   "credential",  "approval",   "catalog",          "fact",   "actor", "person", "session",
      "secret", "signing_key", "replay", "idempotency", "ended_task", "ended_credential", "budget", "review"};
  const auto number = static_cast<std::size_t>(table);
  REMIT_CHECK(number >= 1 && number <= kTables);
  return kNames[number];
}

Status CheckHeader(int fd, const std::string& path) {
  // The database header (sqlite.org/fileformat2.html §1.3): a magic text, and the application id at byte 68, big endian.
  constexpr std::size_t kHeaderBytes = 100, kIdAt = 68;
  std::array<std::uint8_t, kHeaderBytes> header;
  const ssize_t size = pread(fd, header.data(), header.size(), 0);
  if (size == 0 || access((path + "-journal").c_str(), F_OK) == 0) return {};
  if (size != kHeaderBytes || std::memcmp(header.data(), "SQLite format 3", 16) != 0) return NotRemit(path);
  std::uint32_t id = 0;
  for (std::size_t i = 0; i < 4; ++i) id = id << 8 | header[kIdAt + i];
  if (id != kApplicationId) return NotRemit(path);
  return {};
}

Result<SchemaState> CheckSchema(Connection& db, const std::string& path, std::span<const Migration> migrations) {
  auto pages = db.Number("PRAGMA page_count");
  if (!pages && pages.error().reason == "store-corrupt") return NotRemit(path);
  if (!pages) return std::unexpected(pages.error());
  if (*pages == 0) return SchemaState{true, 0};
  REMIT_ASSIGN(const std::uint64_t id, db.Number("PRAGMA application_id"));
  if (id != kApplicationId) return NotRemit(path);
  REMIT_ASSIGN(const std::uint64_t version, db.Number("PRAGMA user_version"));
  if (const int newest = migrations.back().version; version > static_cast<std::uint64_t>(newest)) {
    return Fail(Code::kFailedPrecondition, "store-too-new",
                fmt::format("`{}` was written by a newer Remit (schema version {}, this program knows {})", path, version, newest),
                "use the newer program, or restore a backup that was made before it");
  }
  return SchemaState{false, static_cast<int>(version)};
}

Status Migrate(Connection& db, const SchemaState& state, std::span<const Migration> migrations) {
  const auto run = [&]() -> Status {
    REMIT_TRY(db.Exec("BEGIN EXCLUSIVE"));
    if (state.is_new) REMIT_TRY(db.Exec(fmt::format("PRAGMA application_id = {}", kApplicationId)));
    for (const Migration& migration : migrations) {
      if (migration.version <= state.version) continue;
      REMIT_TRY(db.Exec(migration.sql));
      REMIT_TRY(db.Exec(fmt::format("PRAGMA user_version = {}", migration.version)));
    }
    return db.Exec("COMMIT");
  };
  if (!state.is_new && state.version == migrations.back().version) return {};
  Status status = run();
  if (!status) db.Rollback();
  return status;
}

}  // namespace remit::store::sqlite
