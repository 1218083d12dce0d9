#include "cli/standing/standing.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/targets.h"
#include "json/write.h"

namespace remit::cli {

namespace {

json::Object Line(std::string_view what, std::string_view id, std::string_view target, bool ended) {
  return json::Object{{"what", what}, {"id", id}, {"target", target}, {"ended", ended}};
}

// Everything under the account's own name where nothing is known in particular.
void Open(json::Array& lines, const std::string& role, const std::string& target, std::string reason) {
  json::Object line = Line("account", role, target, false);
  line.Set("reason", std::move(reason));
  lines.push_back(std::move(line));
}

std::string SharedWith(const std::string& owner) {
  return fmt::format("it is {}'s too, who is not offboarded: nothing was done to it; give that one an account of its own, or offboard it too", owner);
}

json::Array StepsOf(const posture::AccountEnd& end) {
  json::Array steps;
  for (const auto& [step, detail] : end.evidence) steps.push_back(json::Object{{"step", step}, {"detail", detail}});
  return steps;
}

}  // namespace

json::Array StandingEnder::End(const broker::StandingRequest& request) {
  json::Array lines;
  for (const std::string& account : request.accounts) {
    Place place = notes_.PlaceOf(account);
    if (const auto meant = request.declarations.find(account); meant != request.declarations.end()) place.declaration = meant->second;
    EndOne(request, place, lines);
  }
  return lines;
}

void StandingEnder::EndOne(const broker::StandingRequest& request, const Place& place, json::Array& lines) {
  const auto open = [&](std::string reason) { Open(lines, place.role, place.target, std::move(reason)); };
  if (place.settings == nullptr) return open("no target of this name is configured any more: nobody looked there");
  if (place.settings->type != "postgres") return open("what accounts hold at a target of this type is not known here");
  const Result<std::string> shared = WhoShares(request, place);
  if (!shared) return open("whether somebody else works with it cannot be seen: " + shared.error().message);
  if (!shared->empty()) return open(SharedWith(*shared));
  Result<std::optional<pg::ConnectOptions>> superuser = SuperuserOptions(*place.settings);
  if (!superuser) return open(superuser.error().message);
  if (*superuser) {
    if (const Status may = parts_.may_send(*place.settings, "superuser_password_file", (*superuser)->password); !may)
      return open(may.error().message);
    return TakeAway(request, place, **superuser, lines);
  }
  const Result<pg::ConnectOptions> reader = notes_.Reader(*place.settings);
  if (!reader) return open(reader.error().message);
  OnlyRead(request, place, *reader, lines);
}

// Who else has it: under the same name, or by another target's name for the same server. "" for nobody.
Result<std::string> StandingEnder::WhoShares(const broker::StandingRequest& request, const Place& place) {
  if (const auto same = request.others.find(place.account); same != request.others.end()) return same->second;
  std::string system;
  for (const auto& [account, owner] : request.others) {
    const std::size_t slash = account.find('/');
    if (slash == std::string::npos || account.substr(slash + 1) != place.role) continue;
    const config::TargetSettings* other = notes_.Find(account.substr(0, slash));
    if (other == nullptr || other->type != "postgres") continue;
    if (system.empty()) {
      REMIT_ASSIGN(system, SystemOf(*place.settings));
    }
    REMIT_ASSIGN(const std::string theirs, SystemOf(*other));
    if (theirs == system) return owner;
  }
  return std::string();
}

// Who else has this very role, whatever either calls it: names move, what is noted does not. "" for nobody.
Result<std::string> StandingEnder::WhoHas(const broker::StandingRequest& request, const posture::KnownRole& role) const {
  for (const auto& [account, owner] : request.others) {
    REMIT_ASSIGN(const std::optional<posture::KnownRole> theirs, notes_.Noted(account));
    if (theirs == role) return owner;
  }
  return std::string();
}

// Roles of tasks and scope roles of any installation, and what Remit itself works as there, also by another target's name: without these nothing that
// it made there could be ended. Where it cannot be seen whether that is the same server, it is.
bool StandingEnder::IsRemits(const Place& place, std::string_view role) const {
  if (role.starts_with("remit_")) return true;
  for (const config::TargetSettings& target : parts_.targets) {
    if (target.type != "postgres") continue;
    const Result<pg::ConnectOptions> reader = ReaderOptions(target);
    const Result<std::optional<pg::ConnectOptions>> superuser = SuperuserOptions(target);
    if (&target == place.settings && (!reader || !superuser)) return true;
    const bool named = (reader && role == reader->user) || (superuser && *superuser && role == (*superuser)->user);
    if (!named) continue;
    if (&target == place.settings) return true;
    if (const Result<std::string> here = SystemOf(*place.settings), there = SystemOf(target); !here || !there || *here == *there) return true;
  }
  return false;
}

Status StandingEnder::OnlyTheirs(const broker::StandingRequest& request, const posture::KnownRole& role) const {
  const Result<std::string> shared = WhoHas(request, role);
  if (!shared)
    return Fail(Code::kFailedPrecondition, "account-shared", "whether somebody else works with it cannot be seen: " + shared.error().message);
  if (!shared->empty()) return Fail(Code::kFailedPrecondition, "account-shared", SharedWith(*shared));
  return {};
}

Result<std::string> StandingEnder::SystemOf(const config::TargetSettings& settings) const {
  REMIT_ASSIGN(const pg::ConnectOptions options, notes_.Reader(settings));
  REMIT_ASSIGN(const auto connection, pg::Connection::Open(options));
  REMIT_ASSIGN(const pg::Rows rows, connection->Exec("SELECT system_identifier FROM pg_catalog.pg_control_system()"));
  return std::string(rows.Text(0, 0));
}

void StandingEnder::TakeAway(const broker::StandingRequest& request, const Place& place, const pg::ConnectOptions& options, json::Array& lines) {
  const auto open = [&](std::string reason) { Open(lines, place.role, place.target, std::move(reason)); };
  if (Status made = MakeFolder(); !made) return open(made.error().message);
  Result<posture::ReplaceServer> server = posture::ReplaceServer::Open(options);
  if (!server) return open(server.error().message);
  const auto fields = [&](const posture::RoleRef& role, const std::string& system, const std::string& plan) {
    json::Object event{{"actor", request.actor.ToString()}, {"by", request.by}, {"target", place.target}, {"account", role.name}};
    event.Set("account_oid", role.oid);
    event.Set("system", system);
    if (!plan.empty()) event.Set("plan", plan);
    return event;
  };
  const Result<std::optional<posture::KnownRole>> known = notes_.Noted(place, server->system());
  if (!known) return open("which role it was cannot be read: " + known.error().message);
  posture::AccountEndOptions how;
  how.known = *known;
  how.folder = parts_.folder;
  how.prefix = place.target;
  how.at = parts_.at;
  how.reserved = [&](std::string_view role) { return IsRemits(place, role); };
  how.intent = [&](const posture::AccountIntent& intent) -> Status {
    json::Object event = fields(intent.account, intent.system, intent.plan);
    if (!intent.file.empty()) event.Set("file", intent.file);
    if (intent.plan.empty()) REMIT_TRY(OnlyTheirs(request, {intent.account.oid, intent.system}));
    return notes_.NoteWith("standing.ending", event, place, {intent.account.oid, intent.system}, *known);
  };
  Result<posture::AccountEnd> end = posture::EndAccount(*server, place.role, how, parts_.clock);
  if (!end) return open(end.error().message);
  if (end->ended) {
    json::Object line = Line("account", place.role, place.target, true);
    line.Set("evidence", StepsOf(*end));
    if (!end->file.empty()) line.Set("plan_file", end->file);
    lines.push_back(std::move(line));
  }
  for (const posture::AccountEnd::Open& one : end->open) {
    json::Object line = Line(one.what, one.id, place.target, false);
    if (one.what != "account") line.Set("account", place.role);
    line.Set("reason", one.reason);
    lines.push_back(std::move(line));
  }
  if (end->account.name.empty()) return;  // nothing was done
  json::Object event = fields(end->account, end->system, end->plan);
  event.Set("removed", end->removed);
  event.Set("cascades", end->cascades);
  event.Set("sessions_ended", end->sessions);
  event.Set("refused", end->refused);
  event.Set("evidence", StepsOf(*end));
  event.Set("open", end->open.size());
  if (Status told = parts_.record(end->ended ? "standing.ended" : "standing.open", event, {}, {}); !told)
    open("what was done could not be written down: " + told.error().message);
}

void StandingEnder::OnlyRead(const broker::StandingRequest& request, const Place& place, const pg::ConnectOptions& options, json::Array& lines) {
  const auto open = [&](std::string reason) { Open(lines, place.role, place.target, std::move(reason)); };
  const auto connection = pg::Connection::Open(options);
  if (!connection) return open(connection.error().message);
  const Result<posture::AccountHeld> held = posture::ReadAccountHeld(**connection, place.role);
  if (!held && held.error().reason != "unknown-account") return open(held.error().message);
  const Result<posture::KnownRole> now = posture::SeeRole(**connection, place.role);
  if (!now) return open(now.error().message);
  const Result<std::optional<posture::KnownRole>> known = notes_.Noted(place, now->system);
  if (!known) return open("which role it was cannot be read: " + known.error().message);
  const Result<posture::AccountFate> fate = posture::ReadAccountFate(**connection, place.role, *now, *known);
  if (!fate) return open(fate.error().message);
  if (!fate->why_open.empty()) return open(fate->why_open);
  if ((held ? held->account.oid : "") != now->oid) return open("what has this name changed while it was looked at: offboard again");
  if (Status theirs = OnlyTheirs(request, *now); held && !theirs) return open(theirs.error().message);
  if (held && *known != *now)
    if (Status noted = notes_.Note(place, *now, *known); !noted) return open(noted.error().message);
  if (held && !held->holds.empty())
    return open(
        fmt::format("it holds {}; nothing here may take that away: no `superuser` is set for this target. `remit replace plan`, and ALTER ROLE … "
                    "NOLOGIN, then ask again",
                    Join(held->holds, ", ")));
  json::Object line = Line("account", place.role, place.target, true);
  line.Set("evidence", held ? "it cannot log in, has no session, and the server notes no grant, membership or object of its own" : fate->seen);
  lines.push_back(std::move(line));
}

// For this user alone: whoever could write a plan could have grants given.
Status StandingEnder::MakeFolder() const {
  if (mkdir(parts_.folder.c_str(), 0700) != 0 && errno != EEXIST)
    return Fail(Code::kUnavailable, "cannot-write-file", fmt::format("cannot make the folder `{}`: {}", parts_.folder, std::strerror(errno)));
  struct stat there{};
  if (lstat(parts_.folder.c_str(), &there) != 0 || !S_ISDIR(there.st_mode) || there.st_uid != geteuid() || (there.st_mode & 077) != 0)
    return Fail(Code::kFailedPrecondition, "file-not-private", fmt::format("`{}` is not a folder of this user's alone", parts_.folder),
                "chmod 700, and chown it to the user that the server runs as");
  return {};
}

}  // namespace remit::cli
