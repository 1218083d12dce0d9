#include "cli/run/session.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/run/approval.h"
#include "cli/run/calls.h"
#include "cli/run/environment.h"
#include "cli/run/hold.h"
#include "cli/run/lines.h"
#include "cli/run/signals.h"
#include "cli/run/supervisor.h"
#include "http/target.h"
#include "io/contain.h"

namespace remit::cli {
namespace {

using namespace std::chrono_literals;
constexpr Duration kHoldLimit = 10s;     // for the first held connection
constexpr Duration kEndWait = 5s;        // the server waits so long for credentials to be dead
constexpr Duration kEvidenceLimit = 8s;  // for its word on what died, where somebody else ended the task: it waits 5 s itself
constexpr Duration kEndLimit = 15s;      // for its answer: two commits and that wait, on a busy machine
constexpr Duration kRestartLimit = 5s;   // a server that cannot be reached is tried again for so long
constexpr Duration kProbeLimit = 5s;
constexpr Duration kDeadlineSlack = 5s;  // the server's word comes first, where there is one

std::vector<std::string> CallersEnvironment() {
  std::vector<std::string> all;
  for (char** at = environ; *at != nullptr; ++at) all.emplace_back(*at);
  return all;
}

bool AllDead(const json::Value& credentials) {
  return !credentials.IsArray() || std::ranges::all_of(credentials.AsArray(), [](const json::Value& one) { return Text(one, "state") == "dead"; });
}

json::Value CredentialsOf(const json::Value& answer) {
  const json::Value* credentials = answer.Find("credentials");
  return credentials != nullptr ? *credentials : json::Value();
}

// What the server says to the holder key of a task that has ended.
bool IsOver(const Error& error) { return error.code == Code::kUnauthenticated || error.code == Code::kNotFound || error.reason == "wrong-state"; }

class Session {
 public:
  Session(const RunOptions& options, Remote starter, AskedTask asked, json::Value permissions, Supervisor& supervisor, SignalInbox& signals)
      : options_(options),
        starter_(std::move(starter)),
        asked_(std::move(asked)),
        permissions_(std::move(permissions)),
        supervisor_(supervisor),
        signals_(signals) {}

  Result<int> Run() {
    Result<int> code = Prepare();
    if (code && *code != 0) return code;  // interrupted
    if (!code) {
      completing_ = true;
      Abandon(starter_, asked_);
      return code;
    }
    Loop();
    return Finish();
  }

 private:
  // Until the command may be launched. 0, or the exit code for a signal that came before.
  Result<int> Prepare() {
    int signal = 0;
    Status ready = Approve(signal);
    if (ready) {
      began_ = RunNow();
      MoveDeadline(Text(asked_.task, "deadline"));
      hold_ = std::make_unique<Hold>(starter_.client(), asked_.id, asked_.holder, [this](const HoldEvent& event) { OnHold(event); });
      hold_->Tick();
      ready = AwaitCredentials(starter_, asked_, signals_, signal);
    }
    if (ready) ready = AwaitHold(signal);
    if (ready) return 0;
    if (signal == 0) return std::unexpected(std::move(ready.error()));
    completing_ = true;
    Abandon(starter_, asked_);
    Tell(InterruptedLine(asked_.id, signal));
    return 128 + signal;
  }

  // The server's times, by the clock of this machine: its life counts from when it was known here.
  void MoveDeadline(const std::string& text) {
    const Result<Time> deadline = ParseTime(text), started = ParseTime(Text(asked_.task, "started"));
    if (deadline && started) deadline_ = began_ + (*deadline - *started) + kDeadlineSlack;
  }

  // Until people have said yes and its time has come.
  Status Approve(int& signal) {
    while (true) {
      const std::string state = Text(asked_.task, "state");
      if (state == "requested") {
        Tell(WaitingLine(asked_.task, asked_.approval, options_.wait));
        REMIT_TRY(AwaitApproval(starter_, asked_, options_.wait, signals_, signal));
      } else if (state == "scheduled") {
        Tell(ScheduledLine(asked_.task));
        REMIT_TRY(AwaitTime(starter_, asked_, signals_, signal));
      } else {
        return {};
      }
    }
  }

