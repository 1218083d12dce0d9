// remit catalog: reads, tests, compares and loads the declarations of task types.
#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/count.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/catalog_folder.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/parameters.h"
#include "cli/remote.h"
#include "config/toml.h"
#include "io/files.h"
#include "task/catalog_test_file.h"

namespace remit::cli {
namespace {

json::Array FilesJson(const std::vector<task::CatalogFile>& files) {
  json::Array array;
  for (const task::CatalogFile& file : files) array.push_back(json::Object{{"name", file.name}, {"text", file.text}});
  return array;
}

// All findings, warnings too; an error if there was one.
Result<std::shared_ptr<const task::Catalog>> LoadAndPrint(const CatalogFolders& folders, bool strict) {
  task::Catalog::Loaded loaded = task::Catalog::Load(folders.files);
  std::size_t errors = loaded.errors.size() + (strict ? loaded.warnings.size() : 0);
  if (!globals().json) {
    for (const cedar::Diagnostic& warning : loaded.warnings) PrintMessage("warning: " + warning.ToError().ToString());
    for (const cedar::Diagnostic& error : loaded.errors) PrintError(error.ToError());
  }
  if (errors > 0 || !loaded.catalog) {
    Error error =
        loaded.errors.empty() ? Error(Code::kInvalidArgument, "warnings", "warnings are errors with --strict") : loaded.errors.front().ToError();
    if (!globals().json)
      error = Error(Code::kInvalidArgument, error.reason,
                    fmt::format("the catalog has {} error{} and was refused whole", errors, errors == 1 ? "" : "s"));
    return std::unexpected(std::move(error));
  }
  return loaded.catalog;
}

void AddCheckCommand(Command& catalog) {
  struct Args {
    std::vector<std::string> folders;
    bool strict = false;
  };
  auto args = std::make_shared<Args>();
  catalog.Sub("check", "validates a catalog, without a server")
      .Arguments("folders", args->folders, "folders of .cedarschema and .cedar files", true)
      .Flag("--strict", args->strict, "warnings are errors")
      .Example("remit catalog check catalogs/deploy")
      .Run([args]() -> Result<int> {
        REMIT_ASSIGN(CatalogFolders folders, ReadCatalogFolders(args->folders));
        REMIT_ASSIGN(auto loaded, LoadAndPrint(folders, args->strict));
        if (globals().json) {
          json::Array types;
          for (const auto& [name, type] : loaded->task_types()) types.push_back(type.name);
          return PrintJson(json::Object{{"hash", loaded->hash()}, {"types", std::move(types)}}), kOk;
        }
        for (const auto& [name, type] : loaded->task_types()) PrintLine(fmt::format("{}  {}", Styled(Style::kBold, type.name), type.purpose));
        PrintLine(fmt::format("{}, no errors; catalog {}", Counted(loaded->policies().policies().size(), "policy", "policies"),
                              loaded->hash().substr(0, 12)));
        return kOk;
      });
}

void AddTestCommand(Command& catalog) {
  auto folders = std::make_shared<std::vector<std::string>>();
  catalog.Sub("test", "runs the *.test.toml files beside a catalog, without a server")
      .Arguments("folders", *folders, "folders of catalogs", true)
      .Example("remit catalog test catalogs/support")
      .Run([folders]() -> Result<int> {
        REMIT_ASSIGN(CatalogFolders read, ReadCatalogFolders(*folders));
        REMIT_ASSIGN(auto loaded, LoadAndPrint(read, false));
        REMIT_ASSIGN(cedar::Entities facts, cedar::Entities::FromJson(json::Value(read.facts), &loaded->schema()));
        task::CatalogTestReport report;
        for (const task::CatalogFile& file : read.tests) {
          REMIT_ASSIGN(json::Value document, config::ParseToml(file.text, file.name));
          REMIT_ASSIGN(task::CatalogTestReport one, task::RunCatalogTests(*loaded, document, file.name, facts));
          report.Add(std::move(one));
        }
        std::vector<cedar::PolicyPtr> unreached = task::Unreached(*loaded, report);
        if (globals().json) {
          json::Array failures, missed;
          for (const auto& failure : report.failures) failures.push_back(json::Object{{"place", failure.place}, {"message", failure.message}});
          for (const cedar::PolicyPtr& policy : unreached) missed.push_back(policy->id);
          PrintJson(json::Object{{"passed", report.passed}, {"failures", std::move(failures)}, {"unreached", std::move(missed)}});
        } else {
          for (const auto& failure : report.failures)
            PrintLine(fmt::format("{} {}: {}", Styled(Style::kRed, "failed"), failure.place, failure.message));
          for (const cedar::PolicyPtr& policy : unreached)
            PrintLine(fmt::format("{} no test reaches policy `{}`", Styled(Style::kYellow, policy->span.ToString()), policy->id));
          PrintLine(fmt::format("{} passed, {} failed; {} of {} policies reached", report.passed, report.failures.size(),
                                loaded->policies().policies().size() - unreached.size(), loaded->policies().policies().size()));
        }
        return report.failures.empty() ? kOk : kVerificationFailed;
      });
}

// Of a dry run: who would lose what.
void PrintLosses(const json::Value& answer) {
  const json::Array& losses = answer.Find("losses")->AsArray();
  for (const json::Value& loss : losses) {
    PrintLine(fmt::format("{} {} ({}, {}) of {}{}", Styled(Style::kYellow, "loses:"), Text(loss, "task"), Text(loss, "type"), Text(loss, "state"),
                          Text(loss, "actor"), loss.Find("ends")->AsBool() ? ": would be ended" : ""));
    for (const json::Value& permission : loss.Find("loses")->AsArray()) PrintLine("  " + PermissionLine(permission));
  }
  const auto all = static_cast<std::size_t>(answer.Find("losers")->AsInt());
  if (all > losses.size()) PrintMessage(fmt::format("and {} more tasks", all - losses.size()));
}

void AddLoadCommand(Command& catalog) {
  struct Args {
    std::vector<std::string> folders;
    bool dry_run = false, facts = false, end_older = false, strict = false, allow_lock_out = false;
  };
  auto args = std::make_shared<Args>();
  catalog.Sub("load", "puts a catalog in force, whole or not at all (administrators)")
      .Arguments("folders", args->folders, "folders of catalogs, loaded together as one", true)
      .Flag("--dry-run", args->dry_run, "says which tasks would lose what, and changes nothing")
      .Flag("--end-older", args->end_older, "ends every task that started under another catalog")
      .Flag("--allow-lock-out", args->allow_lock_out, "although nobody may load a catalog then, and the operator administers again")
      .Flag("--strict", args->strict, "a catalog with warnings is refused, e.g. one with a role in disguise")
      .Flag("--with-facts", args->facts, "adds the folders' facts.json as well")
      .Example("remit catalog load catalogs/deploy --dry-run\nremit catalog load catalogs/deploy catalogs/support --with-facts")
      .Run([args]() -> Result<int> {
        REMIT_ASSIGN(CatalogFolders folders, ReadCatalogFolders(args->folders));
        if (args->strict) REMIT_TRY(LoadAndPrint(folders, true));
        if (args->facts) REMIT_TRY(CheckFacts(folders));
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAdmin));
        json::Object body{{"files", FilesJson(folders.files)}};
        if (args->dry_run) body.Set("dry_run", true);
        if (args->end_older) body.Set("end_older", true);
        if (args->allow_lock_out) body.Set("allow_lock_out", true);
        REMIT_ASSIGN(json::Value answer, remote.Post("/v1/catalog", body));
        if (Waits(answer)) return kNotApproved;
        if (args->facts && !args->dry_run) {
          const Result<json::Value> put = remote.Post("/v1/facts", json::Object{{"entities", folders.facts}});
          if (!put) PrintMessage("the catalog is in force; its facts are not");
          REMIT_TRY(put);
        }
        if (globals().json) return PrintJson(answer), kOk;
        for (const json::Value& warning : answer.Find("warnings")->AsArray()) PrintMessage("warning: " + Plain(warning));
        if (args->dry_run) PrintLosses(answer);
        if (!args->dry_run)
          for (const json::Value& task : answer.Find("narrowed")->AsArray())
            PrintLine(fmt::format("{} {} holds more than it gives: ended", Styled(Style::kYellow, "narrower:"), Plain(task)));
        for (const json::Value& task : answer.Find("ended")->AsArray())
          PrintLine(fmt::format("{} {} started under another catalog: ended", Styled(Style::kYellow, "older:"), Plain(task)));
        PrintLine(fmt::format("catalog {} {}", Text(answer, "hash").substr(0, 12), args->dry_run ? "would be in force" : "is in force"));
        return kOk;
      });
}

}  // namespace

