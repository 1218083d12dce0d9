#include "posture/scan/usage.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"

namespace remit::posture {
namespace {

// A key of parts that cannot run into each other: no name at a server holds NUL.
std::string Key(std::initializer_list<std::string_view> parts) {
  std::string key;
  for (std::string_view part : parts) {
    key += part;
    key += '\0';
  }
  return key;
}

std::uint64_t SessionHash(const std::string& id) { return std::hash<std::string>()(id); }

bool IsDisconnection(const LogRecord& record) {
  return record.message.starts_with("disconnection: session time: ") && record.severity == "LOG" && record.context.empty() && record.query.empty();
}

template <class T>
void Count(T& counted, Time at) {
  if (counted.count++ == 0) counted.first = counted.last = at;
  counted.first = std::min(counted.first, at);
  counted.last = std::max(counted.last, at);
}

std::string_view WhyText(std::string_view why) {
  if (why == "forged-context") return "begins like a line of pgaudit's, but was raised inside a function or DO block";
  if (why == "forged-statement") return "begins like a line of pgaudit's, but carries a statement, which pgaudit's never do";
  if (why == "forged-fields") return "begins like a line of pgaudit's, but has a detail or hint, which pgaudit's never have";
  if (why == "forged-location") return "begins like a line of pgaudit's, but was written elsewhere in the server's source";
  if (why == "forged-severity") return "begins like a line of pgaudit's, but is an error";
  if (why == "other-backend") return "is pgaudit's, but of a background process, not of a client";
  if (why == "no-account") return "is pgaudit's, but without account or database";
  if (why == "line-break-in-name") return "a name with a line break or control character in it, meant for readers that go line by line";
  if (why == "mark-inside-text") return "has `AUDIT:` where pgaudit never writes it, meant for readers that look for the word anywhere";
  return "begins like a line of pgaudit's, but is not of its form";
}

}  // namespace

void Usage::Note(std::string_view reason, std::string_view account, std::string message, const LogRecord& record, std::string_view file) {
  if (findings_.size() >= limits::kScanFindings) account = "";  // whoever floods the log with names gets one finding
  auto [it, added] = findings_.try_emplace({std::string(reason), std::string(account)});
  if (!added) {
    ++it->second.count;
    return;
  }
  it->second = {std::string(reason), std::string(account), std::move(message), fmt::format("{}:{}", file, record.offset), 1};
}

std::uint32_t Usage::WhoOf(const std::string& account, const std::string& database) {
  auto [it, added] = who_index_.try_emplace(Key({account, database}), static_cast<std::uint32_t>(who_.size()));
  if (added) who_.push_back({account, database, {}, {}});
  return it->second;
}

void Usage::Close(const Session& session) {
  Who& who = who_[session.who];
  Sessions& all = who.sessions;
  if (all.count++ == 0) all.first = session.start, all.last = session.last;
  all.first = std::min(all.first, session.start);
  all.last = std::max(all.last, session.last);
  if (session.uses.empty()) return;
  ++all.with_use;
  all.longest = std::max(all.longest, session.last - session.start);
  std::uint64_t& day = who.days[std::chrono::floor<std::chrono::days>(session.start).time_since_epoch().count()];
  all.most_a_day = std::max(all.most_a_day, ++day);
  for (std::uint32_t use : session.uses) ++uses_[use].sessions;
  if (!on_closed_) return;
  SessionSeen seen{who.account, who.database, session.start, session.last, {}};
  for (std::uint32_t use : session.uses) seen.uses.push_back(&uses_[use]);
  on_closed_(seen);
}

// Too many sessions are open at once, or their ends are not logged: those that were silent longest are taken as ended. One that speaks again
// counts as another.
void Usage::MakeRoom() {
  std::vector<Time> last;
  last.reserve(open_.size());
  for (const auto& [id, session] : open_) last.push_back(session.last);
  auto middle = last.begin() + static_cast<std::ptrdiff_t>(last.size() / 2);
  std::ranges::nth_element(last, middle);
  for (auto it = open_.begin(); it != open_.end();) {
    if (it->second.last > *middle) {
      ++it;
      continue;
    }
    Close(it->second);
    it = open_.erase(it);
  }
}

bool Usage::Track(const LogRecord& record, Time at, std::string_view file, Session*& session) {
  session = nullptr;
  if (record.user.empty() || record.database.empty() || record.backend_type != "client backend") return true;
  // Who has not logged in yet is whoever they say they are: no session begins with a refused login, or in the middle of one.
  const bool logged_in = record.severity != "FATAL" && !record.message.starts_with("connection authenticated: ");
  if (!logged_in && !open_.contains(record.session_id)) return true;
  if (closed_.contains(SessionHash(record.session_id)) && !open_.contains(record.session_id)) {
    Note("repeated-line", "", "a line of a session whose end is in the log already: the same log is there twice; it counts once", record, file);
    return false;
  }
  if (open_.size() >= limits::kScanSessions) MakeRoom();
  auto [it, added] = open_.try_emplace(record.session_id);
  Session& one = it->second;
  if (added) {
    one.start = *SessionStart(record.session_id);
    one.who = WhoOf(record.user, record.database);
  } else if (record.session_line <= one.last_line) {
    Note("repeated-line", "", "a line of a session with a number that was there already: the same log is there twice; it counts once", record, file);
    return false;
  } else if (record.session_line != one.last_line + 1) {
    Note("missing-lines", record.user, "lines are missing in the middle of a session: what looks never used may have been used in them", record,
         file);
  }
  one.last_line = record.session_line;
  one.last = std::max(one.last, at);
  session = &one;
  return true;
}

void Usage::Add(const LogRecord& record, std::string_view file) {
  std::optional<Time> at = clock_.At(record);
  if (!at) return Note("bad-time", "", "a line whose times contradict each other; it counts for nothing", record, file);
  ++records_;
  first_ = first_ ? std::min(*first_, *at) : *at;
  last_ = last_ ? std::max(*last_, *at) : *at;
  Session* session = nullptr;
  const bool fresh = Track(record, *at, file, session);
  if (fresh) {
    AuditLine line = Classify(record);
    switch (line.kind) {
      case AuditLine::Kind::kNone: break;
      case AuditLine::Kind::kUse: AddUse(record, line, *at, session, file); break;
      case AuditLine::Kind::kNoObject:
        Note(line.command == "SELECT" || line.command == "COPY" ? "no-object" : "no-object-" + line.command, record.user,
             line.command == "SELECT" || line.command == "COPY"
                 ? std::string("statements that name no relation, as SELECT 1 does; or pgaudit.log_relation was off when they were written down")
                 : fmt::format("pgaudit writes down {} without naming what it was done to", line.command),
             record, file);
        break;
      case AuditLine::Kind::kRefused: AddRefusal(record, line, *at); break;
      case AuditLine::Kind::kSuspicious: Note(line.why, record.user, std::string(WhyText(line.why)), record, file); break;
    }
  }
  if (fresh && session != nullptr && IsDisconnection(record)) {
    Close(*session);
    if (closed_.size() < limits::kScanSessions) closed_.insert(SessionHash(record.session_id));
    open_.erase(record.session_id);
  }
}

void Usage::AddUse(const LogRecord& record, const AuditLine& line, Time at, Session* session, std::string_view file) {
  std::string schema = line.name.schema;
  if (schema.starts_with("pg_temp") || schema.starts_with("pg_toast")) return;  // its own, and nobody's to grant
  std::string key = Key({record.user, record.database, line.privilege, line.object_type, schema, line.name.name});
  auto it = use_index_.find(key);
  if (it == use_index_.end()) {
    if (uses_.size() >= limits::kScanUses)
      return Note("too-many-objects", "", "more distinct uses than are kept: further ones are not in this report", record, file);
    it = use_index_.emplace(std::move(key), static_cast<std::uint32_t>(uses_.size())).first;
    uses_.push_back({record.user, record.database, line.privilege, line.object_type, line.name, 0, 0, {}, {}});
  }
  Count(uses_[it->second], at);
  if (session == nullptr) return;
  auto place = std::ranges::lower_bound(session->uses, it->second);
  if (place == session->uses.end() || *place != it->second) session->uses.insert(place, it->second);
}

void Usage::AddRefusal(const LogRecord& record, const AuditLine& line, Time at) {
  // A client chooses the message where a function raises it: no more of them are kept than fit.
  const bool full = refused_.size() >= limits::kScanRefusals;
  const std::string_view what = full ? std::string_view() : std::string_view(line.what);
  NamedRefusal& refusal = refused_[Key({record.user, record.database, what, line.within_function ? "f" : ""})];
  if (refusal.count == 0) {
    refusal.account = record.user;
    refusal.database = record.database;
    refusal.what = what;
    refusal.within_function = line.within_function;
  }
  Count(refusal, at);
}

UsageReport Usage::Finish() {
  for (const auto& [id, session] : open_) Close(session);
  open_.clear();
  UsageReport report;
  report.uses = std::move(uses_);
  std::ranges::sort(report.uses, {}, [](const NamedUse& use) {
    return std::tie(use.account, use.database, use.name.schema, use.name.name, use.privilege, use.object_type);
  });
  for (auto& [key, refusal] : refused_) report.refused.push_back(std::move(refusal));
  std::ranges::sort(report.refused, {}, [](const NamedRefusal& one) { return std::tie(one.account, one.database, one.what, one.within_function); });
  for (Who& who : who_) report.sessions[{who.account, who.database}] = who.sessions;
  for (auto& [key, finding] : findings_) report.findings.push_back(std::move(finding));
  report.records = records_;
  report.first = first_;
  report.last = last_;
  return report;
}

}  // namespace remit::posture
