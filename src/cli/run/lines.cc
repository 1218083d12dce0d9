#include "cli/run/lines.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/local_time.h"
#include "cli/output.h"
#include "cli/parameters.h"
#include "cli/run/signals.h"
#include "json/write.h"

namespace remit::cli {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t kPermissionsShown = 2;

const json::Value kNothing;

const json::Value& Member(const json::Value& value, std::string_view name) {
  const json::Value* found = value.Find(name);
  return found != nullptr ? *found : kNothing;
}

const json::Array& Items(const json::Value& value) {
  static const json::Array none;
  return value.IsArray() ? value.AsArray() : none;
}

// Tokens are not at a target: they die in the commit that ends the task.
bool IsAtTarget(const json::Value& credential) { return !Text(credential, "kind").starts_with("token"); }

std::string CouldDo(const StartedFacts& facts) {
  const json::Array& permissions = Items(facts.permissions);
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < std::min(permissions.size(), kPermissionsShown); ++i) shown.push_back(PermissionLine(permissions[i]));
  std::string text = "could do: " + (shown.empty() ? std::string("nothing") : Join(shown, ", "));
  if (permissions.size() > shown.size())
    text += fmt::format(" and {} more (remit explain {})", permissions.size() - shown.size(), Text(facts.task, "name"));
  if (const std::size_t accepted = Items(facts.accepted).size(); accepted > 0)
    text += fmt::format(", and what everybody may do there ({} accepted)", accepted);
  return text;
}

std::string Holds(const json::Value& credentials) {
  std::string text = "holds: REMIT_TOKEN";
  for (const json::Value& credential : Items(credentials)) {
    if (IsAtTarget(credential)) text += fmt::format(", {} {} {}", Text(credential, "target"), Text(credential, "kind"), Text(credential, "state"));
  }
  return text;
}

json::Array Brief(const json::Value& credentials) {
  json::Array brief;
  for (const json::Value& credential : Items(credentials)) {
    json::Object one;
    for (const char* name : {"id", "target", "kind", "name", "state"}) one.Set(name, Member(credential, name));
    brief.push_back(std::move(one));
  }
  return brief;
}

// What shows best that it is dead: that it was refused; else the last thing seen.
std::string Proof(const json::Value& credential) {
  std::string proof;
  for (const json::Value& one : Items(Member(credential, "evidence"))) {
    proof = Text(one, "detail");
    if (Text(one, "step") == "refused") break;
  }
  return proof;
}

RunLine CredentialLine(std::string_view task, const json::Value& credential) {
  const bool dead = Text(credential, "state") == "dead";
  RunLine line{.event = {{"event", "credential"},
                         {"credential", Member(credential, "id")},
                         {"target", Member(credential, "target")},
                         {"kind", Member(credential, "kind")},
                         {"name", Member(credential, "name")},
                         {"state", Member(credential, "state")}},
               .problem = !dead};
  if (const std::string until = OfflineUntil(credential); !dead && !until.empty()) {
    line.event.Set("last_error", Text(credential, "last_error"));
    line.texts = {fmt::format("offline token for {} can be accepted until {} by servers that do not ask Remit (remit show {})",
                              Text(credential, "name"), until, task)};
    return line;
  }
  const std::string what = fmt::format("{} {} {}", Text(credential, "target"), Text(credential, "kind"), Text(credential, "name"));
  if (dead) {
    line.event.Set("proof", Proof(credential));
    line.texts = {fmt::format("{} is dead: {}", what, Proof(credential))};
  } else {
    const std::string why = Text(credential, "last_error");
    line.event.Set("last_error", why);
    line.texts = {fmt::format("{} is still {}{}{}; the server goes on until it is dead (remit show {})", what, Text(credential, "state"),
                              why.empty() ? "" : ": ", why, task)};
  }
  return line;
}

}  // namespace

void Say(const RunLine& line, bool quiet, bool as_json) {
  if (quiet && !line.problem) return;
  if (as_json) {
    std::fprintf(stderr, "%s\n", json::Write(line.event).c_str());
  } else {
    for (const std::string& text : line.texts) PrintMessage(text);
  }
}

