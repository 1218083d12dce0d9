#include "cli/run/approval.h"

#include <poll.h>

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "cli/output.h"
#include "cli/run/hold.h"
#include "http/target.h"
#include "json/write.h"

namespace remit::cli {
namespace {

using namespace std::chrono_literals;
constexpr Duration kPoll = 30s;             // of one long poll
constexpr Duration kAnswerLimit = 10s;      // of an answer that is not waited for on purpose
constexpr Duration kCredentialLimit = 60s;  // start has waited 10 s already; what takes longer needs a person
constexpr Duration kLook = 250ms;           // between two looks at credentials that are being made

Status ReadTask(const json::Value& shown, AskedTask& asked) {
  if (shown.FindString("state") == nullptr) return Fail(Code::kInternal, "bad-response", "the server's answer is not a task");
  asked.task = shown;
  if (const json::Value* credentials = shown.Find("credentials")) asked.credentials = *credentials;
  return {};
}

std::map<std::string, Secret> ReadEnvironment(const json::Value* environment) {
  std::map<std::string, Secret> variables;
  if (environment != nullptr && environment->IsObject()) {
    for (const auto& [name, value] : environment->AsObject()) {
      if (value.IsString()) variables[name] = Secret(value.AsString());
    }
  }
  return variables;
}

bool IsPlanned(const json::Value& credential) { return Text(credential, "state") == "planned"; }

bool HasPlanned(const json::Value& credentials) { return credentials.IsArray() && std::ranges::any_of(credentials.AsArray(), IsPlanned); }

// The task with the holder key, while that is good; else as its starter sees it.
Waited Show(const Remote& starter, const http::Client& client, const AskedTask& asked, const std::string& query, Duration limit,
            SignalInbox& signals) {
  Waited shown = CallWithin(client, HolderRequest(asked, "GET", query), limit, &signals);
  if (!shown.answer && (shown.answer.error().code == Code::kUnauthenticated || shown.answer.error().code == Code::kNotFound))
    shown.answer = ShowAsStarter(starter, asked.id, kAnswerLimit);
  return shown;
}

// Whether it is the server that is in trouble, and not the request: the same question may be answered later.
bool MayPass(const Error& error) {
  return error.code == Code::kUnavailable || error.code == Code::kDeadlineExceeded || error.code == Code::kResourceExhausted ||
         error.code == Code::kInternal;
}

Error Interrupted(int signal) { return Error(Code::kFailedPrecondition, "interrupted", SignalName(signal)); }

// For a moment; false: a signal that asks to end came.
bool Pause(Duration d, SignalInbox& signals, int& signal) {
  pollfd watched{.fd = signals.fd(), .events = POLLIN, .revents = 0};
  ::poll(&watched, 1, static_cast<int>(d / 1ms));
  while (const auto came = signals.Next()) {
    if (AsksToEnd(*came)) return signal = *came, false;
  }
  return true;
}

// After a wait: active, or else waiting for something more.
Status StillWanted(AskedTask& asked, std::string_view waiting) {
  asked.waited = true;
  const std::string state = Text(asked.task, "state"), reason = Text(asked.task, "end_reason"), by = Text(asked.task, "ended_by");
  if (state == "active" || state == waiting) return {};
  return Fail(Code::kFailedPrecondition, "not-approved",
              fmt::format("`{}` is {}{}{}", asked.id, state, by.empty() ? "" : " by " + by, reason.empty() || reason == state ? "" : ": " + reason));
}

}  // namespace

Result<AskedTask> ReadAnswer(json::Value answer) {
  AskedTask asked;
  const json::Value* task = answer.Find("task");
  const std::string *token = answer.FindString("token"), *holder = answer.FindString("holder");
  const std::string* id = task != nullptr ? task->FindString("id") : nullptr;
  if (id == nullptr || token == nullptr || holder == nullptr)
    return Fail(Code::kInternal, "bad-response", "the server's answer is not a started task");
  asked.id = *id;
  asked.token = Secret(*token);
  asked.holder = Secret(*holder);
  if (const std::string* approval = answer.FindString("approval")) asked.approval = *approval;
  asked.environment = ReadEnvironment(answer.Find("environment"));
  if (const json::Value* accepted = answer.Find("accepted")) asked.accepted = *accepted;
  const json::Value shown = *task;
  REMIT_TRY(ReadTask(shown, asked));
  if (const json::Value* credentials = answer.Find("credentials")) asked.credentials = *credentials;
  return asked;
}

http::ClientRequest HolderRequest(const AskedTask& asked, std::string method, const std::string& tail, const json::Value& body) {
  http::ClientRequest request{.method = std::move(method), .path = "/v1/tasks/" + http::PercentEncode(asked.id) + tail, .bearer = asked.holder};
  if (!body.IsNull()) {
    request.content_type = "application/json";
    request.body = json::Write(body);
  }
  return request;
}

Result<json::Value> ShowAsStarter(const Remote& starter, const std::string& task, Duration limit) {
  const auto show = [&](const Remote& as, const http::Client& client) {
    return CallWithin(client, {.path = "/v1/tasks/" + http::PercentEncode(task), .bearer = as.bearer()}, limit).answer;
  };
  Remote same = starter;
  Result<json::Value> shown = show(same, same.client());
  if (shown || shown.error().code != Code::kUnauthenticated) return shown;
  REMIT_ASSIGN(Remote again, Remote::Open(As::kStarter));
  return show(again, again.client());
}

void Abandon(const Remote& starter, const AskedTask& asked) {
  Remote remote = starter;
  const auto end = [&](const char* how) {
    return CallWithin(remote.client(), HolderRequest(asked, "POST", how, json::Object{}), kAnswerLimit).answer;
  };
  const std::string state = Text(asked.task, "state");
  if ((state == "requested" || state == "scheduled") && end("/withdraw")) return;
  (void)end("/complete");  // also of one that became active this moment
}

Status AwaitApproval(const Remote& starter, AskedTask& asked, Duration wait, SignalInbox& signals, int& signal) {
  Remote remote = starter;
  const Time deadline = RunNow() + wait;
  while (Text(asked.task, "state") == "requested") {
    const Duration left = deadline - RunNow();
    if (left <= Duration(0)) {
      return Fail(Code::kFailedPrecondition, "not-approved",
                  fmt::format("nobody answered `{}` within {}; the request is withdrawn", asked.approval, FormatDuration(wait)),
                  "wait longer with --wait");
    }
    const Duration poll = std::clamp<Duration>(std::chrono::ceil<std::chrono::seconds>(left), 1s, kPoll);
    const Waited shown =
        Show(starter, remote.client(), asked, fmt::format("?wait={}&state=requested", FormatDuration(poll)), poll + kAnswerLimit, signals);
    if (shown.signal != 0) return signal = shown.signal, std::unexpected(Interrupted(signal));
    if (shown.answer) {
      REMIT_TRY(ReadTask(*shown.answer, asked));
    } else if (!MayPass(shown.answer.error())) {
      return std::unexpected(shown.answer.error());
    } else if (!Pause(1s, signals, signal)) {  // the server is away; the request is kept
      return std::unexpected(Interrupted(signal));
    }
  }
  return StillWanted(asked, "scheduled");
}

Status AwaitTime(const Remote& starter, AskedTask& asked, SignalInbox& signals, int& signal) {
  Remote remote = starter;
  while (Text(asked.task, "state") == "scheduled") {
    const Waited shown =
        Show(starter, remote.client(), asked, fmt::format("?wait={}&state=scheduled", FormatDuration(kPoll)), kPoll + kAnswerLimit, signals);
    if (shown.signal != 0) return signal = shown.signal, std::unexpected(Interrupted(signal));
    if (shown.answer) {
      REMIT_TRY(ReadTask(*shown.answer, asked));
    } else if (!MayPass(shown.answer.error())) {
      return std::unexpected(shown.answer.error());
    } else if (!Pause(1s, signals, signal)) {
      return std::unexpected(Interrupted(signal));
    }
  }
  asked.approval = Text(asked.task, "approval");
  return StillWanted(asked, "requested");
}

Status AwaitCredentials(const Remote& starter, AskedTask& asked, SignalInbox& signals, int& signal) {
  Remote remote = starter;
  const bool waited = HasPlanned(asked.credentials) || asked.waited;
  const Time deadline = RunNow() + kCredentialLimit;
  while (HasPlanned(asked.credentials)) {
    if (RunNow() >= deadline) {
      return Fail(Code::kUnavailable, "credentials-not-live",
                  fmt::format("`{}` has credentials that are not made after {}", asked.id, FormatDuration(kCredentialLimit)),
                  "see what its targets say with `remit show " + asked.id + "`");
    }
    if (!Pause(kLook, signals, signal)) return std::unexpected(Interrupted(signal));
    const Waited shown = Show(starter, remote.client(), asked, "", kAnswerLimit, signals);
    if (shown.signal != 0) return signal = shown.signal, std::unexpected(Interrupted(signal));
    if (!shown.answer) continue;  // until the deadline
    REMIT_TRY(ReadTask(*shown.answer, asked));
    if (const std::string state = Text(asked.task, "state"); state != "active")
      return Fail(Code::kFailedPrecondition, "task-ended-first", fmt::format("`{}` is {}: {}", asked.id, state, Text(asked.task, "end_reason")));
  }
  if (!waited) return {};
  const Waited got = CallWithin(remote.client(), HolderRequest(asked, "GET", "/environment"), kAnswerLimit, &signals);
  if (got.signal != 0) return signal = got.signal, std::unexpected(Interrupted(signal));
  if (!got.answer) return std::unexpected(got.answer.error());
  asked.environment = ReadEnvironment(got.answer->Find("environment"));
  return {};
}

}  // namespace remit::cli
