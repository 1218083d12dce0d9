// For tests: a generated server with 50 roles, two databases, every kind of object, and grants of all kinds to everybody by everybody; and the
// server's own word about who may do what in it.
#pragma once

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "pg/quote.h"
#include "pg/test_server.h"

namespace remit::posture {

class World {
 public:
  World(pg::TestServer& server, unsigned seed) : server_(server), random_(seed), seed_(seed) {}

  void Make() {
    base_ = server_.Connect();
    for (int i = 0; i < 50; ++i) {
      roles_.push_back(OddName(i == 0 ? "svc" : fmt::format("role{}", i)));
      Must(*base_, fmt::format("CREATE ROLE {} LOGIN {}", Q(roles_.back()), Chance(20) ? "NOINHERIT" : ""));
    }
    MakeMemberships();
    for (const char* name : {"gen \"one\"", "gen\ntwo"}) databases_.push_back(name);
    for (const std::string& database : databases_) {
      Must(*base_, fmt::format("CREATE DATABASE {} OWNER {}", Q(database), Q(Role())));
      Populate(database);
    }
    MakeShared();
    // Some who granted lose what they granted by; some become superusers.
    for (int i = 0; i < 2; ++i) Must(*base_, fmt::format("ALTER ROLE {} SUPERUSER", Q(roles_[1 + Below(49)])));
  }

  const std::string& account() const { return roles_[0]; }
  const std::vector<std::string>& databases() const { return databases_; }
  int done() const { return done_; }
  int refused() const { return refused_; }

  // "database|role|kind|oid|column|privilege" for everything that any role may do, superusers left out.
  std::set<std::string> Rights() const {
    std::set<std::string> all;
    for (const std::string& database : databases_) Ask(database, kLocal, all);
    Ask("postgres", kShared, all);
    if (base_->server_version() >= 150000)
      Ask("postgres",
          "SELECT r.oid, 'parameter', o.parname, 0, p.p FROM r, pg_parameter_acl o, unnest(ARRAY['SET', 'ALTER SYSTEM']) p(p) "
          "WHERE has_parameter_privilege(r.oid, o.parname, p.p)",
          all);
    return all;
  }

