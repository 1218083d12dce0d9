// remit replace: an account's standing access at a PostgreSQL server goes, and can come back. It talks to that server as an administrator there, and
// to Remit's, where there is one, to ask and to tell.
#include <cstdlib>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/local_time.h"
#include "cli/output.h"
#include "cli/postgres_server.h"
#include "cli/shell_word.h"
#include "cli/standing/replace_admin.h"
#include "cli/standing/replace_record.h"
#include "cli/targets.h"
#include "crypto/hash.h"
#include "io/files.h"
#include "json/write.h"
#include "posture/replace/apply.h"
#include "posture/replace/make.h"
#include "posture/replace/rollback.h"

namespace remit::cli {
namespace {

constexpr std::size_t kLedgerLineBytes = 1024;  // as much as the server takes
constexpr std::size_t kShown = 20;              // lines of one part for people; all are in the file and in JSON

struct Args {
  std::string account, file, admin, admin_password_file, account_password_file;
  bool without_server = false;
};

Command& AddAdmin(Command& command, const std::shared_ptr<Args>& args) {
  return command
      .Option("--admin", args->admin,
              "the server and a superuser there: postgresql://USER@HOST:PORT/DATABASE, or 'host=… user=…' (else PGHOST, PGUSER, …)", "STRING")
      .Option("--admin-password-file", args->admin_password_file, "a file with the superuser's password, which only you can read (else PGPASSWORD)",
              "FILE");
}

Command& AddWithout(Command& command, const std::shared_ptr<Args>& args) {
  return command.Flag("--without-server", args->without_server, "neither asks nor tells Remit's server, although one is configured");
}

Result<posture::ReplaceServer> Open(const Args& args) {
  REMIT_ASSIGN(pg::ConnectOptions options,
               AdminOptions(args.admin, args.admin_password_file, [](const char* name) -> const char* { return std::getenv(name); }));
  Result<posture::ReplaceServer> server = posture::ReplaceServer::Open(options);
  if (!server) return std::unexpected(WithServerHint(std::move(server.error()), options, "--admin-password-file"));
  return server;
}

Result<posture::PlanFile> LoadPlan(const std::string& path) {
  Result<posture::PlanFile> plan = posture::PlanFile::Load(path);
  if (!plan && plan.error().reason == "no-such-file") plan.error().hint = "make a plan first: remit replace plan ACCOUNT --out " + ShellWord(path);
  return plan;
}

void PrintPart(std::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  PrintLine(fmt::format("  {} ({}):", title, lines.size()));
  for (std::size_t i = 0; i < lines.size() && i < kShown; ++i) PrintLine("    " + lines[i]);
  if (lines.size() > kShown) PrintLine(fmt::format("    … and {} more, all of them with --json", lines.size() - kShown));
}

std::vector<std::string> Lines(const std::vector<posture::Grant>& grants) {
  std::vector<std::string> lines;
  for (const posture::Grant& grant : grants) lines.push_back(grant.ToString());
  return lines;
}

void PrintPlan(const posture::PlanFile& file) {
  const posture::ReplacePlan& plan = file.plan;
  PrintLine(fmt::format("{}  standing access at cluster {}, PostgreSQL {}", Styled(Style::kBold, EscapeControl(plan.account.name)), plan.system,
                        plan.version / 10000));
  PrintPart("goes", Lines(plan.removed));
  PrintPart("falls with it, since the account granted it", Lines(plan.cascades));
  std::vector<std::string> members, kept, left;
  for (const posture::RoleRef& role : plan.members) members.push_back(EscapeControl(role.name));
  for (const posture::Kept& one : plan.kept) kept.push_back(one.grant.ToString() + ": " + one.reason);
  for (const bool of_public : {false, true})  // what everybody has comes last: it is the longest
    for (const posture::Left& one : plan.left)
      if ((one.via == posture::Via::kPublic) == of_public) left.push_back(one.ToString());
  PrintPart("loses it too, as a member of the account", members);
  PrintPart("stays, since no statement takes it back", kept);
  PrintPart("stays, since no grant to the account gives it", left);
}

// For apply and rollback: nobody else at the same file.
struct Locked {
  io::FileLock lock;
  posture::PlanFile file;
};
Result<Locked> Take(const std::string& path) {
  if (auto there = LoadPlan(path); !there) return Fail(std::move(there).error());
  REMIT_ASSIGN(io::FileLock lock, io::FileLock::Take(path + ".lock"));
  REMIT_ASSIGN(posture::PlanFile file, posture::PlanFile::Load(path));
  return Locked{std::move(lock), std::move(file)};
}

void AddPlan(Command& replace) {
  auto args = std::make_shared<Args>();
  AddAdmin(replace.Sub("plan", "what would go, what would fall with it, and what stays; changes nothing but FILE"), args)
      .Argument("account", args->account, "the role whose standing access goes")
      .Option("--out", args->file, "where the plan is written (default: ACCOUNT.replace.json); nothing is overwritten", "FILE")
      .Example("remit replace plan billing \\\n    --admin 'host=db.example user=dba sslrootcert=ca.pem' --out billing.json")
      .Run([args]() -> Result<int> {
        if (args->file.empty()) {
          if (args->account.find('/') != std::string::npos)
            return Fail(Code::kInvalidArgument, "usage", "the account's name cannot be a file's", "name the file with --out");
          args->file = args->account + ".replace.json";
        }
        REMIT_ASSIGN(posture::ReplaceServer server, Open(*args));
        posture::PlanFile file;
        file.path = args->file;
        file.planned = file.changed = SystemClock().Now();
        REMIT_ASSIGN(file.plan, posture::MakePlan(server, args->account));
        REMIT_TRY(file.Create());
        if (globals().json)
          return PrintJson(json::Object{{"file", file.path}, {"hash", posture::PlanHash(file.plan)}, {"plan", posture::PlanToJson(file.plan)}}), kOk;
        PrintPlan(file);
        PrintLine(fmt::format("  hash {}", posture::PlanHash(file.plan)));
        PrintMessage(fmt::format("nothing has changed; read {} and then: remit replace apply {}", file.path, file.path));
        return kOk;
      });
}

json::Value ResultToJson(const posture::ApplyResult& result) {
  json::Array probes, unproven;
  for (const posture::Probe& probe : result.probes.tried) probes.push_back(posture::ProbeToJson(probe));
  for (const posture::Unproven& one : result.probes.unproven) unproven.push_back(posture::UnprovenToJson(one));
  return json::Object{{"removed", result.removed},
                      {"cascades", result.cascades},
                      {"sessions_ended", result.sessions},
                      {"probes", std::move(probes)},
                      {"unproven", std::move(unproven)}};
}

// For the ledger: the first lines, of those that fit.
json::Array Shown(const std::vector<std::string>& lines) {
  json::Array shown;
  for (const std::string& line : lines)
    if (shown.size() < kShown && line.size() <= kLedgerLineBytes) shown.emplace_back(line);
  return shown;
}

json::Object ForLedger(const posture::PlanFile& file, const posture::ApplyResult& result) {
  const auto undecided = std::ranges::count(result.probes.tried, posture::ProbeVerdict::kUndecided, &posture::Probe::verdict);
  return json::Object{{"removed", result.removed},
                      {"cascades", result.cascades},
                      {"sessions_ended", result.sessions},
                      {"refused", result.probes.refused()},
                      {"undecided", undecided},
                      {"unproven", result.probes.unproven.size()},
                      {"gone", Shown(Lines(file.plan.removed))},
                      {"evidence", HexEncode(crypto::Sha256(json::Canonical(file.evidence)))}};
}

std::string LineOf(const std::string& what, const std::string& why, bool denied, const std::string& hint) {
  return fmt::format("{}: {}; {}{}", EscapeControl(what), EscapeControl(why), denied ? "the server says that it may not" : "the server was not asked",
                     hint.empty() ? "" : "; " + EscapeControl(hint));
}

void PrintProbes(const posture::Probes& probes) {
  PrintLine(fmt::format("  {} of {} as the account {} refused with SQLSTATE 42501", probes.refused(), Counted(probes.tried.size(), "statement"),
                        probes.refused() == 1 ? "was" : "were"));
  std::vector<std::string> lines;
  for (const posture::Unproven& one : probes.unproven) lines.push_back(LineOf(one.what, one.why, one.denied, one.hint));
  PrintPart("gone, and shown by no statement", lines);
}

// What the file says of the last time: nothing where a Remit of before wrote it, and then nothing is claimed.
void PrintUnproven(const posture::PlanFile& file, const std::string& path) {
  const json::Value* unproven = file.evidence.Find("unproven");
  if (unproven == nullptr || !unproven->IsArray()) return PrintLine("  which of it was shown by a statement, the file does not say");
  std::vector<std::string> lines;
  bool hinted = false;
  for (const json::Value& one : unproven->AsArray()) {
    const json::Value* denied = one.Find("server_says_no");
    lines.push_back(LineOf(Text(one, "what"), Text(one, "why"), denied != nullptr && denied->IsBool() && denied->AsBool(), ""));
    hinted = hinted || one.FindString("hint") != nullptr;
  }
  PrintPart("gone, and shown by no statement", lines);
  if (hinted) PrintLine(fmt::format("  to have a login tried: remit replace status {} --account-password-file FILE", path));
}

void PrintApplied(const posture::PlanFile& file, const posture::ApplyResult& result) {
  PrintLine(fmt::format("{}  {} gone, {} of others fell with {}", Styled(Style::kBold, EscapeControl(file.plan.account.name)),
                        Counted(result.removed, "grant is", "grants are"), result.cascades, result.removed == 1 ? "it" : "them"));
  PrintLine(fmt::format("  asked in each database: the account may do nothing there but what the plan says stays ({})",
                        file.plan.left.size() + file.plan.kept.size()));
  PrintLine(fmt::format("  {} ended", Counted(result.sessions, "session of it was", "sessions of it were")));
  PrintProbes(result.probes);
}

void AddApply(Command& replace) {
  auto args = std::make_shared<Args>();
  AddWithout(AddAdmin(replace.Sub("apply", "does exactly what was planned, or nothing; goes on where a call before was cut short"), args), args)
      .Argument("file", args->file, "the plan")
      .Option("--account-password-file", args->account_password_file, "the account's own password, to see it refused in a session of its own", "FILE")
      .Example("remit replace apply billing.json \\\n    --admin 'host=db.example user=dba sslrootcert=ca.pem'")
      .Run([args]() -> Result<int> {
        REMIT_ASSIGN(Locked locked, Take(args->file));
        posture::ApplyOptions options;
        if (!args->account_password_file.empty()) {
          REMIT_ASSIGN(options.account_password, ReadPasswordFile(args->account_password_file));
        }
        REMIT_ASSIGN(posture::ReplaceServer server, Open(*args));
        REMIT_ASSIGN(ReplaceRecord record, ReplaceRecord::Begin("apply", locked.file, args->without_server));
        const Result<posture::ApplyResult> applied = posture::ApplyPlan(server, locked.file, options, SystemClock());
        if (!applied) return record.Failed(applied.error()), Fail(Error(applied.error()));
        const posture::ApplyResult& result = *applied;
        record.Done(ForLedger(locked.file, result));
        if (globals().json) return PrintJson(ResultToJson(result)), kOk;
        PrintApplied(locked.file, result);
        PrintMessage(fmt::format("the way back: remit replace rollback {}", args->file));
        return kOk;
      });
}

void AddRollback(Command& replace) {
  auto args = std::make_shared<Args>();
  AddWithout(AddAdmin(replace.Sub("rollback", "gives back what the plan took away, entry by entry, as it was"), args), args)
      .Argument("file", args->file, "the plan")
      .Example("remit replace rollback billing.json \\\n    --admin 'host=db.example user=dba sslrootcert=ca.pem'")
      .Run([args]() -> Result<int> {
        REMIT_ASSIGN(Locked locked, Take(args->file));
        REMIT_ASSIGN(posture::ReplaceServer server, Open(*args));
        REMIT_ASSIGN(ReplaceRecord record, ReplaceRecord::Begin("rollback", locked.file, args->without_server));
        const Result<posture::RollbackResult> back = posture::RollBackPlan(server, locked.file, SystemClock());
        if (!back) return record.Failed(back.error()), Fail(Error(back.error()));
        const posture::RollbackResult& result = *back;
        record.Done(json::Object{{"restored", result.restored}, {"lost", Shown(result.lost)}});
        const int exit = result.lost.empty() ? kOk : kVerificationFailed;
        if (globals().json) return PrintJson(json::Object{{"restored", result.restored}, {"lost", json::StringArray(result.lost)}}), exit;
        PrintLine(fmt::format("{}  {}", Styled(Style::kBold, EscapeControl(locked.file.plan.account.name)),
                              Counted(result.restored, "grant is back as it was", "grants are back as they were")));
        PrintPart("could not come back", result.lost);
        return exit;
      });
}

// Null where the file does not say.
json::Value UnprovenOf(const posture::PlanFile& file) {
  const json::Value* unproven = file.evidence.Find("unproven");
  return unproven == nullptr ? json::Value() : *unproven;
}

void AddStatus(Command& replace) {
  auto args = std::make_shared<Args>();
  AddAdmin(replace.Sub("status", "how far a plan has come, and what has come back since"), args)
      .Argument("file", args->file, "the plan")
      .Option(
          "--account-password-file", args->account_password_file,
          "the account's own password: all that was taken away is tried once more, in a session of its own, and the plan's file says what came of it",
          "FILE")
      .Example("remit replace status billing.json \\\n    --admin 'host=db.example user=dba sslrootcert=ca.pem'")
      .Run([args]() -> Result<int> {
        REMIT_ASSIGN(posture::PlanFile file, LoadPlan(args->file));
        REMIT_ASSIGN(posture::ReplaceServer server, Open(*args));
        if (!args->account_password_file.empty()) {
          REMIT_ASSIGN(Locked locked, Take(args->file));
          REMIT_ASSIGN(const Secret password, ReadPasswordFile(args->account_password_file));
          REMIT_TRY(posture::ProbePlanAgain(server, locked.file, password, SystemClock()));
          file = std::move(locked.file);
        }
        REMIT_ASSIGN(const posture::ReplaceStatus status, posture::ReadStatus(server, file));
        const bool applied = file.phase == posture::Phase::kApplied;
        const bool drift = !status.allowed.empty() || (applied && (!status.there.empty() || !status.new_here.empty() || !status.more.empty()));
        const int exit = drift ? kVerificationFailed : kOk;
        if (globals().json)
          return PrintJson(json::Object{{"account", file.plan.account.name},
                                        {"phase", posture::PhaseName(file.phase)},
                                        {"since", FormatTime(file.changed)},
                                        {"gone", json::StringArray(status.gone)},
                                        {"there", json::StringArray(status.there)},
                                        {"new", json::StringArray(status.new_here)},
                                        {"more", json::StringArray(status.more)},
                                        {"allowed", json::StringArray(status.allowed)},
                                        {"unproven", UnprovenOf(file)},
                                        {"drift", drift}}),
                 exit;
        PrintLine(fmt::format("{}  {} since {}: {} of {} gone", Styled(Style::kBold, EscapeControl(file.plan.account.name)),
                              posture::PhaseName(file.phase), LocalTime(file.changed, SystemClock().Wall()), status.gone.size(),
                              Counted(status.gone.size() + status.there.size(), "grant is", "grants are")));
        PrintPart(applied ? "has come back" : "is there", status.there);
        PrintPart("was granted besides the plan", status.new_here);
        PrintPart("may be done besides the plan, by PUBLIC, ownership or an attribute", status.more);
        PrintPart("was allowed as the account when it was tried last; tried again with --account-password-file", status.allowed);
        if (applied) PrintUnproven(file, args->file);
        return exit;
      });
}

}  // namespace

void AddReplace(Command& root) {
  Command& replace = root.Sub("replace", "takes an account's standing access at a PostgreSQL server away, with a way back");
  AddPlan(replace);
  AddApply(replace);
  AddRollback(replace);
  AddStatus(replace);
}

}  // namespace remit::cli
