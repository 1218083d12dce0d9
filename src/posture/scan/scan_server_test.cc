// The whole way on a real server with pgaudit: grants by every path, a workload, forged lines and refusals. The server itself is the oracle:
// whatever has_*_privilege says, the holdings say, for every account and object; and nothing more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

#include "json/read.h"
#include "pg/quote.h"
#include "pg/test_server.h"
#include "posture/log/log_files.h"
#include "posture/propose/replay.h"
#include "posture/scan/postgres_holdings.h"

namespace remit::posture {
namespace {

constexpr const char* kFlags =
    "--set shared_preload_libraries=pgaudit --set pgaudit.log=read,write,function --set pgaudit.log_relation=on --set log_destination=csvlog,jsonlog "
    "--set logging_collector=on --set log_connections=on --set log_disconnections=on --set log_timezone=Asia/Kathmandu";

constexpr const char* kWorld = R"(
  CREATE DATABASE orders; CREATE DATABASE other;
  CREATE ROLE boss LOGIN PASSWORD 'x'; CREATE ROLE billing LOGIN PASSWORD 'x'; CREATE ROLE reporter LOGIN PASSWORD 'x'; CREATE ROLE idle LOGIN PASSWORD 'x';
  CREATE ROLE manual LOGIN NOINHERIT PASSWORD 'x'; CREATE ROLE everything LOGIN PASSWORD 'x'; CREATE ROLE maker LOGIN CREATEROLE CREATEDB PASSWORD 'x';
  CREATE ROLE readers; CREATE ROLE deep; CREATE ROLE owners; CREATE ROLE "Odd, ""role" LOGIN PASSWORD 'x';
  GRANT readers TO billing, manual; GRANT deep TO readers; GRANT owners TO reporter;
  GRANT pg_read_all_data TO everything; GRANT pg_write_all_data TO manual;
  ALTER DATABASE other OWNER TO boss;
  REVOKE CONNECT ON DATABASE other FROM PUBLIC; GRANT CONNECT ON DATABASE other TO idle;
  \connect other
  CREATE TABLE public.elsewhere (n int); GRANT SELECT ON public.elsewhere TO idle;
  \connect orders
  CREATE SCHEMA s; CREATE SCHEMA archive; GRANT USAGE ON SCHEMA s TO deep; GRANT CREATE ON SCHEMA s TO idle WITH GRANT OPTION;
  CREATE TABLE public.invoices (id serial PRIMARY KEY, amount int); CREATE TABLE public.customers (id int, name text, iban text);
  CREATE TABLE public.salaries (id int); CREATE TABLE archive.salaries (id int); CREATE TABLE s.secret (id int);
  CREATE TABLE public."user" (id int); CREATE TABLE public."We,ird ""x" (id int);
  CREATE TABLE public.parts (id int) PARTITION BY RANGE (id); CREATE TABLE public.parts1 PARTITION OF public.parts FOR VALUES FROM (0) TO (10);
  CREATE VIEW public.v AS SELECT id FROM public.salaries; CREATE MATERIALIZED VIEW public.mv AS SELECT 1 AS n;
  CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION public.f(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
  CREATE FUNCTION public.closed() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'; REVOKE EXECUTE ON FUNCTION public.closed() FROM PUBLIC; GRANT EXECUTE ON FUNCTION public.closed() TO deep;
  CREATE SEQUENCE public.sq; GRANT USAGE ON SEQUENCE public.sq TO billing; GRANT USAGE ON SEQUENCE public.invoices_id_seq TO billing;
  GRANT SELECT ON public.invoices TO readers; GRANT INSERT, UPDATE ON public.invoices TO billing; GRANT DELETE ON public.invoices TO deep;
  GRANT SELECT (id, name) ON public.customers TO billing; GRANT SELECT ON public.v, public.mv TO billing; GRANT SELECT, INSERT ON public.parts TO billing;
  GRANT SELECT ON public."user", public."We,ird ""x" TO "Odd, ""role", billing; GRANT SELECT ON s.secret TO deep;
  GRANT SELECT ON public.salaries TO boss WITH GRANT OPTION; SET ROLE boss; GRANT SELECT ON public.salaries TO idle; RESET ROLE;
  GRANT TRUNCATE ON public.salaries TO PUBLIC;
  CREATE TABLE public.owned (id int); ALTER TABLE public.owned OWNER TO owners; REVOKE ALL ON public.owned FROM owners;
  CREATE TABLE public.mine (id int); ALTER TABLE public.mine OWNER TO owners;
  GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO idle;
  CREATE TABLE public.drawn (a int DEFAULT nextval('public.sq'), b int DEFAULT nextval(('public.' || 'sq')::regclass), c serial, d int GENERATED ALWAYS AS IDENTITY, e int DEFAULT 1);
  ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO readers;
  SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO idle;
)";

constexpr const char* kAccounts[] = {"boss", "billing", "reporter", "idle", "manual", "everything", "maker", "Odd, \"role"};

class ScanServer : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = new pg::TestServer(kFlags);
    server_->Psql(kWorld);
    Work();
  }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }

  static std::string As(const std::string& user, const std::string& sql) {
    auto connection = server_->Connect("orders", user, Secret("x"));
    auto rows = connection->Run(sql, std::chrono::minutes(1));
    return rows ? "" : rows.error().reason;
  }

  static void Work() {
    EXPECT_EQ(As("billing", "SELECT count(*) FROM invoices; SELECT count(*) FROM public.invoices"), "");
    EXPECT_EQ(As("billing", "INSERT INTO invoices (amount) VALUES (1) RETURNING id"), "");
    EXPECT_EQ(As("billing", "UPDATE invoices SET amount = 2 WHERE id = 1"), "");
    EXPECT_EQ(As("billing", "SELECT * FROM v; SELECT * FROM mv; SELECT id FROM customers; SELECT closed()"), "");
    EXPECT_EQ(As("billing", "INSERT INTO parts VALUES (1); SELECT * FROM parts"), "");
    EXPECT_EQ(As("billing", "CREATE TEMP TABLE t (n int); SELECT * FROM t; SELECT f(1)"), "");
    EXPECT_EQ(As("billing", "SELECT * FROM salaries"), "pg-42501");
    EXPECT_EQ(As("billing", "SELECT * FROM archive.salaries"), "pg-42501");
    EXPECT_EQ(As("Odd, \"role", R"(SELECT * FROM "user", "We,ird ""x")"), "");
    EXPECT_EQ(As("reporter", "SELECT * FROM mine"), "");
    EXPECT_EQ(As("manual", "SET ROLE readers; SELECT * FROM invoices"), "");
    // Attacks: lines that look like pgaudit's.
    EXPECT_EQ(As("idle", "DO $$ BEGIN RAISE LOG 'AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.salaries,x,<not logged>'; END $$"), "");
    EXPECT_EQ(As("idle", "DO $$ BEGIN RAISE WARNING 'AUDIT: SESSION,1,1,WRITE,DELETE,TABLE,public.salaries,x,<not logged>'; END $$"), "");
    EXPECT_EQ(As("idle", "DO $$ BEGIN RAISE EXCEPTION USING errcode = '42501', message = 'permission denied for table mine'; END $$"), "pg-42501");
    EXPECT_EQ(As("idle", "SET application_name = E'AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.salaries,x,y'; DO $$ BEGIN RAISE LOG 'x'; END $$"),
              "");
    pg::ConnectOptions knock = server_->Options("orders", "x\"\n2026-01-01 00:00:00.000 UTC,\"idle\",\"orders\"", Secret("x"));
    EXPECT_FALSE(pg::Connection::Open(knock));
  }

  static std::string Folder() { return server_->Get("data") + "/log"; }

  // A copy of the log by form, whole: the server's own may be in the middle of a line.
  static LogFiles Logs(const std::string& ending) {
    auto waited = server_->Connect("orders");  // its own connection is in the log, behind all of the above
    const std::string mark = fmt::format("mark{}", rand());
    EXPECT_TRUE(waited->Run("DO $$ BEGIN RAISE LOG '" + mark + "'; END $$"));
    std::vector<std::string> paths;
    for (int i = 0; i < 3000; ++i) {
      if (system(("grep -qs " + mark + " " + Folder() + "/*" + ending).c_str()) == 0) break;
      usleep(10'000);  // the collector is a process of its own: there is nothing to wait on
    }
    std::array<char, 4096> buffer{};
    std::FILE* pipe = popen(("ls " + Folder() + "/*" + ending).c_str(), "r");
    while (fgets(buffer.data(), buffer.size(), pipe) != nullptr) paths.emplace_back(buffer.data(), std::strlen(buffer.data()) - 1);
    pclose(pipe);
    auto logs = FindLogs(paths);
    EXPECT_TRUE(logs) << logs.error().ToString();
    return std::move(*logs);
  }

  static UsageReport Usages(const LogFiles& logs, const std::function<void(const SessionSeen&)>& closed = {}) {
    Usage usage(closed);
    const Status read = ReadLogs(logs, [&](const LogRecord& record, const LogFile& file) { usage.Add(record, file.path); });
    EXPECT_TRUE(read) << read.error().ToString();
    return usage.Finish();
  }

  static Inventory Take() {
    auto inventory = ReadInventory(server_->Options("orders"), {});
    EXPECT_TRUE(inventory) << inventory.error().ToString();
    return std::move(*inventory);
  }

  static pg::TestServer* server_;
};
pg::TestServer* ScanServer::server_ = nullptr;