RunLine StartedLine(const StartedFacts& facts) {
  RunLine line;
  std::string until = Text(facts.task, "deadline");
  const Result<Time> deadline = ParseTime(until), started = ParseTime(Text(facts.task, "started"));
  if (deadline && started) {
    until = fmt::format("{} ({})", LocalTime(*deadline, SystemClock().Wall()),
                        FormatDuration(std::chrono::round<std::chrono::seconds>(*deadline - *started)));
  }
  const std::string parameters = Parameters(facts.parameters);
  line.texts = {fmt::format("{} {} is active until {}{}{}", Text(facts.task, "name"), Text(facts.task, "id"), until, parameters.empty() ? "" : ": ",
                            parameters),
                CouldDo(facts), Holds(facts.credentials),
                facts.isolation.empty() ? fmt::format("its processes end with it ({}); not contained: {}", facts.containment, facts.not_contained)
                                        : fmt::format("its processes end with it ({}); isolated: {}", facts.containment, facts.isolation)};
  if (!facts.permissions.IsArray()) line.texts.erase(line.texts.begin() + 1);  // not known here
  line.event = {
      {"event", "started"},
      {"task", Member(facts.task, "id")},
      {"type", Member(facts.task, "name")},
      {"parameters", Member(facts.task, "parameters")},
      {"deadline", Member(facts.task, "deadline")},
      {"permissions", facts.permissions},
      {"accepted", facts.accepted},
      {"credentials", Brief(facts.credentials)},
      {"containment", std::string(facts.containment)},
      {facts.isolation.empty() ? "not_contained" : "isolated", std::string(facts.isolation.empty() ? facts.not_contained : facts.isolation)}};
  return line;
}

RunLine NobodyToldLine() {
  return {
      .texts = {"no webhook tells those who could have approved this: tell them yourself; `remit list --reviews` shows them what they must sign for"},
      .event = json::Object{{"event", "nobody-told"}},
      .problem = true};
}

RunLine WaitingLine(const json::Value& task, std::string_view approval, Duration wait) {
  const json::Value& needed = Member(task, "approvals_needed");
  const std::int64_t count = needed.IsInt() ? needed.AsInt() : 1;
  return {.texts = {fmt::format("{} {} waits up to {} for the yes of {} {}: remit approve {}", Text(task, "name"), Text(task, "id"),
                                FormatDuration(wait), count, count == 1 ? "person" : "people", approval)},
          .event = {{"event", "waiting"}, {"task", Member(task, "id")}, {"approval", std::string(approval)}, {"approvals_needed", count}},
          .problem = true};
}

RunLine ScheduledLine(const json::Value& task) {
  const Result<Time> at = ParseTime(Text(task, "at"));
  return {.texts = {fmt::format("{} {} starts at {}", Text(task, "name"), Text(task, "id"),
                                at ? LocalTime(*at, SystemClock().Wall()) : EscapeControl(Text(task, "at")))},
          .event = {{"event", "scheduled"}, {"task", Member(task, "id")}, {"at", Member(task, "at")}},
          .problem = true};
}

RunLine WarningLine(std::string_view deadline) {
  const Result<Time> at = ParseTime(deadline);
  return {.texts = {fmt::format("warning: most of its time is over; the task ends at {}, and the command with it",
                                at ? LocalTime(*at, SystemClock().Wall()) : EscapeControl(deadline))},
          .event = {{"event", "warning"}, {"deadline", std::string(deadline)}},
          .problem = true};
}

RunLine SuspendedLine(std::string_view task, std::string_view reason) {
  return {.texts = {fmt::format("{} is suspended{}{}: nothing is allowed, and its credentials end; the command goes on, and so does its time", task,
                                reason.empty() ? "" : ": ", EscapeControl(reason))},
          .event = {{"event", "suspended"}, {"task", std::string(task)}, {"reason", std::string(reason)}},
          .problem = true};
}

RunLine ResumedLine(std::string_view task) {
  return {.texts = {fmt::format("{} is active again, with credentials of its own; those that the command got at its start are dead", task)},
          .event = {{"event", "resumed"}, {"task", std::string(task)}},
          .problem = true};
}

RunLine ExtendedLine(std::string_view deadline) {
  const Result<Time> at = ParseTime(deadline);
  return {.texts = {fmt::format("the task has more time, until {}", at ? LocalTime(*at, SystemClock().Wall()) : EscapeControl(deadline))},
          .event = {{"event", "extended"}, {"deadline", std::string(deadline)}}};
}

RunLine LostLine() {
  return {.texts = {"the server does not answer; the command goes on, and its task ends unless the connection is back in time"},
          .event = {{"event", "disconnected"}},
          .problem = true};
}

RunLine BackLine() { return {.texts = {"the server answers again"}, .event = {{"event", "connected"}}, .problem = true}; }

