// remit scan: standing access. What accounts hold and what they use; task types that would cover the use.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/postgres_server.h"
#include "cli/scan_output.h"
#include "io/files.h"
#include "json/read.h"
#include "posture/log/log_files.h"
#include "posture/propose/report_json.h"
#include "posture/scan/postgres_holdings.h"

namespace remit::cli {
namespace {

struct Source {
  PostgresServer server;
  std::vector<std::string> logs, databases, accounts;
};

// What long work shows of itself on a terminal, a few times a second, and takes away again. Elsewhere nothing.
class ProgressLine {
 public:
  ~ProgressLine() { Clear(); }
  void Show(std::string_view text) {
    if (isatty(2) != 1 || globals().json) return;
    const auto now = std::chrono::steady_clock::now();
    if (shown_ && now - last_ < std::chrono::milliseconds(200)) return;
    std::fprintf(stderr, "\r\x1b[K%.*s", static_cast<int>(text.size()), text.data());
    shown_ = true;
    last_ = now;
  }
  posture::Progress Bytes(std::string what) {
    return [this, what = std::move(what)](std::uint64_t done, std::uint64_t total) {
      Show(fmt::format("{} {} %", what, total == 0 ? 100 : done * 100 / total));
    };
  }
  void Clear() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
    shown_ = false;
  }