// For each object and privilege: the holdings that need no SET ROLE against has_…_privilege; with SET ROLE against the roles one may set.
void ExpectOracle(pg::Connection& connection, const Inventory& inventory, const std::string& account, const std::string& database) {
  std::set<std::pair<Object, std::string>> held, later;
  for (const Holding& holding : HoldingsOf(inventory, account)) {
    if (holding.path.via == Via::kFuture || holding.privilege == "OWN") continue;
    (holding.path.inherited ? held : later).insert({holding.object, holding.privilege});
    EXPECT_EQ(holding.path.roles.front(), account);
  }
  EXPECT_FALSE(held.empty());
  std::size_t asked = 0;
  for (const OwnedObject& owned : inventory.objects) {
    const Object& object = owned.object;
    if (!object.database.empty() && object.database != database) continue;
    std::string function;
    std::vector<std::string> privileges;
    switch (object.kind) {
      case ObjectKind::kTable:
      case ObjectKind::kView:
      case ObjectKind::kForeignTable:
        function = "has_table_privilege", privileges = {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"};
        break;
      case ObjectKind::kSequence: function = "has_sequence_privilege", privileges = {"SELECT", "UPDATE", "USAGE"}; break;
      case ObjectKind::kFunction: function = "has_function_privilege", privileges = {"EXECUTE"}; break;
      case ObjectKind::kSchema: function = "has_schema_privilege", privileges = {"USAGE", "CREATE"}; break;
      case ObjectKind::kDatabase: function = "has_database_privilege", privileges = {"CONNECT", "CREATE", "TEMPORARY"}; break;
      case ObjectKind::kLanguage: function = "has_language_privilege", privileges = {"USAGE"}; break;
      default: continue;
    }
    for (const std::string& privilege : privileges) {
      auto rows = connection.Exec("SELECT " + function + "($1::name, $2::oid, $3)", {account, std::to_string(object.oid), privilege},
                                  std::chrono::minutes(1));
      ASSERT_TRUE(rows) << rows.error().ToString();
      EXPECT_EQ(held.contains({object, privilege}), rows->Bool(0, 0)) << account << " " << privilege << " " << object.ToString();
      ++asked;
    }
  }
  EXPECT_GT(asked, 20u);
  // After SET ROLE: some role that the account may set has it, and each that is listed is had by one.
  for (const auto& [object, privilege] : later) {
    if (object.kind != ObjectKind::kTable || object.database != database) continue;
    auto rows =
        connection.Exec("SELECT bool_or(has_table_privilege(r.oid, $2::oid, $3)) FROM pg_roles r WHERE pg_has_role($1::name, r.oid, 'MEMBER')",
                        {account, std::to_string(object.oid), privilege}, std::chrono::minutes(1));
    ASSERT_TRUE(rows);
    EXPECT_TRUE(rows->Bool(0, 0)) << account << " " << privilege << " " << object.ToString();
  }
}

TEST_F(ScanServer, TheServerAgreesWithEveryHolding) {
  const Inventory inventory = Take();
  for (const char* database : {"orders", "other"}) {
    auto connection = server_->Connect(database);
    for (const char* account : kAccounts) ExpectOracle(*connection, inventory, account, database);
  }
}

TEST_F(ScanServer, ColumnsAgreeToo) {
  const Inventory inventory = Take();
  auto connection = server_->Connect("orders");
  auto rows = connection->Exec(
      "SELECT a.attname, has_column_privilege('billing', a.attrelid, a.attnum, 'SELECT') FROM pg_attribute a "
      "WHERE a.attrelid = 'public.customers'::regclass AND a.attnum > 0");
  ASSERT_TRUE(rows);
  std::set<std::string> columns;
  for (const Holding& holding : HoldingsOf(inventory, "billing"))
    if (holding.object.kind == ObjectKind::kColumn && holding.object.name == "customers") columns.insert(holding.object.column);
  for (std::size_t i = 0; i < rows->size(); ++i) EXPECT_EQ(columns.contains(std::string(rows->Text(i, 0))), rows->Bool(i, 1)) << rows->Text(i, 0);
  EXPECT_EQ(columns.size(), 2u);
}

std::vector<std::string> Paths(const Inventory& inventory, const std::string& account, const std::string& object, const std::string& privilege) {
  std::vector<std::string> paths;
  for (const Holding& holding : HoldingsOf(inventory, account))
    if (holding.object.ToString() == object && holding.privilege == privilege) paths.push_back(holding.path.ToString());
  return paths;
}

TEST_F(ScanServer, SaysByWhichPath) {
  const Inventory inventory = Take();
  using testing::ElementsAre;
  EXPECT_THAT(Paths(inventory, "billing", "table public.invoices", "SELECT"), ElementsAre("granted to readers by postgres; billing > readers"));
  EXPECT_THAT(Paths(inventory, "billing", "table public.invoices", "DELETE"), ElementsAre("granted to deep by postgres; billing > readers > deep"));
  EXPECT_THAT(Paths(inventory, "billing", "table public.invoices", "INSERT"), ElementsAre("granted to billing by postgres"));
  EXPECT_THAT(Paths(inventory, "idle", "table public.salaries", "SELECT"), ElementsAre("granted to idle by boss"));
  EXPECT_THAT(Paths(inventory, "idle", "table public.salaries", "TRUNCATE"), ElementsAre("granted to PUBLIC by postgres"));
  EXPECT_THAT(Paths(inventory, "idle", "function public.f()", "EXECUTE"), ElementsAre("PUBLIC by default"));
  EXPECT_THAT(Paths(inventory, "reporter", "table public.mine", "OWN"), ElementsAre("owned by owners; reporter > owners"));
  EXPECT_THAT(Paths(inventory, "reporter", "table public.owned", "OWN"), ElementsAre("owned by owners; reporter > owners"));
  EXPECT_THAT(Paths(inventory, "reporter", "table public.owned", "SELECT"), ElementsAre()) << "an owner may have taken it away from itself";
  EXPECT_THAT(Paths(inventory, "everything", "table s.secret", "SELECT"),
              ElementsAre("by the predefined role pg_read_all_data; everything > pg_read_all_data"));
  EXPECT_THAT(Paths(inventory, "manual", "table public.invoices", "SELECT"),
              ElementsAre("granted to readers by postgres; manual > readers; only after SET ROLE"));
  EXPECT_THAT(Paths(inventory, "idle", "function pg_catalog.pg_read_file(text)", "EXECUTE"), ElementsAre("granted to idle by postgres"));
  EXPECT_THAT(Paths(inventory, "idle", "large object 4711", "SELECT"), ElementsAre("granted to idle by postgres"));
  EXPECT_THAT(Paths(inventory, "billing", "schema public", "SELECT ON TABLES"),
              ElementsAre("default privileges of postgres for readers; billing > readers"));
  EXPECT_THAT(Paths(inventory, "maker", "server", "CREATEROLE"), ElementsAre("attribute of maker"));
  EXPECT_THAT(Paths(inventory, "postgres", "server", "SUPERUSER"), ElementsAre("postgres is a superuser"));
}

TEST_F(ScanServer, KnowsWhichColumnsDrawOnWhichSequences) {
  std::vector<std::string> said;
  for (const DrawnDefault& one : Take().drawn)
    if (one.table.name == "drawn" || one.table.name == "invoices")
      said.push_back(
          fmt::format("{}.{} {}{}", one.table.name, one.column, one.sequence.name.empty() ? "?" : one.sequence.ToString(), one.own ? " own" : ""));
  EXPECT_THAT(said, testing::UnorderedElementsAre("drawn.a sequence public.sq", "drawn.b ?", "drawn.c sequence public.drawn_c_seq own",
                                                  "invoices.id sequence public.invoices_id_seq own"));
}

std::string UsesOf(const UsageReport& report, const std::string& account) {
  std::string text;
  for (const NamedUse& use : report.uses)
    if (use.account == account && use.name.schema != "pg_catalog")
      text += fmt::format("{} {}.{} {}; ", use.privilege, use.name.schema, use.name.name, use.count);
  return text;
}

TEST_F(ScanServer, BothFormsOfTheLogSayTheSame) {
  const UsageReport csv = Usages(Logs(".csv")), json = Usages(Logs(".json"));
  for (const char* account : kAccounts) EXPECT_EQ(UsesOf(csv, account), UsesOf(json, account)) << account;
  EXPECT_EQ(UsesOf(csv, "billing"),
            "EXECUTE public.closed 1; SELECT public.customers 1; EXECUTE public.f 1; INSERT public.invoices 1; "
            "SELECT public.invoices 2; UPDATE public.invoices 1; SELECT public.mv 1; INSERT public.parts 1; SELECT public.parts 1; SELECT "
            "public.salaries 1; "
            "SELECT public.v 1; ");
  EXPECT_EQ(UsesOf(csv, "Odd, \"role"), "SELECT public.We,ird \"x 1; SELECT public.user 1; ");
  EXPECT_EQ(UsesOf(csv, "idle"), "") << "everything that it wrote is forged";
  EXPECT_TRUE(csv.first.has_value());
  EXPECT_LT(std::chrono::abs(*csv.last - *json.last), std::chrono::minutes(10));
  EXPECT_LT(std::chrono::abs(*csv.last - std::chrono::floor<Duration>(std::chrono::system_clock::now())), std::chrono::hours(1))
      << "the zone is 5:45 off";
}

TEST_F(ScanServer, ForgedLinesAreReported) {
  const UsageReport report = Usages(Logs(".csv"));
  std::set<std::string> reasons;
  for (const Finding& finding : report.findings) reasons.insert(finding.reason + " " + finding.account.substr(0, 4));
  EXPECT_TRUE(reasons.contains("forged-context idle"));
  EXPECT_TRUE(reasons.contains("mark-inside-text idle"));
  EXPECT_TRUE(reasons.contains("line-break-in-name x\"\n2"));
}

TEST_F(ScanServer, FromTheLogToACatalogAndBack) {
  const LogFiles logs = Logs(".csv");
  const Inventory inventory = Take();
  const ScanReport report = Scan(inventory, Usages(logs), {}).value();
  for (const AccountReport& account : report.accounts) {
    for (const Refused& refused : account.refused) {
      if (account.name == "billing" && refused.what == "table salaries") {
        EXPECT_EQ(refused.candidates.size(), 2u) << "public's and archive's";
      }
      if (account.name == "idle" && refused.what == "table mine") {
        EXPECT_TRUE(refused.within_function);
      }
    }
    if (account.name == "billing") {
      EXPECT_FALSE(account.refused.empty());
    }
    for (const Held& held : account.held)
      if (held.evidence == Evidence::kUsed) {
        EXPECT_GT(held.count, 0u);
      }
  }
  const Proposal proposal = Propose(report, {}).value();
  const task::Catalog::Loaded loaded = task::Catalog::Load(proposal.files);
  for (const auto& d : loaded.errors) ADD_FAILURE() << d.ToError().ToString();
  ASSERT_NE(loaded.catalog, nullptr);
  // The server is the oracle again: what is proposed is held, each privilege on each table.
  auto connection = server_->Connect("orders");
  for (const ProposedType& type : proposal.types)
    for (const ProposedPermission& one : type.permissions) {
      auto rows =
          connection->Exec("SELECT bool_or(has_table_privilege(r.oid, $2::oid, $3)) FROM pg_roles r WHERE pg_has_role($1::name, r.oid, 'MEMBER')",
                           {type.account, std::to_string(one.object.oid), one.privilege}, std::chrono::minutes(1));
      ASSERT_TRUE(rows) << rows.error().ToString();
      EXPECT_TRUE(rows->Bool(0, 0)) << type.account << " " << one.privilege << " " << one.resource;
    }
  std::map<std::string, std::string> said;
  for (const ProposedType& type : proposal.types)
    for (const ProposedPermission& one : type.permissions) said[type.name] += one.privilege + " " + one.resource + "; ";
  EXPECT_EQ(said["billing-orders"],
            "SELECT orders/public.invoices; INSERT orders/public.invoices; UPDATE orders/public.invoices; "
            "SELECT orders/public.parts; INSERT orders/public.parts; ");
  EXPECT_EQ(said["odd-role-orders"], "SELECT orders/public.\"We,ird \"\"x\"; SELECT orders/public.user; ");
  EXPECT_EQ(said["reporter-orders"], "SELECT orders/public.mine; ");
  EXPECT_EQ(said["manual-orders"], "SELECT orders/public.invoices; ");
  EXPECT_FALSE(said.contains("idle-orders"));
  const cedar::Entities facts = cedar::Entities::FromJson(json::Parse(proposal.facts).value(), &loaded.catalog->schema()).value();
  Replay replay(inventory, report, proposal, *loaded.catalog, facts);
  const UsageReport usage = Usages(logs, [&](const SessionSeen& session) { replay.Session(session); });
  const ReplayReport replayed = replay.Finish(usage);
  for (const ReplayedType& type : replayed.types)
    if (type.name != "billing-orders") {
      EXPECT_EQ(type.cut, 0u) << type.name;
    }
  for (const ReplayedUse& use : replayed.uses)
    if (use.account == "reporter") {
      EXPECT_EQ(use.verdict, Verdict::kAllowed);
    }
  EXPECT_GE(replayed.Count(Verdict::kAllowed), 10u);
}

TEST_F(ScanServer, AnyRoleCanLook) {
  auto inventory = ReadInventory(server_->Options("orders", "idle", Secret("x")), {"orders"});
  ASSERT_TRUE(inventory) << inventory.error().ToString();
  EXPECT_EQ(HoldingsOf(*inventory, "billing").size(), [&] {
    auto all = ReadInventory(server_->Options("orders"), {"orders"});
    return HoldingsOf(*all, "billing").size();
  }());
  auto others = ReadInventory(server_->Options("orders", "billing", Secret("x")), {"orders", "other"});
  ASSERT_TRUE(others) << others.error().ToString();
  ASSERT_EQ(others->findings.size(), 1u);
  EXPECT_EQ(others->findings[0].reason, "unread-database");
  EXPECT_EQ(ReadInventory(server_->Options("orders"), {"nowhere"}).error().reason, "unknown-database");
}

}  // namespace
}  // namespace remit::posture
