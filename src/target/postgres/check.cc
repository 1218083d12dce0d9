// Asking each database what PUBLIC may do there, and the script that closes it.
#include "target/postgres/check.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/text.h"
#include "pg/quote.h"
#include "target/postgres/check_sql.h"
#include "target/postgres/refusal.h"

namespace remit::target::postgres {
namespace {

// What scripts and terminals get: a line end in a name must not end a comment.
std::string OneLine(std::string_view text) { return EscapeControl(text); }

void AddRows(const pg::Rows& rows, const std::string& database, std::vector<CheckItem>& items) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    items.push_back({OneLine(rows.Text(i, 0)), database, OneLine(rows.Text(i, 1)), std::string(rows.Text(i, 2))});
}

Status LookInto(Server& server, const std::string& database, std::vector<CheckItem>& items) {
  REMIT_ASSIGN(pg::Pool::Lease lease, server.Other(database));
  REMIT_ASSIGN(const pg::Rows rows, lease->Exec(kCheckDatabaseSql, {}, std::chrono::seconds(60)));
  AddRows(rows, database, items);
  return {};
}

// The databases that a task can connect to: the target's own, and those of PUBLIC.
Result<std::vector<std::string>> Reachable(pg::Connection& admin) {
  REMIT_ASSIGN(const pg::Rows rows, admin.Exec("SELECT datname FROM pg_database WHERE datallowconn AND (datname = current_database() OR "
                                               "has_database_privilege('public', oid, 'CONNECT')) ORDER BY datname"));
  std::vector<std::string> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.emplace_back(rows.Text(i, 0));
  return out;
}

}  // namespace

std::size_t CheckReport::open() const {
  return static_cast<std::size_t>(std::count_if(items.begin(), items.end(), [](const CheckItem& item) { return !item.accepted; }));
}

std::string CheckReport::ClosingScript() const {
  std::map<std::string, std::vector<const CheckItem*>> by_database;
  for (const CheckItem& item : items)
    if (!item.accepted && !item.closing.empty()) by_database[item.database].push_back(&item);
  std::string out =
      "-- Closes what PUBLIC may do. For psql, as a superuser. Read it first: roles that rely on one of these rights through PUBLIC must be\n"
      "-- granted it by name before (for example GRANT CONNECT ON DATABASE … TO …).\n\\set ON_ERROR_STOP on\n";
  for (const auto& [database, list] : by_database) {
    out += fmt::format("\n\\connect {}\nBEGIN;\n", pg::QuoteIdentifier(database).value_or("\"\""));
    for (const CheckItem* item : list) out += fmt::format("-- {}: {}\n{}\n", item->name, item->what, item->closing);
    out += "COMMIT;\n";
  }
  return out;
}

json::Value CheckReport::ToJson() const {
  json::Array list;
  for (const CheckItem& item : items)
    list.push_back(
        json::Object{{"name", item.name}, {"database", item.database}, {"what", item.what}, {"closing", item.closing}, {"accepted", item.accepted}});
  json::Array sequences;
  for (const LackedSequence& one : lacked) sequences.push_back(json::Object{{"table", one.table}, {"sequence", one.sequence}, {"own", one.own}});
  return json::Object{{"open", static_cast<std::int64_t>(open())},
                      {"items", std::move(list)},
                      {"stale_accepted", json::StringArray(stale_accepted)},
                      {"lacked_sequences", std::move(sequences)}};
}

Result<CheckReport> CheckPublicRights(Server& server) {
  const Config& config = server.config();
  CheckReport report;
  std::vector<std::string> databases;
  {
    REMIT_ASSIGN(pg::Pool::Lease admin, server.Admin());
    const auto rows = admin->Exec(kCheckServerSql);
    if (!rows) return Fail(FromServer(rows.error(), config.name));
    AddRows(*rows, config.database, report.items);
    REMIT_ASSIGN(databases, Reachable(*admin));
    REMIT_ASSIGN(const pg::Rows lacked, admin->Exec(kCheckSequencesSql, {config.installation}));
    for (std::size_t i = 0; i < lacked.size(); ++i)
      report.lacked.push_back({OneLine(lacked.Text(i, 0)), OneLine(lacked.Text(i, 1)), lacked.Bool(i, 2)});
  }
  for (const std::string& database : databases) {
    if (const Status status = LookInto(server, database, report.items); !status)
      report.items.push_back({"unknown:" + OneLine(database), database, "cannot be looked into: " + status.error().message, ""});
  }
  std::sort(report.items.begin(), report.items.end(), [](const CheckItem& a, const CheckItem& b) { return a.name < b.name; });
  for (CheckItem& item : report.items) item.accepted = std::find(config.accepted.begin(), config.accepted.end(), item.name) != config.accepted.end();
  for (const std::string& name : config.accepted) {
    if (std::none_of(report.items.begin(), report.items.end(), [&](const CheckItem& item) { return item.name == name; }))
      report.stale_accepted.push_back(name);
  }
  return report;
}

}  // namespace remit::target::postgres
