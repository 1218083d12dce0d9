#include "posture/scan/postgres_holdings.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include <fmt/format.h>

#include "posture/scan/postgres_sql.h"

namespace remit::posture {
namespace {

constexpr Duration kQueryLimit = std::chrono::minutes(5);  // a database with many objects, on a busy server

// pg::Connection sends results of int4 and oid as text.
std::uint32_t Oid(const pg::Rows& rows, std::size_t row, std::size_t column) {
  const std::string_view text = rows.Text(row, column);
  std::uint32_t oid = 0;
  std::from_chars(text.data(), text.data() + text.size(), oid);
  return oid;
}

std::string Str(const pg::Rows& rows, std::size_t row, std::size_t column) { return std::string(rows.Text(row, column)); }

ObjectKind KindOf(char letter) {
  switch (letter) {
    case 'd': return ObjectKind::kDatabase;
    case 'b': return ObjectKind::kTablespace;
    case 't': return ObjectKind::kTable;
    case 'v': return ObjectKind::kView;
    case 'e': return ObjectKind::kForeignTable;
    case 's': return ObjectKind::kSequence;
    case 'n': return ObjectKind::kSchema;
    case 'f': return ObjectKind::kFunction;
    case 'y': return ObjectKind::kType;
    case 'l': return ObjectKind::kLanguage;
    case 'w': return ObjectKind::kForeignWrapper;
    case 'r': return ObjectKind::kForeignServer;
    case 'o': return ObjectKind::kLargeObject;
  }
  REMIT_CHECK(false && "a kind that the statement does not give");
  return ObjectKind::kServer;
}

Status Begin(pg::Connection& connection) {
  REMIT_TRY(connection.Run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  return {};
}

class Reader {
 public:
  Reader(Inventory& inventory, pg::ConnectOptions options) : inventory_(inventory), options_(std::move(options)) {
    options_.settings["search_path"] = "pg_catalog";
  }

  Result<std::unique_ptr<pg::Connection>> Open(const std::string& database) {
    pg::ConnectOptions options = options_;
    options.database = database;
    REMIT_ASSIGN(std::unique_ptr<pg::Connection> connection, pg::Connection::Open(options));
    REMIT_TRY(Begin(*connection));
    return connection;
  }

  Status Server(pg::Connection& connection) {
    inventory_.server_version = connection.server_version();
    if (inventory_.server_version < 130000)
      return Fail(Code::kUnsupported, "unsupported-server", fmt::format("the server is PostgreSQL {}", inventory_.server_version / 10000),
                  "PostgreSQL 13 or later is needed");
    REMIT_ASSIGN(const pg::Rows roles, connection.Exec(kRolesSql, {}, kQueryLimit));
    for (std::size_t i = 0; i < roles.size(); ++i)
      inventory_.roles.push_back({Oid(roles, i, 0), Str(roles, i, 1), roles.Bool(i, 2), roles.Bool(i, 3), roles.Bool(i, 4), roles.Bool(i, 5),
                                  roles.Bool(i, 6), roles.Bool(i, 7), roles.Bool(i, 8)});
    REMIT_ASSIGN(const pg::Rows members, connection.Exec(inventory_.server_version >= 160000 ? kMembers16Sql : kMembersSql, {}, kQueryLimit));
    for (std::size_t i = 0; i < members.size(); ++i)
      inventory_.memberships.push_back({Oid(members, i, 0), Oid(members, i, 1), Oid(members, i, 2), members.Bool(i, 3), members.Bool(i, 4)});
    REMIT_ASSIGN(const pg::Rows settings, connection.Exec(kSettingsSql, {}, kQueryLimit));
    for (std::size_t i = 0; i < settings.size(); ++i) inventory_.settings[Str(settings, i, 0)] = Str(settings, i, 1);
    REMIT_ASSIGN(const pg::Rows of_roles, connection.Exec(kRoleSettingsSql, {}, kQueryLimit));
    for (std::size_t i = 0; i < of_roles.size(); ++i)
      inventory_.role_settings.push_back({Str(of_roles, i, 0), Str(of_roles, i, 1), Str(of_roles, i, 2), Str(of_roles, i, 3)});
    REMIT_TRY(Objects(connection, kServerObjectsSql, ""));
    REMIT_TRY(Acl(connection, kServerAclSql));
    return inventory_.server_version >= 150000 ? Parameters(connection) : Status();
  }

  Status Database(pg::Connection& connection, const std::string& database) {
    index_.clear();
    REMIT_TRY(Objects(connection, kObjectsSql, database));
    REMIT_TRY(Acl(connection, kAclSql));
    REMIT_TRY(Drawn(connection));
    REMIT_ASSIGN(const pg::Rows future, connection.Exec(kFutureSql, {}, kQueryLimit));
    for (std::size_t i = 0; i < future.size(); ++i)
      inventory_.future.push_back({database, Str(future, i, 0), Str(future, i, 1), Oid(future, i, 2), Oid(future, i, 3), future.Bool(i, 4)});
    return {};
  }

 private:
  static std::uint64_t Key(const pg::Rows& rows, std::size_t row, std::size_t column = 0) {
    return std::uint64_t{Oid(rows, row, column)} << 32 | Oid(rows, row, column + 1);
  }

  Status Objects(pg::Connection& connection, std::string_view sql, const std::string& database) {
    REMIT_ASSIGN(const pg::Rows rows, connection.Exec(sql, {}, kQueryLimit));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      index_[Key(rows, i)] = static_cast<std::uint32_t>(inventory_.objects.size());
      Object object{KindOf(rows.Text(i, 2).front()), database, Str(rows, i, 3), Str(rows, i, 4), "", Oid(rows, i, 1)};
      inventory_.objects.push_back({std::move(object), Str(rows, i, 5), Oid(rows, i, 6)});
    }
    return {};
  }

  Status Acl(pg::Connection& connection, std::string_view sql) {
    REMIT_ASSIGN(const pg::Rows rows, connection.Exec(sql, {}, kQueryLimit));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto object = index_.find(Key(rows, i));
      if (object == index_.end()) continue;
      inventory_.acl.push_back(
          {object->second, Str(rows, i, 2), Oid(rows, i, 3), Oid(rows, i, 4), Str(rows, i, 5), rows.Bool(i, 6), rows.Bool(i, 7)});
    }
    return {};
  }

