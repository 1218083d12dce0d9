// Adds up what a log says: uses, refusals and suspicious lines, by account and object; and sessions, which are what would have been tasks.
// Names of objects stay as the log has them; scan.h finds out which objects they are. Memory is bounded: by distinct objects and by sessions
// that are open at a time, not by lines.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "posture/log/audit_line.h"
#include "posture/log/log_time.h"

namespace remit::posture {

// A use before it is known which object the name means.
struct NamedUse {
  std::string account, database, privilege, object_type;
  QualifiedName name;
  std::uint64_t count = 0, sessions = 0;
  Time first{}, last{};
};

struct NamedRefusal {
  std::string account, database, what;
  bool within_function = false;
  std::uint64_t count = 0;
  Time first{}, last{};
};

// What an account did in one database. Sessions without a use count, too: a connection is a use of CONNECT.
struct Sessions {
  std::uint64_t count = 0;       // that are in the log
  std::uint64_t with_use = 0;    // what would have been tasks
  std::uint64_t most_a_day = 0;  // of `with_use`, by UTC day of their first line
  Duration longest{};            // from its start to its last line that is in the log, of those with a use
  Time first{}, last{};
};

struct UsageReport {
  std::vector<NamedUse> uses;  // sorted by account, database, name, privilege
  std::vector<NamedRefusal> refused;
  std::map<std::pair<std::string, std::string>, Sessions> sessions;  // by account and database
  std::vector<Finding> findings;
  std::uint64_t records = 0;
  std::optional<Time> first, last;  // of all records
};

// One session as it closes.
struct SessionSeen {
  const std::string& account;
  const std::string& database;
  Time start{}, last{};
  std::vector<const NamedUse*> uses;  // distinct; their counts are of all sessions so far
};

class Usage {
 public:
  Usage() = default;
  explicit Usage(std::function<void(const SessionSeen&)> closed) : on_closed_(std::move(closed)) {}

  // `file` names the log in findings.
  void Add(const LogRecord& record, std::string_view file);
  UsageReport Finish();

 private:
  struct Session {
    std::uint64_t last_line = 0;
    Time start{}, last{};
    std::uint32_t who = 0;            // index of account and database
    std::vector<std::uint32_t> uses;  // indices of uses that it had
  };
  struct Who {
    std::string account, database;
    Sessions sessions;
    std::map<std::int64_t, std::uint64_t> days;
  };
  // Whether the line is new; `session` is its session's state, or null where it has none.
  bool Track(const LogRecord& record, Time at, std::string_view file, Session*& session);
  void Note(std::string_view reason, std::string_view account, std::string message, const LogRecord& record, std::string_view file);
  void AddUse(const LogRecord& record, const AuditLine& line, Time at, Session* session, std::string_view file);
  void AddRefusal(const LogRecord& record, const AuditLine& line, Time at);
  std::uint32_t WhoOf(const std::string& account, const std::string& database);
  void Close(const Session& session);
  void MakeRoom();

  std::function<void(const SessionSeen&)> on_closed_;
  LogClock clock_;
  std::unordered_map<std::string, std::uint32_t> use_index_, who_index_;
  std::vector<NamedUse> uses_;
  std::vector<Who> who_;
  std::unordered_map<std::string, NamedRefusal> refused_;
  std::unordered_map<std::string, Session> open_;
  std::unordered_set<std::uint64_t> closed_;
  std::map<std::pair<std::string, std::string>, Finding> findings_;
  std::uint64_t records_ = 0;
  std::optional<Time> first_, last_;
};

}  // namespace remit::posture