  Status AwaitHold(int& signal) {
    const Time limit = RunNow() + kHoldLimit;
    while (!held_) {
      if (ended_first_) return Fail(Code::kFailedPrecondition, "task-ended-first", fmt::format("`{}` ended before the command could run", asked_.id));
      if (RunNow() >= limit)
        return Fail(Code::kUnavailable, "cannot-hold", fmt::format("`{}` cannot be held: the server keeps no connection open", asked_.id));
      Wait(-1, std::min(limit, hold_->due()));
      while (const auto came = signals_.Next()) {
        if (AsksToEnd(*came)) return signal = *came, Status(Fail(Code::kFailedPrecondition, "interrupted", SignalName(*came)));
      }
    }
    return {};
  }

  // Waits for the hold, the signals and `fd`, and lets the hold do its work.
  void Wait(int fd, Time until) {
    const Duration left = std::clamp<Duration>(until - RunNow(), Duration(0), 60s);
    pollfd watched[] = {{.fd = signals_.fd(), .events = POLLIN, .revents = 0},
                        {.fd = hold_->fd(), .events = POLLIN, .revents = 0},
                        {.fd = fd, .events = POLLIN, .revents = 0}};
    ::poll(watched, 3, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
    readable_ = fd >= 0 && watched[2].revents != 0;
    hold_->Deliver();
    hold_->Tick();
  }

  // From launching the command to its end.
  void Loop() {
    Announce();
    launched_at_ = RunNow();
    std::vector<std::string> env = CommandEnvironment(
        CallersEnvironment(), {.task = asked_.id, .token = asked_.token, .credentials = asked_.environment, .address = starter_.address()});
    if (Status sent = supervisor_.Launch(options_.command, env); !sent) PrintError(sent.error());
    for (std::string& one : env) WipeMemory(one.data(), one.size());
    running_ = true;
    while (!ended_ && !refused_) {
      Wait(supervisor_.fd(), std::min({hold_->due(), kill_at_.value_or(Time::max()), ended_first_ ? Time::max() : deadline_}));
      while (const auto signal = signals_.Next()) supervisor_.Signal(*signal);
      if (readable_) OnSupervisor(supervisor_.Next());
      if (ended_ || refused_) break;
      if (!ended_first_ && RunNow() >= deadline_) OnHold({.kind = HoldEvent::Kind::kEnded, .state = "expired", .reason = "deadline"});
      if (kill_at_ && RunNow() >= *kill_at_) {
        Tell(KilledLine(options_.kill_after));
        ended_ = supervisor_.Kill();
      }
    }
    running_ = false;
  }

  void Announce() {
    const bool peer = !starter_.bearer();
    const std::optional<uid_t>& own = supervisor_.own_user();
    std::string isolation;
    if (options_.isolate)
      isolation = own ? fmt::format("it is user {}, and sees its own processes alone", *own)
                      : fmt::format(
                            "it sees its own processes alone, and neither your key, your session nor the server's socket; other files it reads as "
                            "you, uid {}",
                            ::getuid());
    const std::string why =
        peer ? fmt::format("it has your uid, {}, by which the server knows you", ::getuid()) : fmt::format("it has your uid, {}", ::getuid());
    const json::Value* typed = options_.start.Find("parameters");
    Tell(StartedLine({.task = asked_.task,
                      .parameters = typed != nullptr ? *typed : json::Value(),
                      .permissions = permissions_,
                      .credentials = asked_.credentials,
                      .accepted = asked_.accepted,
                      .containment = supervisor_.containment(),
                      .isolation = isolation,
                      .not_contained = why}));
  }

  void OnSupervisor(Supervisor::Event event) {
    if (std::holds_alternative<Supervisor::Started>(event) && ended_first_) supervisor_.SignalAll(SIGTERM);  // it was not there yet
    if (auto* refused = std::get_if<Supervisor::Refused>(&event)) refused_ = std::move(refused->error);
    if (auto* ended = std::get_if<Supervisor::Ended>(&event)) ended_ = std::move(*ended);
  }

  void OnHold(const HoldEvent& event) {
    switch (event.kind) {
      case HoldEvent::Kind::kHeld: held_ = true; return;
      case HoldEvent::Kind::kWarning: return Tell(WarningLine(event.deadline));
      case HoldEvent::Kind::kSuspended: return Tell(SuspendedLine(asked_.id, event.reason));
      case HoldEvent::Kind::kResumed: return Tell(ResumedLine(asked_.id));
      case HoldEvent::Kind::kExtended: MoveDeadline(event.deadline); return Tell(ExtendedLine(event.deadline));
      case HoldEvent::Kind::kLost: return Tell(LostLine());
      case HoldEvent::Kind::kBack: return Tell(BackLine());
      case HoldEvent::Kind::kEvidence: evidence_ = event.credentials; return;
      case HoldEvent::Kind::kEnded: break;
    }
    if (ended_first_) return;
    if (!event.state.empty()) end_ = event;
    if (completing_) return;
    ended_first_ = true;
    if (running_) EndCommand();
  }

  void EndCommand() {
    if (end_.state.empty()) {  // the server only said that the key is not good any more: ask who ended the task
      if (const auto shown = ShowAsStarter(starter_, asked_.id, kProbeLimit))
        end_ = {.state = Text(*shown, "state"), .reason = Text(*shown, "end_reason")};
    }
    Tell(EndedFirstLine(asked_.id, end_.state, end_.reason, true));
    supervisor_.SignalAll(SIGTERM);
    kill_at_ = RunNow() + options_.kill_after;
  }

  // Completes the task, shows that everything is over, and gives the exit code.
  Result<int> Finish() {
    const Duration elapsed = RunNow() - launched_at_;
    if (refused_) {
      PrintError(*refused_);
    } else {
      if (ended_->guard_killed) Tell(GuardKilledLine());
      if (!ended_first_ && (ended_->left_behind > 0 || !ended_->not_killed.empty())) Tell(LeftBehindLine(ended_->left_behind, ended_->not_killed));
    }
    const Result<json::Value> credentials = ended_first_ ? Ended() : Complete();
    // A command that lives by what the task held, a psql say, is gone with it before anybody told of the end.
    if (!ended_first_ && !end_.state.empty() && end_.state != "completed") {
      ended_first_ = true;
      Tell(EndedFirstLine(asked_.id, end_.state, end_.reason, false));
    }
    if (!refused_) Tell(CommandLine(asked_.id, elapsed, ended_->exit, credentials && !ended_first_));
    if (!credentials) {
      Tell(NotCompletedLine(asked_.id, credentials.error()));
    } else {
      for (const RunLine& line : ProofLines(asked_.id, *credentials, TokenIsRefused())) Tell(line);
    }
    hold_.reset();
    if (ended_first_) return kTaskEnded;
    if (refused_) return refused_->reason == "command-not-found" ? 127 : 126;
    return ended_->exit.ShellCode();
  }

  // What the task held, now that it is complete. A server that is just being restarted is back soon.
  Result<json::Value> Complete() {
    completing_ = true;
    for (const Time limit = RunNow() + kRestartLimit;; ::poll(nullptr, 0, 250)) {
      const Waited end =
          CallWithin(starter_.client(), HolderRequest(asked_, "POST", "/complete", json::Object{{"wait", FormatDuration(kEndWait)}}), kEndLimit);
      if (end.answer) return CredentialsOf(*end.answer);
      const Error& error = end.answer.error();
      if (IsOver(error)) return Ended();  // it was over already, or this is not the first try
      if ((error.reason != "cannot-connect" && error.reason != "connection-lost") || RunNow() >= limit) return std::unexpected(error);
    }
  }

  // The credentials of a task that ended otherwise, once they are dead or the wait is over; null where the server does not show them. They are told
  // on the connection that held it, also to whom nothing else is told any more: its actor may have been offboarded.
  json::Value Ended() {
    for (const Time limit = RunNow() + kEvidenceLimit; !evidence_ && hold_->AwaitsEvidence() && RunNow() < limit;) {
      Wait(-1, limit);
      while (signals_.Next()) continue;  // there is no command any more to pass them to
    }
    json::Value credentials = evidence_.value_or(json::Value());
    if (evidence_ && AllDead(credentials)) return credentials;
    for (const Time limit = RunNow() + kEndWait;; ::poll(nullptr, 0, 200)) {  // nobody tells of a credential's end: look again
      const auto shown = ShowAsStarter(starter_, asked_.id, kProbeLimit);
      if (!shown) return credentials;
      credentials = CredentialsOf(*shown);
      if (end_.state.empty()) end_ = {.kind = HoldEvent::Kind::kEnded, .state = Text(*shown, "state"), .reason = Text(*shown, "end_reason")};
      if (AllDead(credentials) || RunNow() >= limit) return credentials;
    }
  }

  bool TokenIsRefused() {
    const Waited asked = CallWithin(starter_.client(), {.path = "/v1/whoami", .bearer = asked_.token}, kProbeLimit);
    return !asked.answer && asked.answer.error().code == Code::kUnauthenticated;
  }

  void Tell(const RunLine& line) const { Say(line, options_.quiet, globals().json); }

  const RunOptions& options_;
  Remote starter_;
  AskedTask asked_;
  const json::Value permissions_;
  Supervisor& supervisor_;
  SignalInbox& signals_;
  std::unique_ptr<Hold> hold_;
  Time deadline_ = Time::max(), began_{}, launched_at_{};
  std::optional<Time> kill_at_;
  bool held_ = false, ended_first_ = false, running_ = false, completing_ = false, readable_ = false;
  HoldEvent end_;
  std::optional<json::Value> evidence_;  // the credentials' ends, as they were told on the held connection
  std::optional<Supervisor::Ended> ended_;
  std::optional<Error> refused_;
};

// Files by which the server, or another, would take the command for its caller.
Supervisor::Isolation OwnIdentity() {
  Supervisor::Isolation own;
  const auto add = [](std::vector<std::string>& to, const std::string& path) {
    const std::unique_ptr<char, decltype(&std::free)> whole(::realpath(path.c_str(), nullptr), &std::free);
    if (whole == nullptr) return;
    // With its folder, where there is nothing else in it: who signs in anew, and a server that starts again, put another file in its place.
    const std::string folder = std::string(whole.get()).substr(0, std::string_view(whole.get()).rfind('/'));
    std::error_code failed;
    std::filesystem::directory_iterator entries(folder, failed);
    const bool alone = !failed && !folder.empty() && std::distance(begin(entries), end(entries)) == 1;
    to.push_back(alone ? folder : std::string(whole.get()));
  };
  if (const char* key = std::getenv("REMIT_KEY_FILE")) add(own.hidden, key);
  add(own.hidden, SessionFile());
  for (const std::string& socket : LocalSockets()) add(own.hidden_from_same_user, socket);
  return own;
}

// What such a task could do, for people to see; null where the server does not say.
json::Value PermissionsOf(Remote& starter, const json::Value& start) {
  json::Object question;
  for (const char* name : {"type", "parameters", "from_text"}) {
    if (const json::Value* value = start.Find(name)) question.Set(name, *value);
  }
  const Result<json::Value> answer = starter.Post("/v1/explain", question);
  const json::Value* permissions = answer ? answer->Find("permissions") : nullptr;
  return permissions != nullptr ? *permissions : json::Value();
}

}  // namespace

Result<int> RunTask(const RunOptions& options) {
  REMIT_TRY(io::NoDumps());
  // INVARIANT: the guard is forked before this process has a secret in its memory or a second thread.
  std::optional<Supervisor::Isolation> isolation;
  if (options.isolate) isolation = OwnIdentity();
  REMIT_ASSIGN(const std::unique_ptr<Supervisor> supervisor, Supervisor::Create(Supervisor::Means::kBest, isolation));
  REMIT_ASSIGN(Remote starter, Remote::Open(As::kStarter));
  json::Value permissions = PermissionsOf(starter, options.start);
  // A signal until here ends this process as usual; a task that was just made and is not held ends by itself.
  REMIT_ASSIGN(json::Value answer,
               starter.Post(options.parent.empty() ? "/v1/tasks" : "/v1/tasks/" + http::PercentEncode(options.parent) + "/delegate", options.start));
  if (Flagged(answer, "nobody_told")) Say(NobodyToldLine(), options.quiet, globals().json);
  SignalInbox signals;
  REMIT_ASSIGN(AskedTask asked, ReadAnswer(std::move(answer)));
  return Session(options, std::move(starter), std::move(asked), std::move(permissions), *supervisor, signals).Run();
}

}  // namespace remit::cli