RunLine EndedFirstLine(std::string_view task, std::string_view state, std::string_view reason, bool command_is_there) {
  std::string how = state.empty() ? "is over" : "is " + EscapeControl(state);
  if (!reason.empty() && reason != state) how += fmt::format(" ({})", EscapeControl(reason));
  return {.texts = {fmt::format("the task ended before the command: {} {}{}", task, how, command_is_there ? "; the command gets SIGTERM" : "")},
          .event = {{"event", "ended-first"}, {"task", std::string(task)}, {"state", std::string(state)}, {"reason", std::string(reason)}},
          .problem = true};
}

RunLine KilledLine(Duration kill_after) {
  return {.texts = {fmt::format("the command was still there {} after SIGTERM and was killed", FormatDuration(kill_after))},
          .event = {{"event", "killed"}},
          .problem = true};
}

RunLine LeftBehindLine(std::size_t processes, std::string_view not_killed) {
  if (!not_killed.empty()) {
    return {.texts = {EscapeControl(not_killed)}, .event = {{"event", "left-behind"}, {"error", std::string(not_killed)}}, .problem = true};
  }
  return {.texts = {fmt::format("killed {} {} that the command left behind", processes, processes == 1 ? "process" : "processes")},
          .event = {{"event", "left-behind"}, {"processes", processes}},
          .problem = true};
}

RunLine GuardKilledLine() {
  return {.texts = {"somebody killed the process that watches the command; the command and all that it started were killed"},
          .event = {{"event", "guard-killed"}},
          .problem = true};
}

RunLine InterruptedLine(std::string_view task, int signal) {
  return {.texts = {fmt::format("{} before the command ran; {} is over", SignalName(signal), task)},
          .event = {{"event", "interrupted"}, {"task", std::string(task)}, {"signal", signal}},
          .problem = true};
}

RunLine CommandLine(std::string_view task, Duration elapsed, const io::Exit& exit, bool completed) {
  json::Object event{
      {"event", completed ? "completed" : "command-ended"}, {"task", std::string(task)}, {"seconds", static_cast<double>(elapsed.count()) / 1e6}};
  event.Set(exit.signaled ? "signal" : "exit_status", exit.value);
  return {.texts = {fmt::format("{} after {}, {} (remit receipt {})", completed ? "completed" : "the command ended", Elapsed(elapsed),
                                HowItEnded(exit), task)},
          .event = std::move(event)};
}

RunLine NotCompletedLine(std::string_view task, const Error& error) {
  return {.texts = {fmt::format("the server did not take the end: {}", EscapeControl(error.message)),
                    fmt::format("the task ends all the same, within 15s of the closed connection (remit show {})", task)},
          .event = {{"event", "not-completed"}, {"task", std::string(task)}, {"reason", error.reason}, {"message", error.message}},
          .problem = true};
}

std::vector<RunLine> ProofLines(std::string_view task, const json::Value& credentials, bool token_refused) {
  std::vector<RunLine> lines;
  for (const json::Value& credential : Items(credentials)) {
    if (IsAtTarget(credential) || Text(credential, "state") != "dead") lines.push_back(CredentialLine(task, credential));
  }
  if (lines.empty() || !token_refused) {
    RunLine token{.event = {{"event", "token"}, {"state", token_refused ? "dead" : "unknown"}}, .problem = !token_refused};
    token.texts = {token_refused ? "REMIT_TOKEN is dead: asked with it, the server refuses"
                                 : "REMIT_TOKEN could not be seen to be dead: ask again with `remit show " + std::string(task) + "`"};
    lines.push_back(std::move(token));
  }
  return lines;
}

std::string OfflineUntil(const json::Value& credential) {
  constexpr std::string_view kSaid = "offline until ";
  const std::string why = Text(credential, "last_error");
  if (Text(credential, "kind") != "token-offline" || !why.starts_with(kSaid)) return "";
  const Result<Time> until = ParseTime(why.substr(kSaid.size()));
  return until ? LocalTime(*until, SystemClock().Wall()) : "";
}

std::string Elapsed(Duration d) {
  if (d < 60s) return fmt::format("{:.1f}s", static_cast<double>(d.count()) / 1e6);
  return FormatDuration(std::chrono::round<std::chrono::seconds>(d));
}

std::string HowItEnded(const io::Exit& exit) {
  return exit.signaled ? "ended by " + SignalName(exit.value) : fmt::format("exit status {}", exit.value);
}

}  // namespace remit::cli