 private:
  static constexpr const char* kLocal = R"(
    SELECT r.oid, CASE WHEN o.relkind IN ('v', 'm') THEN 'view' WHEN o.relkind = 'f' THEN 'foreign table' ELSE 'table' END, o.oid::text, 0, p.p
      FROM r, pg_class o, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'SELECT WITH GRANT OPTION',
        'UPDATE WITH GRANT OPTION', 'DELETE WITH GRANT OPTION']) p(p)
      WHERE o.oid >= 16384 AND o.relkind IN ('r', 'p', 'v', 'm', 'f') AND has_table_privilege(r.oid, o.oid, p.p)
    UNION ALL SELECT r.oid, 'column', o.oid::text, a.attnum, p.p FROM r, pg_class o JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum > 0,
      unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) p(p) WHERE o.oid >= 16384 AND o.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT a.attisdropped AND has_column_privilege(r.oid, o.oid, a.attnum, p.p) AND NOT has_table_privilege(r.oid, o.oid, p.p)
    UNION ALL SELECT r.oid, 'sequence', o.oid::text, 0, p.p FROM r, pg_class o, unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) p(p)
      WHERE o.relkind = 'S' AND has_sequence_privilege(r.oid, o.oid, p.p)
    UNION ALL SELECT r.oid, 'function', o.oid::text, 0, p.p FROM r, pg_proc o, unnest(ARRAY['EXECUTE', 'EXECUTE WITH GRANT OPTION']) p(p)
      WHERE o.oid >= 16384 AND has_function_privilege(r.oid, o.oid, p.p)
    UNION ALL SELECT r.oid, 'schema', o.oid::text, 0, p.p FROM r, pg_namespace o, unnest(ARRAY['USAGE', 'CREATE', 'USAGE WITH GRANT OPTION']) p(p)
      WHERE o.oid >= 16384 AND has_schema_privilege(r.oid, o.oid, p.p)
    UNION ALL SELECT r.oid, 'type', o.oid::text, 0, 'USAGE' FROM r, pg_type o LEFT JOIN pg_class c ON c.oid = o.typrelid
      WHERE o.oid >= 16384 AND o.typcategory <> 'A' AND (c.relkind IS NULL OR c.relkind = 'c') AND o.typtype <> 'm' AND has_type_privilege(r.oid, o.oid, 'USAGE')
    UNION ALL SELECT r.oid, 'language', o.oid::text, 0, 'USAGE' FROM r, pg_language o WHERE o.lanpltrusted AND has_language_privilege(r.oid, o.oid, 'USAGE')
    UNION ALL SELECT r.oid, 'foreign-data wrapper', o.oid::text, 0, 'USAGE' FROM r, pg_foreign_data_wrapper o
      WHERE has_foreign_data_wrapper_privilege(r.oid, o.oid, 'USAGE')
    UNION ALL SELECT r.oid, 'foreign server', o.oid::text, 0, 'USAGE' FROM r, pg_foreign_server o WHERE has_server_privilege(r.oid, o.oid, 'USAGE'))";
  static constexpr const char* kShared = R"(
    SELECT r.oid, 'database', o.oid::text, 0, p.p FROM r, pg_database o, unnest(ARRAY['CREATE', 'CONNECT', 'TEMPORARY', 'CONNECT WITH GRANT OPTION']) p(p)
      WHERE has_database_privilege(r.oid, o.oid, p.p)
    UNION ALL SELECT r.oid, 'tablespace', o.oid::text, 0, 'CREATE' FROM r, pg_tablespace o WHERE has_tablespace_privilege(r.oid, o.oid, 'CREATE')
    UNION ALL SELECT r.oid, 'server', o.oid::text, 0, p.p FROM r, pg_roles o, unnest(ARRAY['MEMBER', 'USAGE']) p(p)
      WHERE o.oid <> r.oid AND o.rolname <> 'pg_database_owner' AND pg_has_role(r.oid, o.oid, p.p))";

  void Ask(const std::string& database, const std::string& sql, std::set<std::string>& all) const {
    auto connection = server_.Connect(database);
    const auto rows =
        connection->Run("WITH r AS (SELECT oid FROM pg_roles WHERE oid >= 16384 AND NOT rolsuper) " + sql, std::chrono::minutes(5)).value();
    for (std::size_t i = 0; i < rows.size(); ++i)
      all.insert(fmt::format("{}|{}|{}|{}|{}|{}", database, rows.Text(i, 0), rows.Text(i, 1), rows.Text(i, 2), rows.Text(i, 3), rows.Text(i, 4)));
  }

  static std::string Q(std::string_view name) { return pg::QuoteIdentifier(name).value(); }
  unsigned Below(unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random_); }
  bool Chance(unsigned percent) { return Below(100) < percent; }
  template <class T>
  const T& OneOf(const std::vector<T>& all) {
    return all[Below(static_cast<unsigned>(all.size()))];
  }
  const std::string& Role() { return OneOf(roles_); }
  // The account more often than others.
  const std::string& Who() { return Chance(25) ? roles_[0] : Role(); }

  std::string OddName(const std::string& stem) {
    static const std::vector<std::string> odd{"{}", "{} \"quoted\"", "{}\nline", "{}'; DROP TABLE x; --", "{}\\", "Ünï {}", "{} $$", "{}\t", "{}.a"};
    std::string name = OneOf(odd);
    name.replace(name.find("{}"), 2, stem);
    return name;
  }

  static void Must(pg::Connection& connection, const std::string& statement) {
    if (const auto done = connection.Run(statement, std::chrono::minutes(5)); !done) {
      std::fprintf(stderr, "%s\n%s\n", statement.c_str(), done.error().ToString().c_str());
      std::abort();
    }
  }

  // What the server refuses is no harm: not every random grant is one.
  bool May(pg::Connection& connection, const std::string& statement) {
    const bool done = connection.Run(statement, std::chrono::minutes(5)).has_value();
    ++(done ? done_ : refused_);
    return done;
  }

  // In the name of `actor`, "" for the superuser, who acts as the owner.
  bool MayAs(pg::Connection& connection, const std::string& actor, const std::string& statement) {
    if (actor.empty()) return May(connection, statement);
    if (!May(connection, "SET ROLE " + Q(actor))) return false;
    const bool done = May(connection, statement);
    Must(connection, "RESET ROLE");
    return done;
  }

  void MakeMemberships() {
    for (int n = 0; n < 90; ++n) {
      const unsigned member = Chance(20) ? 0 : Below(49), role = member + 1 + Below(49 - member);
      const bool admin = Chance(40);
      const std::string statement = fmt::format("GRANT {} TO {}{}", Q(roles_[role]), Q(roles_[member]), admin ? " WITH ADMIN OPTION" : "");
      const auto& admins = admins_[role];
      const std::string actor = admins.empty() || Chance(50) ? "" : OneOf(admins);
      if (MayAs(*base_, actor, statement) && admin) admins_[role].push_back(roles_[member]);
    }
    May(*base_, fmt::format("GRANT pg_read_all_data, pg_monitor TO {}", Q(Who())));
    May(*base_, fmt::format("GRANT {} TO {}", Q(roles_[0]), Q(roles_[1 + Below(49)])));
  }

  struct Thing {
    std::string on, options;  // `TABLE "s"."t"`
    std::vector<std::string> privileges;
    std::vector<std::string> columns;                         // quoted
    std::map<std::string, std::vector<std::string>> holders;  // of the grant option, by privilege
  };

  void Add(const std::string& on, std::vector<std::string> privileges, std::vector<std::string> columns = {}) {
    things_.push_back({on, "", std::move(privileges), std::move(columns), {}});
  }

  void GrantOn(pg::Connection& connection, Thing& thing) {
    const std::string privilege = OneOf(thing.privileges);
    static const std::set<std::string> of_columns{"SELECT", "INSERT", "UPDATE", "REFERENCES"};
    std::string what = privilege;
    if (!thing.columns.empty() && of_columns.contains(privilege) && Chance(30)) what += fmt::format(" ({})", OneOf(thing.columns));
    const bool to_public = Chance(8), option = !to_public && Chance(40);
    const std::string& grantee = Who();
    auto& holders = thing.holders[what];
    const std::string actor = holders.empty() || Chance(50) ? "" : OneOf(holders);
    const bool done =
        MayAs(connection, actor,
              fmt::format("GRANT {} ON {} TO {}{}", what, thing.on, to_public ? "PUBLIC" : Q(grantee), option ? " WITH GRANT OPTION" : ""));
    if (done && option) holders.push_back(grantee);
  }

  void Populate(const std::string& database) {
    auto connection = server_.Connect(database);
    pg::Connection& c = *connection;
    things_.clear();
    static const std::vector<std::string> table_privileges{"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"};
    std::vector<std::string> schemas;
    for (int i = 0; i < 3; ++i) {
      schemas.push_back(Q(OddName(fmt::format("schema{}", i))));
      Must(c, fmt::format("CREATE SCHEMA {} AUTHORIZATION {}", schemas.back(), Q(Role())));
      Add("SCHEMA " + schemas.back(), {"USAGE", "CREATE"});
      for (const std::string& role : roles_)
        if (Chance(60)) May(c, fmt::format("GRANT USAGE ON SCHEMA {} TO {}", schemas.back(), Q(role)));
    }
    for (int i = 0; i < 7; ++i) {
      const std::string name = OneOf(schemas) + "." + Q(OddName(fmt::format("table{}", i)));
      const std::vector<std::string> columns{Q("id"), Q(OddName("column")), Q("amount")};
      Must(c, fmt::format("CREATE TABLE {} ({} int, {} text, {} int){}", name, columns[0], columns[1], columns[2],
                          i == 0 ? " PARTITION BY RANGE (id)" : ""));
      Must(c, fmt::format("ALTER TABLE {} OWNER TO {}", name, Q(Who())));
      Add("TABLE " + name, table_privileges, columns);
      if (i > 1) continue;
      Must(c, fmt::format("CREATE {} VIEW {}.{} AS SELECT * FROM {}", i == 0 ? "" : "MATERIALIZED", schemas[0], Q(fmt::format("view{}", i)), name));
      Add(fmt::format("TABLE {}.{}", schemas[0], Q(fmt::format("view{}", i))), table_privileges, columns);
    }
    for (int i = 0; i < 2; ++i) {
      const std::string name = OneOf(schemas) + "." + Q(OddName(fmt::format("sequence{}", i)));
      Must(c, "CREATE SEQUENCE " + name);
      Add("SEQUENCE " + name, {"USAGE", "SELECT", "UPDATE"});
    }
    const std::string type = schemas[1] + "." + Q(OddName("mood"));
    Must(c, fmt::format("CREATE TYPE {} AS ENUM ('good', 'bad')", type));
    Must(c, fmt::format("CREATE DOMAIN {}.price AS int; CREATE TYPE {}.pair AS (a int, b int)", schemas[1], schemas[1]));
    for (const std::string& one : {type, schemas[1] + ".price", schemas[1] + ".pair"}) Add("TYPE " + one, {"USAGE"});
    const std::string f = schemas[2] + "." + Q(OddName("f"));
    for (const std::string& arguments : {std::string("int"), std::string("text, int[]"), type})
      Must(c, fmt::format("CREATE FUNCTION {0}({1}) RETURNS int LANGUAGE sql {2} AS 'SELECT 1'", f, arguments, Chance(40) ? "SECURITY DEFINER" : "")),
          Add(fmt::format("FUNCTION {}({})", f, arguments), {"EXECUTE"});
    Must(c, fmt::format("CREATE PROCEDURE {}.p(int) LANGUAGE plpgsql AS 'BEGIN END'; CREATE AGGREGATE {}.agg(int) (SFUNC = int4pl, STYPE = int)",
                        schemas[2], schemas[2]));
    Add(fmt::format("PROCEDURE {}.p(int)", schemas[2]), {"EXECUTE"});
    Add(fmt::format("FUNCTION {}.agg(int)", schemas[2]), {"EXECUTE"});
    for (const Thing& thing : things_)
      if ((thing.on.starts_with("FUNCTION") || thing.on.starts_with("TYPE") || thing.on.starts_with("PROCEDURE")) && Chance(60))
        Must(c, fmt::format("REVOKE ALL ON {} FROM PUBLIC", thing.on));
    const std::string wrapper = Q(OddName("wrapper")), foreign = Q(OddName("elsewhere"));
    Must(c, fmt::format("CREATE FOREIGN DATA WRAPPER {}; CREATE SERVER {} FOREIGN DATA WRAPPER {}", wrapper, foreign, wrapper));
    Must(c, fmt::format("CREATE FOREIGN TABLE {}.far (id int) SERVER {}", schemas[0], foreign));
    Add("FOREIGN DATA WRAPPER " + wrapper, {"USAGE"});
    Add("FOREIGN SERVER " + foreign, {"USAGE"});
    Add(fmt::format("TABLE {}.far", schemas[0]), {"SELECT", "INSERT"}, {Q("id")});
    for (int i = 0; i < 2; ++i) {
      const std::string large(c.Run("SELECT lo_create(0)").value().Text(0, 0));
      Must(c, fmt::format("ALTER LARGE OBJECT {} OWNER TO {}", large, Q(Role())));
      Add("LARGE OBJECT " + large, {"SELECT", "UPDATE"});
    }
    if (Chance(50)) Must(c, "REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC");
    Add("LANGUAGE plpgsql", {"USAGE"});
    for (int n = 0; n < 260; ++n) GrantOn(c, things_[Below(static_cast<unsigned>(things_.size()))]);
    for (int n = 0; n < 14; ++n) {
      static const std::vector<std::pair<std::string, std::string>> kinds{
          {"SELECT", "TABLES"}, {"INSERT", "TABLES"}, {"USAGE", "SEQUENCES"}, {"EXECUTE", "ROUTINES"}, {"USAGE", "TYPES"}};
      const auto& [privilege, kind] = OneOf(kinds);
      May(c, fmt::format("ALTER DEFAULT PRIVILEGES FOR ROLE {} {} GRANT {} ON {} TO {} {}", Q(Role()),
                         Chance(50) ? "IN SCHEMA " + OneOf(schemas) : "", privilege, kind, Q(Who()), Chance(30) ? "WITH GRANT OPTION" : ""));
    }
    May(c, fmt::format("ALTER DEFAULT PRIVILEGES FOR ROLE {} REVOKE EXECUTE ON ROUTINES FROM PUBLIC", Q(Role())));
    for (int n = 0; n < 8; ++n) May(c, fmt::format("REVOKE USAGE ON SCHEMA {} FROM {}", OneOf(schemas), Q(roles_[1 + Below(49)])));
  }

  void MakeShared() {
    things_.clear();
    for (const std::string& database : databases_) {
      if (Chance(50)) Must(*base_, fmt::format("REVOKE ALL ON DATABASE {} FROM PUBLIC", Q(database)));
      Add("DATABASE " + Q(database), {"CONNECT", "CREATE", "TEMPORARY"});
    }
    if (base_->server_version() >= 150000) {
      Must(*base_, "SET allow_in_place_tablespaces = on");
      Must(*base_, "CREATE TABLESPACE \"fast disk\" LOCATION ''");
      Add("TABLESPACE \"fast disk\"", {"CREATE"});
      for (const char* name : {"log_statement", "work_mem", "my.setting"}) Add(fmt::format("PARAMETER {}", name), {"SET", "ALTER SYSTEM"});
    }
    for (int n = 0; n < 60; ++n) GrantOn(*base_, things_[Below(static_cast<unsigned>(things_.size()))]);
  }

  pg::TestServer& server_;
  std::mt19937 random_;
  unsigned seed_;
  std::unique_ptr<pg::Connection> base_;
  std::vector<std::string> roles_, databases_;
  std::map<unsigned, std::vector<std::string>> admins_;
  std::vector<Thing> things_;
  int done_ = 0, refused_ = 0;
};

}  // namespace remit::posture
