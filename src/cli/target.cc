// remit target: the systems where tasks get credentials.
#include <algorithm>

#include <fmt/format.h>

#include "base/rng.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/targets.h"
#include "crypto/scram.h"
#include "http/target.h"
#include "io/files.h"
#include "pg/name.h"
#include "target/postgres/init_sql.h"

namespace remit::cli {
namespace {

using target::postgres::InitOptions;
using target::postgres::TablePrivilege;

// "public.invoices" or "public.invoices:insert,update"; privileges default to select.
Status AddTables(const std::string& text, InitOptions& options) {
  std::size_t colon = text.rfind(':');
  std::string table = text.substr(0, colon);
  std::vector<std::string> privileges = colon == std::string::npos ? std::vector<std::string>{"select"} : Split(text.substr(colon + 1), ',');
  REMIT_ASSIGN(pg::TableName name, pg::ParseSchemaTable(table));
  for (const std::string& privilege : privileges) options.tables.push_back({name.schema, name.table, privilege});
  return {};
}

const json::Array& Lacked(const json::Value& report) {
  static const json::Array none;  // of a server of before
  const json::Value* lacked = report.Find("lacked_sequences");
  return lacked != nullptr && lacked->IsArray() ? lacked->AsArray() : none;
}

// Whether a script that was run again would mend an INSERT.
bool LacksItsOwn(const json::Value& report) {
  return std::ranges::any_of(Lacked(report), [](const json::Value& one) { return one.Find("own")->AsBool(); });
}

void PrintLacked(const json::Value& report) {
  for (const json::Value& one : Lacked(report))
    PrintLine(fmt::format("{} insert on {} where a column is left to its default, which draws on sequence {}{}", Styled(Style::kRed, "fails   "),
                          Text(one, "table"), Text(one, "sequence"),
                          one.Find("own")->AsBool() ? "" : ": it is not the table's own, so no task is given it (ALTER SEQUENCE … OWNED BY)"));
}

void AddInitCommand(Command& target) {
  struct Args {
    std::string type, name, config = "/etc/remit/remit.toml", installation;
    std::vector<std::string> tables, databases;
  };
  auto args = std::make_shared<Args>();
  target.Sub("init", "prints the SQL that an administrator runs once, as a superuser, to prepare a PostgreSQL server")
      .Argument("type", args->type, "postgres")
      .Argument("name", args->name, "the target's name in remit.toml")
      .Option("--config", args->config, "the configuration (default /etc/remit/remit.toml)", "FILE")
      .Option("--installation", args->installation, "the installation's id (default: asked from the running server)", "ID")
      .Option("--table", args->tables,
              "a table that tasks may be granted, e.g. public.invoices or public.invoices:select,insert; may be repeated (default: `tables` in "
              "remit.toml)")
      .Option("--database", args->databases, "a further database to equip; may be repeated")
      .Example("remit target init postgres orders --table public.invoices > init.sql\nsudo -u postgres psql orders < init.sql")
      .Run([args]() -> Result<int> {
        if (args->type != "postgres")
          return Fail(Code::kUnsupported, "unknown-target-type", fmt::format("no target type `{}`", args->type), "the types are: postgres");
        REMIT_ASSIGN(config::Config config, config::Load(args->config));
        const config::TargetSettings* settings = nullptr;
        for (const config::TargetSettings& one : config.targets)
          if (one.name == args->name) settings = &one;
        if (settings == nullptr)
          return Fail(Code::kNotFound, "unknown-target", fmt::format("`{}` has no [targets.{}]", args->config, args->name),
                      "add it first; docs/how-to/vendor-maintenance.md shows how");
        if (args->installation.empty()) {
          REMIT_ASSIGN(Remote remote, Remote::Open(As::kPeer));
          REMIT_ASSIGN(json::Value ready, remote.Get("/v1/targets"));
          args->installation = Text(ready, "installation");
        }
        REMIT_ASSIGN(target::postgres::Config postgres, PostgresConfig(*settings, args->installation));
        InitOptions options;
        options.installation = args->installation;
        options.login = postgres.user;
        SystemRng rng;
        REMIT_ASSIGN(options.login_verifier, crypto::ScramSha256Verifier(postgres.password, rng.Take(16)));
        options.database = postgres.database;
        std::vector<std::string> tables = args->tables;
        config::SettingsReader r(*settings);
        if (tables.empty()) tables = r.OptionalStrings("tables").value_or(std::vector<std::string>());
        options.databases = args->databases.empty() ? r.OptionalStrings("databases").value_or(std::vector<std::string>()) : args->databases;
        if (tables.empty())
          return Fail(Code::kInvalidArgument, "usage", "no table is named that tasks may be granted",
                      "name each with --table, or set `tables` in remit.toml");
        for (const std::string& table : tables) REMIT_TRY(AddTables(table, options));
        REMIT_ASSIGN(std::string sql, target::postgres::InitSql(options));
        if (globals().json) return PrintJson(json::Object{{"sql", sql}}), kOk;
        PrintLine(sql);
        return kOk;
      });
}

}  // namespace

void AddTarget(Command& root) {
  Command& target = root.Sub("target", "the systems where tasks get credentials");
  AddInitCommand(target);
  auto name = std::make_shared<std::string>();
  target.Sub("check", "what a task could do there that Remit does not give, and the script that closes it (administrators)")
      .Argument("name", *name, "the target's name")
      .Example("remit target check orders")
      .Run([name]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAdmin));
        REMIT_ASSIGN(json::Value report, remote.Post("/v1/targets/" + http::PercentEncode(*name) + "/check", json::Object{}));
        std::int64_t open = 0;
        for (const json::Value& item : report.Find("items")->AsArray()) open += !item.Find("accepted")->AsBool();
        const bool init_again = LacksItsOwn(report);
        const int code = open == 0 && !init_again ? kOk : kVerificationFailed;
        if (globals().json) return PrintJson(report), code;
        for (const json::Value& item : report.Find("items")->AsArray())
          PrintLine(fmt::format("{} {}  {}", item.Find("accepted")->AsBool() ? Styled(Style::kDim, "accepted") : Styled(Style::kYellow, "open    "),
                                Text(item, "name"), Text(item, "what")));
        PrintLacked(report);
        if (init_again)
          PrintMessage(
              fmt::format("the script of `remit target init postgres {}` gives tables their own sequences: run it again, as a superuser", *name));
        if (open == 0) {
          PrintLine(Styled(Style::kGreen, "a task can do there what Remit gives, and what was accepted; nothing else"));
          return code;
        }
        PrintLine("\n-- What closes the open ones; read it before you run it, as a superuser, with psql:\n" + *report.FindString("script"));
        PrintMessage(fmt::format("{} open; close them, or accept them by name with `accepted` in [targets.{}]", open, *name));
        return kVerificationFailed;
      });
  target.Sub("list", "the targets, and whether they answer (administrators)").Example("remit target list").Run([]() -> Result<int> {
    REMIT_ASSIGN(Remote remote, Remote::Open(As::kAdmin));
    REMIT_ASSIGN(json::Value answer, remote.Get("/v1/targets"));
    if (globals().json) return PrintJson(answer), kOk;
    std::vector<std::vector<std::string>> rows = {{"TARGET", "TYPE", "ANSWERS"}};
    for (const json::Value& one : answer.Find("targets")->AsArray())
      rows.push_back({Text(one, "name"), Text(one, "type"), one.Find("ok")->AsBool() ? "yes" : Text(one, "detail")});
    PrintTable(rows);
    return kOk;
  });
  root.Sub("sweep", "compares ledger and targets now, and ends what should not be there (administrators)")
      .Example("remit sweep")
      .Run([]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAdmin));
        REMIT_ASSIGN(json::Value report, remote.Post("/v1/sweep", json::Object{}));
        PrintJson(report);
        return kOk;
      });
}

}  // namespace remit::cli