void AddCatalog(Command& root) {
  Command& catalog = root.Sub("catalog", "declarations of task types");
  AddCheckCommand(catalog);
  AddTestCommand(catalog);
  AddLoadCommand(catalog);
  catalog.Sub("show", "the task types in force").Example("remit catalog show").Run([]() -> Result<int> {
    REMIT_ASSIGN(Remote remote, Remote::Open(As::kAnybody));
    REMIT_ASSIGN(json::Value answer, remote.Get("/v1/catalog"));
    if (globals().json) return PrintJson(answer), kOk;
    std::vector<std::vector<std::string>> rows = {{"TYPE", "PURPOSE", "LIVES", "PARAMETERS"}};
    for (const json::Value& type : answer.Find("types")->AsArray()) {
      std::vector<std::string> parameters;
      for (const json::Value& parameter : type.Find("parameters")->AsArray()) parameters.push_back(Text(parameter, "name"));
      rows.push_back({Text(type, "name"), Text(type, "purpose"), Text(type, "ttl"), Join(parameters, " ")});
    }
    PrintTable(rows);
    return kOk;
  });
  catalog.Sub("schema", "the effective Cedar schema in force, which any Cedar tool reads")
      .Example("remit catalog schema > remit.cedarschema")
      .Run([]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAnybody));
        REMIT_ASSIGN(std::string text, remote.GetText("/v1/catalog/schema"));
        PrintLine(Trim(text));
        return kOk;
      });
}

}  // namespace remit::cli