  Status Drawn(pg::Connection& connection) {
    REMIT_ASSIGN(const pg::Rows rows, connection.Exec(kDrawnSql, {}, kQueryLimit));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto table = index_.find(Key(rows, i)), sequence = index_.find(Key(rows, i, 3));
      if (table == index_.end()) continue;
      inventory_.drawn.push_back({inventory_.objects[table->second].object, Str(rows, i, 2),
                                  sequence == index_.end() ? Object() : inventory_.objects[sequence->second].object, rows.Bool(i, 5)});
    }
    return {};
  }

  Status Parameters(pg::Connection& connection) {
    REMIT_ASSIGN(const pg::Rows rows, connection.Exec(kParametersSql, {}, kQueryLimit));
    std::map<std::uint32_t, std::uint32_t> seen;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto [it, added] = seen.try_emplace(Oid(rows, i, 0), static_cast<std::uint32_t>(inventory_.objects.size()));
      if (added) inventory_.objects.push_back({{ObjectKind::kParameter, "", "", Str(rows, i, 1), "", Oid(rows, i, 0)}, Str(rows, i, 1), 0});
      inventory_.acl.push_back({it->second, "", Oid(rows, i, 2), Oid(rows, i, 3), Str(rows, i, 4), rows.Bool(i, 5), false});
    }
    return {};
  }

  Inventory& inventory_;
  pg::ConnectOptions options_;
  std::unordered_map<std::uint64_t, std::uint32_t> index_;  // class and oid → place in `objects`
};

Result<std::vector<std::string>> Chosen(pg::Connection& connection, const std::vector<std::string>& wanted) {
  REMIT_ASSIGN(const pg::Rows rows, connection.Exec(kDatabasesSql, {}, kQueryLimit));
  std::vector<std::string> all;
  for (std::size_t i = 0; i < rows.size(); ++i) all.emplace_back(rows.Text(i, 0));
  if (wanted.empty()) return all;
  for (const std::string& one : wanted)
    if (std::ranges::find(all, one) == all.end())
      return Fail(Code::kNotFound, "unknown-database", fmt::format("the server has no database `{}` that takes connections", one));
  return wanted;
}

}  // namespace

Result<Inventory> ReadInventory(const pg::ConnectOptions& server, const std::vector<std::string>& databases,
                                const std::function<void(const std::string&)>& reading) {
  Inventory inventory;
  Reader reader(inventory, server);
  REMIT_ASSIGN(std::unique_ptr<pg::Connection> first, reader.Open(server.database));
  REMIT_TRY(reader.Server(*first));
  REMIT_ASSIGN(const std::vector<std::string> chosen, Chosen(*first, databases));
  for (const std::string& database : chosen) {
    if (reading) reading(database);
    if (database == server.database) {
      REMIT_TRY(reader.Database(*first, database));
      continue;
    }
    Result<std::unique_ptr<pg::Connection>> connection = reader.Open(database);
    Status read;
    if (connection) {
      read = reader.Database(**connection, database);
    } else {
      read = std::unexpected(std::move(connection).error());
    }
    if (!read)
      inventory.findings.push_back({"unread-database", "", fmt::format("database {} was not read: {}", database, read.error().message), database});
  }
  return inventory;
}

}  // namespace remit::posture
