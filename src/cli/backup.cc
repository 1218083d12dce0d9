// remit backup and remit restore: the store's file, copied while a server uses it, and put back when none does.
#include <sys/stat.h>

#include <fmt/format.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "config/config.h"
#include "store/sqlite/backup.h"

namespace remit::cli {
namespace {

constexpr std::string_view kUsualConfig = "/etc/remit/remit.toml";

struct BackupArgs {
  std::string file, config{kUsualConfig}, store;
};

Result<std::string> StoreOf(const BackupArgs& args) {
  if (!args.store.empty()) return args.store;
  REMIT_ASSIGN(const config::Config config, config::Load(args.config));
  return config.data_dir + "/remit.db";
}

// In a folder each copy has a name of its own: "remit-20261127T190512Z.db".
std::string FileOf(const std::string& given) {
  struct stat info{};
  if (stat(given.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return given;
  std::string time = FormatTime(SystemClock().Wall()).substr(0, 19);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return fmt::format("{}{}remit-{}Z.db", given, given.ends_with("/") ? "" : "/", time);
}

json::Object ReportJson(const ledger::AuditReport& report) {
  return json::Object{{"ok", report.ok()}, {"size", report.head.size}, {"root", HexEncode(report.head.root)}};
}

Result<int> Backup(const BackupArgs& args) {
  REMIT_ASSIGN(const std::string store, StoreOf(args));
  const std::string file = FileOf(args.file);
  REMIT_ASSIGN(const ledger::AuditReport report, store::sqlite::BackupStore(store, file));
  if (globals().json) {
    json::Object answer = ReportJson(report);
    answer.Set("file", file);
    PrintJson(answer);
  } else {
    PrintLine(fmt::format("wrote {}: {}", file, report.Summary()));
    PrintMessage("the master key is not in it, and without that key it cannot be read: keep a copy of the key, elsewhere");
  }
  if (!report.ok()) PrintMessage(fmt::format("its ledger does not hold, and so does the store's not: remit ledger verify --store {}", store));
  return report.ok() ? kOk : kVerificationFailed;
}

Result<int> Restore(const BackupArgs& args) {
  REMIT_ASSIGN(const std::string store, StoreOf(args));
  REMIT_ASSIGN(const store::sqlite::Restored restored, store::sqlite::RestoreStore(args.file, store));
  if (globals().json) {
    json::Object answer = ReportJson(restored.ledger);
    answer.Set("store", store);
    if (!restored.kept.empty()) answer.Set("kept", restored.kept);
    return PrintJson(answer), kOk;
  }
  PrintLine(fmt::format("{} is the copy: {}", store, restored.ledger.Summary()));
  if (!restored.kept.empty()) PrintLine("what was there lies at " + restored.kept);
  const std::string config = args.config == kUsualConfig ? "" : " --config " + args.config;
  PrintMessage(fmt::format("an old copy is served with `remit serve{} --restored`, once: a new epoch, in which no task and no token of before lives",
                           args.store.empty() ? config : ""));
  return kOk;
}

}  // namespace

void AddBackup(Command& root) {
  auto backup = std::make_shared<BackupArgs>(), restore = std::make_shared<BackupArgs>();
  root.Sub("backup", "copies the store to a file, also while the server runs; never the master key")
      .Argument("file", backup->file, "a file that is not there yet, or a folder")
      .Option("--config", backup->config, "the configuration that names the store (default /etc/remit/remit.toml)", "FILE")
      .Option("--store", backup->store, "the store's file itself, instead", "FILE")
      .Example("remit backup /backup")
      .Run([backup] { return Backup(*backup); });
  root.Sub("restore", "puts a copy in the store's place, while no server runs; keeps what was there")
      .Argument("file", restore->file, "a file of remit backup")
      .Option("--config", restore->config, "the configuration that names the store (default /etc/remit/remit.toml)", "FILE")
      .Option("--store", restore->store, "the store's file itself, instead", "FILE")
      .Example("remit restore /backup/remit-20261127T190512Z.db")
      .Run([restore] { return Restore(*restore); });
}

}  // namespace remit::cli
