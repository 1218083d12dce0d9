#include "cli/standing/account_notes.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/text.h"
#include "broker/account_note.h"
#include "cli/targets.h"
#include "json/object_reader.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::cli {
namespace {

constexpr std::chrono::seconds kPatience{3};  // with a server that does not answer: somebody waits for what is declared

std::string RowOf(const posture::KnownRole& role) { return json::Canonical(json::Object{{"oid", role.oid}, {"system", role.system}}); }

json::Object LineOf(const AccountPlace& place, const std::optional<posture::KnownRole>& known) {
  json::Object line{{"account", place.account}, {"noted", known.has_value()}};
  if (known) line.Set("oid", known->oid);
  if (known) line.Set("system", known->system);
  return line;
}

}  // namespace

// A connection to each target that is asked, or why there is none: a server that is down is waited for once.
struct AccountNotes::Doors {
  const AccountNotes& notes;
  std::map<std::string, Result<std::unique_ptr<pg::Connection>>> open{};

  Result<pg::Connection*> At(const config::TargetSettings& settings) {
    auto found = open.find(settings.name);
    if (found == open.end()) found = open.emplace(settings.name, Open(settings)).first;
    if (!found->second) return std::unexpected(found->second.error());
    return found->second->get();
  }
  Result<std::unique_ptr<pg::Connection>> Open(const config::TargetSettings& settings) const {
    REMIT_ASSIGN(pg::ConnectOptions options, notes.Reader(settings));
    options.connect_limit = kPatience;
    options.settings["statement_timeout"] = fmt::format("{}s", kPatience.count());
    return pg::Connection::Open(options);
  }
};

AccountPlace AccountNotes::PlaceOf(const std::string& account) const {
  const std::size_t slash = account.find('/');
  AccountPlace place{account, account.substr(0, slash), slash == std::string::npos ? "" : account.substr(slash + 1), nullptr, {}};
  place.settings = Find(place.target);
  return place;
}

const config::TargetSettings* AccountNotes::Find(std::string_view target) const {
  for (const config::TargetSettings& settings : targets_)
    if (settings.name == target) return &settings;
  return nullptr;
}

Result<pg::ConnectOptions> AccountNotes::Reader(const config::TargetSettings& settings) const {
  REMIT_ASSIGN(pg::ConnectOptions options, ReaderOptions(settings));
  REMIT_TRY(may_send_(settings, "password_file", options.password));
  return options;
}

Result<std::optional<posture::KnownRole>> AccountNotes::Noted(const std::string& account) const {
  REMIT_ASSIGN(const std::optional<std::string> row, read_(broker::AccountNoteKey(account)));
  if (!row) return std::optional<posture::KnownRole>();
  REMIT_ASSIGN(const json::Value document, json::Parse(*row));
  json::ObjectReader r(document, "account");
  posture::KnownRole known{r.RequiredString("oid"), r.RequiredString("system")};
  REMIT_TRY(r.Finish());
  return std::optional(std::move(known));
}

Result<std::optional<posture::KnownRole>> AccountNotes::Noted(const AccountPlace& place, const std::string& system) const {
  REMIT_ASSIGN(std::optional<posture::KnownRole> known, Noted(place.account));
  if (known && known->system != system && IsFormer(place, known->system)) known.reset();
  return known;
}

bool AccountNotes::IsFormer(const AccountPlace& place, const std::string& system) const {
  if (place.settings == nullptr) return false;
  const Result<target::postgres::Config> config = PostgresConfig(*place.settings, "");
  return config && std::ranges::count(config->former_systems, system) > 0;
}

Status AccountNotes::Note(const AccountPlace& place, const posture::KnownRole& seen, const std::optional<posture::KnownRole>& before) {
  return NoteWith("standing.noted",
                  json::Object{{"target", place.target}, {"account", place.role}, {"account_oid", seen.oid}, {"system", seen.system}}, place, seen,
                  before);
}

Status AccountNotes::NoteWith(std::string_view type, const json::Object& event, const AccountPlace& place, const posture::KnownRole& seen,
                              const std::optional<posture::KnownRole>& before) {
  const std::lock_guard lock(notes_);
  REMIT_ASSIGN(const std::optional<posture::KnownRole> now, Noted(place, seen.system));
  if (now != before && now != seen)
    return Fail(Code::kConflict, "account-changed", fmt::format("what `{}` is was noted anew meanwhile", EscapeControl(place.account)), "ask again");
  std::vector<store::Write> writes;
  if (now != seen) writes.push_back({store::Table::kMeta, broker::AccountNoteKey(place.account), RowOf(seen)});
  // What was seen for one declaration says nothing of the next: the row that would be written goes with the one, and would come after that.
  if (!place.declaration)
    return Fail(Code::kConflict, "account-changed", fmt::format("nobody declares `{}`, or not for long", EscapeControl(place.account)), "ask again");
  return record_(type, event, std::move(writes), broker::Declared{place.account, *place.declaration});
}

json::Array AccountNotes::Look(const std::vector<std::string>& accounts, bool all) {
  json::Array seen;
  Doors doors{*this};
  for (const std::string& account : accounts) {
    AccountPlace place = PlaceOf(account);
    place.declaration = declared_(account);  // INVARIANT: before anything of it is read
    const Result<std::optional<posture::KnownRole>> known = Noted(account);
    if (!known) {
      json::Object line = LineOf(place, std::nullopt);
      line.Set("reason", "what is noted of it cannot be read: " + known.error().message);
      seen.emplace_back(std::move(line));
    } else if (all || !*known || IsFormer(place, (*known)->system)) {
      seen.push_back(LookAt(place, *known, doors));
    }
  }
  return seen;
}

json::Value AccountNotes::LookAt(const AccountPlace& place, const std::optional<posture::KnownRole>& known, Doors& doors) {
  const auto because = [&](std::string why) {
    json::Object line = LineOf(place, known);
    line.Set("reason", std::move(why));
    return json::Value(std::move(line));
  };
  if (place.settings == nullptr) return because("no target of this name is configured");
  if (place.settings->type != "postgres") return because("what accounts there are at a target of this type is not known here");
  const Result<pg::Connection*> connection = doors.At(*place.settings);
  if (!connection) return because(connection.error().message);
  const Result<posture::KnownRole> now = posture::SeeRole(**connection, place.role);
  if (!now) return because(now.error().message);
  const std::optional<posture::KnownRole> here = known && known->system != now->system && IsFormer(place, known->system) ? std::nullopt : known;
  const Result<posture::AccountFate> fate = posture::ReadAccountFate(**connection, place.role, *now, here);
  if (!fate) return because(fate.error().message);
  if (!fate->why_open.empty()) return because(fate->why_open);
  if (now->oid.empty()) return because(fate->seen);
  if (here != *now)
    if (Status noted = Note(place, *now, here); !noted) return because(noted.error().message);
  return LineOf(place, *now);
}

}  // namespace remit::cli
