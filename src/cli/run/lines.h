// What `remit run` says: each thing once, as lines for people and as one JSON object for programs. Pure, but for the local time zone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/child.h"
#include "json/value.h"

namespace remit::cli {

struct RunLine {
  std::vector<std::string> texts{};  // without "remit: "
  json::Object event{};              // {"event": "…", …}
  bool problem = false;              // said with --quiet, too
};

// Prints to stderr: the texts, or with `as_json` the event on one line.
void Say(const RunLine& line, bool quiet, bool as_json);

// What the task may do and holds. `task`, `credentials`, `accepted`: as POST /v1/tasks answers; `permissions`: as explain does, or null.
struct StartedFacts {
  const json::Value& task;
  const json::Value& parameters;  // as they were typed, in that order
  const json::Value& permissions;
  const json::Value& credentials;
  const json::Value& accepted;
  std::string_view containment;    // "cgroup", "pid namespace" or "subreaper"
  std::string_view isolation{};    // what keeps it from its caller's identity; else `not_contained` says why nothing does
  std::string_view not_contained;  // why the command could do what its caller can, e.g. "it has your uid, 1000"
};
RunLine StartedLine(const StartedFacts& facts);

RunLine NobodyToldLine();  // of a start by break-glass that no webhook tells those of who could have approved it
RunLine WaitingLine(const json::Value& task, std::string_view approval, Duration wait);
RunLine ScheduledLine(const json::Value& task);
RunLine WarningLine(std::string_view deadline);  // RFC 3339
RunLine SuspendedLine(std::string_view task, std::string_view reason);
RunLine ResumedLine(std::string_view task);
RunLine ExtendedLine(std::string_view deadline);  // RFC 3339
RunLine LostLine();
RunLine BackLine();
RunLine EndedFirstLine(std::string_view task, std::string_view state, std::string_view reason, bool command_is_there);
RunLine KilledLine(Duration kill_after);  // the command did not end by itself
RunLine LeftBehindLine(std::size_t processes, std::string_view not_killed);
RunLine GuardKilledLine();
// A signal came before the command ran.
RunLine InterruptedLine(std::string_view task, int signal);
RunLine CommandLine(std::string_view task, Duration elapsed, const io::Exit& exit, bool completed);
RunLine NotCompletedLine(std::string_view task, const Error& error);

// The proof of the end: one line for each credential that stands at a target, else one for the token. `token_refused`: the server was asked
// with it and knew it no more.
std::vector<RunLine> ProofLines(std::string_view task, const json::Value& credentials, bool token_refused);

// Until when a token can be accepted by servers that do not ask, as LocalTime; "" where the credential is none of that kind.
std::string OfflineUntil(const json::Value& credential);

// "0.4s", "12.3s", "3m4s".
std::string Elapsed(Duration d);

// "exit status 3", "ended by SIGTERM".
std::string HowItEnded(const io::Exit& exit);

}  // namespace remit::cli