 private:
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_;
};

// All that a scan reads.
struct Read {
  posture::Inventory inventory;
  posture::LogFiles logs;
  posture::ScanReport report;
};

Result<Read> ReadAll(const Source& source) {
  Read read;
  ProgressLine progress;
  REMIT_ASSIGN(const pg::ConnectOptions options, source.server.Options());
  Result<posture::Inventory> inventory =
      posture::ReadInventory(options, source.databases, [&](const std::string& name) { progress.Show("reading database " + EscapeControl(name)); });
  if (!inventory) return std::unexpected(WithServerHint(std::move(inventory.error()), options, "--password-file"));
  read.inventory = *std::move(inventory);
  posture::Usage usage;
  if (!source.logs.empty()) {
    REMIT_ASSIGN(read.logs, posture::FindLogs(source.logs, progress.Bytes("looking at the log")));
    REMIT_TRY(posture::ReadLogs(
        read.logs, [&](const posture::LogRecord& record, const posture::LogFile& file) { usage.Add(record, file.path); },
        progress.Bytes("reading the log")));
  }
  REMIT_ASSIGN(read.report, posture::Scan(read.inventory, usage.Finish(), source.accounts));
  read.report.findings.insert(read.report.findings.begin(), read.logs.findings.begin(), read.logs.findings.end());
  return read;
}

// A log that is not whole makes no report that is.
int ExitFor(const Read& read) {
  if (read.logs.complete()) return kOk;
  PrintMessage("a part of the log could not be read: what looks never used may have been used in it");
  return kVerificationFailed;
}

Command& AddSource(Command& command, Source& source) {
  AddPostgresServer(command, source.server);
  return command.Option("--log", source.logs, "a file of the server's csvlog or jsonlog, or the folder with all of them; may be repeated", "PATH")
      .Option("--database", source.databases, "a database to look into; may be repeated (default: all)", "NAME")
      .Option("--account", source.accounts, "an account to report on; may be repeated (default: all that can log in)", "NAME");
}

void AddScanPostgres(Command& scan) {
  auto source = std::make_shared<Source>();
  Command& command =
      scan.Sub("postgres", "what accounts of a PostgreSQL server hold, by which path, what of it they use, and what they were refused");
  AddSource(command, *source)
      .Example(
          "remit scan postgres postgresql://postgres@%2Frun%2Fpostgresql/orders \\\n"
          "    --log /var/lib/postgresql/15/main/log\n"
          "remit scan postgres orders --config /etc/remit/remit.toml --user dba \\\n"
          "    --password-file dba.password --account billing --json")
      .Run([source]() -> Result<int> {
        REMIT_ASSIGN(const Read read, ReadAll(*source));
        if (globals().json) {
          PrintJson(posture::ToJson(read.report));
        } else {
          PrintScan(read.report);
        }
        return ExitFor(read);
      });
}

Result<std::map<std::string, std::string>> ReadTargets(const std::vector<std::string>& given) {
  std::map<std::string, std::string> targets;
  for (const std::string& one : given) {
    const std::size_t equals = one.rfind('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == one.size())
      return Fail(Code::kInvalidArgument, "usage", fmt::format("`{}` is not DATABASE=TARGET", one), "e.g. --as orders=orders-prod");
    targets[one.substr(0, equals)] = one.substr(equals + 1);
  }
  return targets;
}

Result<std::set<std::string>> ReadHidden(const std::string& text) {
  std::set<std::string> hidden;
  if (text.empty()) return hidden;
  for (std::string one : Split(text, ',')) {
    for (char& c : one)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (one != "SELECT" && one != "UPDATE" && one != "DELETE")
      return Fail(Code::kInvalidArgument, "usage", fmt::format("`{}` is no privilege that another can hide", EscapeControl(one)),
                  "select, update and delete are");
    hidden.insert(one);
  }
  return hidden;
}

std::unexpected<Error> CannotMake(const std::string& path) {
  return Fail(Code::kPermissionDenied, "cannot-write-file", fmt::format("cannot make `{}`: {}", path, std::strerror(errno)));
}

bool IsThere(const std::string& path) {
  struct stat there{};
  return lstat(path.c_str(), &there) == 0;
}

Status CheckFree(const std::string& folder, bool force) {
  if (force || !IsThere(folder)) return {};
  return Fail(Code::kAlreadyExists, "folder-exists", fmt::format("`{}` is there already", folder),
              "choose another --out, or add --force: what is there is kept under another name");
}

// A catalog as a folder: written beside its place, then put there as a whole. What was there is kept under another name; answers which.
Result<std::string> WriteFolder(const std::string& folder, const posture::Proposal& proposal, bool force) {
  REMIT_TRY(CheckFree(folder, force));
  const bool exists = IsThere(folder);
  std::string fresh = folder + ".new.XXXXXX";
  if (mkdtemp(fresh.data()) == nullptr) return CannotMake(folder);
  for (const auto* files : {&proposal.files, &proposal.tests})
    for (const task::CatalogFile& file : *files) REMIT_TRY(io::WriteNewFile(fresh + "/" + file.name, file.text, 0644));
  REMIT_TRY(io::WriteNewFile(fresh + "/facts.json", proposal.facts, 0644));
  if (chmod(fresh.c_str(), 0755) != 0) return CannotMake(fresh);
  std::string kept;
  for (int i = 1; exists && kept.empty(); ++i)
    if (std::string name = fmt::format("{}.{}", folder, i); !IsThere(name)) kept = name;
  if (exists && std::rename(folder.c_str(), kept.c_str()) != 0) return CannotMake(kept);
  if (std::rename(fresh.c_str(), folder.c_str()) != 0) return CannotMake(folder);
  return kept;
}

// Loads the proposal as a server would, and asks it about everything that the log shows.
Result<posture::ReplayReport> ReplayLog(const Read& read, const posture::Proposal& proposal) {
  task::Catalog::Loaded loaded = task::Catalog::Load(proposal.files);
  if (!loaded.catalog) return std::unexpected(loaded.errors.front().ToError().Within("the proposal does not load, which is a mistake of ours"));
  REMIT_ASSIGN(const json::Value facts_json, json::Parse(proposal.facts));
  REMIT_ASSIGN(const cedar::Entities facts, cedar::Entities::FromJson(facts_json, &loaded.catalog->schema()));
  posture::Replay replay(read.inventory, read.report, proposal, *loaded.catalog, facts);
  posture::Usage usage([&](const posture::SessionSeen& session) { replay.Session(session); });
  ProgressLine progress;
  REMIT_TRY(posture::ReadLogs(
      read.logs, [&](const posture::LogRecord& record, const posture::LogFile& file) { usage.Add(record, file.path); },
      progress.Bytes("replaying the log")));
  return replay.Finish(usage.Finish());
}

void AddScanPropose(Command& scan) {
  struct Args {
    Source source;
    std::string out, hidden;
    std::vector<std::string> targets;
    bool force = false;
  };
  auto args = std::make_shared<Args>();
  Command& command =
      scan.Sub("propose", "writes task types that cover just what accounts of a PostgreSQL server used and hold, and replays the log against them");
  AddSource(command, args->source)
      .Option("--out", args->out, "the folder of the catalog that is written", "FOLDER")
      .Option("--as", args->targets, "which target a database is in remit.toml; may be repeated (default: the database's name)", "DATABASE=TARGET")
      .Option("--with-hidden", args->hidden,
              "privileges that are held and may stand behind a use in the log, which shows one of a statement: of select,update,delete", "LIST")
      .Flag("--force", args->force, "takes the place of a folder that is there; the old one is kept as FOLDER.1, .2 …")
      .Example(
          "remit scan propose postgresql://postgres@%2Frun%2Fpostgresql/orders \\\n"
          "    --log /var/lib/postgresql/15/main/log --account billing --out proposed\n"
          "remit catalog check proposed && remit catalog test proposed")
      .Run([args]() -> Result<int> {
        if (args->out.empty()) return Fail(Code::kInvalidArgument, "usage", "no folder is named to write to", "add --out FOLDER");
        if (args->source.logs.empty()) return Fail(Code::kInvalidArgument, "usage", "no log is named: nothing is known to be used", "add --log PATH");
        while (args->out.size() > 1 && args->out.ends_with('/')) args->out.pop_back();
        REMIT_TRY(CheckFree(args->out, args->force));
        posture::ProposeOptions options;
        REMIT_ASSIGN(options.targets, ReadTargets(args->targets));
        REMIT_ASSIGN(options.hidden, ReadHidden(args->hidden));
        options.superusers = !args->source.accounts.empty();
        REMIT_ASSIGN(Read read, ReadAll(args->source));
        REMIT_ASSIGN(posture::Proposal proposal, posture::Propose(read.report, options));
        proposal.findings.insert(proposal.findings.begin(), read.report.findings.begin(), read.report.findings.end());
        REMIT_ASSIGN(const posture::ReplayReport replay, ReplayLog(read, proposal));
        REMIT_ASSIGN(const std::string kept, WriteFolder(args->out, proposal, args->force));
        if (globals().json) {
          PrintJson(posture::ToJson(proposal, replay));
        } else {
          PrintProposal(proposal, replay);
        }
        if (!kept.empty()) PrintMessage(fmt::format("what was in `{}` is kept in `{}`", args->out, kept));
        PrintMessage(fmt::format("wrote `{}`; read it, then: remit catalog test {}", args->out, args->out));
        return ExitFor(read);
      });
}

}  // namespace

void AddScan(Command& root) {
  Command& scan = root.Sub("scan", "standing access: what accounts hold and use");
  AddScanPostgres(scan);
  AddScanPropose(scan);
}

}  // namespace remit::cli
