// remit suspend, resume, extend, delegate: what changes the life of a task that runs.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/local_time.h"
#include "cli/output.h"
#include "cli/parameters.h"
#include "cli/remote.h"
#include "cli/shell_word.h"
#include "http/target.h"

namespace remit::cli {
namespace {

std::string PathOf(const std::string& task, std::string_view tail) { return fmt::format("/v1/tasks/{}/{}", http::PercentEncode(task), tail); }

// What became of the credentials, a line each.
void PrintCredentialStates(const json::Value& answer) {
  const json::Value* credentials = answer.Find("credentials");
  if (credentials == nullptr || !credentials->IsArray()) return;
  for (const json::Value& one : credentials->AsArray()) {
    const std::string state = Text(one, "state");
    const Style style = state == "live" ? Style::kGreen : state == "dead" ? Style::kDim : Style::kYellow;
    PrintLine(fmt::format("  {} {} at {}: {}", Text(one, "id"), Text(one, "kind"), Text(one, "target"), Styled(style, state)));
  }
}

void AddSuspend(Command& root) {
  struct Args {
    std::string task, why, wait = "5s";
  };
  auto args = std::make_shared<Args>();
  root.Sub("suspend", "stops a task and its sub-tasks for now: nothing is allowed, and their credentials end")
      .Argument("task", args->task, "tsk_…")
      .Option("--why", args->why, "for the record")
      .Option("--wait", args->wait, "waits so long for the credentials to be dead (default 5s)", "DURATION")
      .Example("remit suspend tsk_01k… --why 'reads more than it should'")
      .Run([args]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAnybody));
        REMIT_ASSIGN(json::Value answer, remote.Post(PathOf(args->task, "suspend"), json::Object{{"reason", args->why}, {"wait", args->wait}}));
        if (globals().json) return PrintJson(answer), kOk;
        const json::Value& task = *answer.Find("task");
        PrintLine(fmt::format("{} is {}; its time runs on, until {}", Text(task, "id"), Styled(Style::kBold, Text(task, "state")),
                              Moment(task, "deadline")));
        for (const json::Value& one : answer.Find("sub_tasks")->AsArray()) PrintLine("  and with it " + one.AsString());
        PrintCredentialStates(answer);
        return kOk;
      });
}

void AddResume(Command& root) {
  auto task = std::make_shared<std::string>();
  root.Sub("resume", "lets a suspended task go on, with those of its sub-tasks that stopped with it")
      .Argument("task", *task, "tsk_…")
      .Example("remit resume tsk_01k…")
      .Run([task]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAnybody));
        REMIT_ASSIGN(json::Value answer, remote.Post(PathOf(*task, "resume"), json::Object{}));
        if (globals().json) return PrintJson(answer), kOk;
        const json::Value& resumed = *answer.Find("task");
        PrintLine(fmt::format("{} is {} until {}", Text(resumed, "id"), Styled(Style::kBold, Text(resumed, "state")), Moment(resumed, "deadline")));
        PrintCredentialStates(answer);
        return kOk;
      });
}

void AddExtend(Command& root) {
  struct Args {
    std::string task, more, reason;
  };
  auto args = std::make_shared<Args>();
  root.Sub("extend", "asks for more time for a task that runs, up to the longest that its type allows")
      .Argument("task", args->task, "tsk_…")
      .Argument("more", args->more, "how much longer, e.g. 15m")
      .Option("--reason", args->reason, "why, for the record and for whom it asks")
      .Example("remit extend tsk_01k… 15m --reason 'the restore is slower than thought'")
      .Run([args]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kStarter));
        json::Object body{{"more", args->more}};
        if (!args->reason.empty()) body.Set("reason", args->reason);
        REMIT_ASSIGN(json::Value answer, remote.Post(PathOf(args->task, "extend"), body));
        if (globals().json) return PrintJson(answer), kOk;
        const json::Value& task = *answer.Find("task");
        PrintLine(fmt::format("{} is {} until {}", Text(task, "id"), Text(task, "state"), Moment(task, "deadline")));
        if (!Text(answer, "approval").empty()) PrintLine(fmt::format("  more time waits for approval `{}`", Text(answer, "approval")));
        return kOk;
      });
}

// Whether nothing would be left of such a sub-task; false where the server does not say.
bool CouldDoNothing(Remote& remote, const std::string& parent, const json::Value& start) {
  json::Object question{{"under", parent}};
  for (const char* name : {"type", "parameters", "from_text", "actor"})
    if (const json::Value* value = start.Find(name)) question.Set(name, *value);
  const Result<json::Value> answer = remote.Post("/v1/explain", question);
  const json::Value* permissions = answer ? answer->Find("permissions") : nullptr;
  const json::Value* missing = answer ? answer->Find("missing") : nullptr;
  return permissions != nullptr && permissions->IsArray() && permissions->AsArray().empty() && missing != nullptr && missing->AsArray().empty();
}

void AddDelegate(Command& root) {
  struct Args {
    std::string parent, type, actor, reason, ttl, key;
    std::vector<std::string> parameters;
  };
  auto args = std::make_shared<Args>();
  root.Sub("delegate", "starts a sub-task: it may what both may, and never outlives its parent; `remit run --under` is the easier way")
      .Argument("task", args->parent, "tsk_… of the parent")
      .Argument("type", args->type, "the task type, by its name")
      .Arguments("parameters", args->parameters, "name=value …")
      .Option("--to", args->actor, "for whom it runs (default: its parent's actor), e.g. 'Agent::\"reader\"'", "ACTOR")
      .Option("--reason", args->reason, "why, for the record")
      .Option("--ttl", args->ttl, "how long it may live, e.g. 5m", "DURATION")
      .Option("--idempotency-key", args->key, "starts at most once for the same key")
      .Example("remit delegate $REMIT_TASK lookup ticket=T-17")
      .Run([args]() -> Result<int> {
        REMIT_ASSIGN(json::Value body,
                     StartBody({.type = args->type, .reason = args->reason, .ttl = args->ttl, .at = {}, .parameters = args->parameters}, false));
        if (!args->actor.empty()) body.AsObject().Set("actor", args->actor);
        if (!args->key.empty()) body.AsObject().Set("idempotency_key", args->key);
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kStarter));
        const bool nothing = CouldDoNothing(remote, args->parent, body);
        REMIT_ASSIGN(json::Value answer, remote.Post(PathOf(args->parent, "delegate"), body));
        if (nothing)
          PrintMessage(fmt::format("warning: {} can do nothing: a sub-task may what both may; `remit explain {} … --under {}` says what was cut",
                                   Text(*answer.Find("task"), "id"), ShellWord(args->type), ShellWord(args->parent)));
        if (globals().json) return PrintJson(answer), kOk;
        const json::Value& task = *answer.Find("task");
        PrintLine(fmt::format("{}  {}  {}, part of {}", Styled(Style::kBold, Text(task, "id")), Text(task, "name"), Text(task, "state"),
                              Text(task, "parent")));
        PrintLine(fmt::format("  {} for {} until {}", Parameters(*task.Find("parameters")), Text(task, "actor"), Moment(task, "deadline")));
        if (!Text(answer, "approval").empty()) PrintLine(fmt::format("  waits for approval `{}`", Text(answer, "approval")));
        PrintLine("  REMIT_TOKEN=" + Text(answer, "token"));
        PrintLine("  holder key: " + Text(answer, "holder"));
        return kOk;
      });
}

}  // namespace

void AddLife(Command& root) {
  AddSuspend(root);
  AddResume(root);
  AddExtend(root);
  AddDelegate(root);
}

}  // namespace remit::cli
