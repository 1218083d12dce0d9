// remit start, show, list, complete, withdraw, revoke, token, receipt: a task by hand.
#include <cstdlib>
#include <set>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/local_time.h"
#include "cli/output.h"
#include "cli/parameters.h"
#include "cli/remote.h"
#include "cli/run_lines.h"
#include "http/target.h"

namespace remit::cli {
namespace {

void PrintCredentials(const json::Value& credentials) {
  if (!credentials.IsArray()) return;
  for (const json::Value& credential : credentials.AsArray()) {
    std::string state = Text(credential, "state");
    Style style = state == "live" ? Style::kGreen : state == "dead" ? Style::kDim : Style::kYellow;
    std::string line =
        fmt::format("  {} {} at {}: {}", Text(credential, "id"), Text(credential, "kind"), Text(credential, "target"), Styled(style, state));
    const std::string until = OfflineUntil(credential);
    if (state == "ending") line += " (" + (until.empty() ? Text(credential, "last_error") : "can be accepted offline until " + until) + ")";
    PrintLine(line);
    if (const json::Value* evidence = credential.Find("evidence"); evidence != nullptr && evidence->IsArray())
      for (const json::Value& one : evidence->AsArray())
        PrintLine(fmt::format("      {}  {}: {}", Moment(one, "at"), Text(one, "step"), Text(one, "detail")));
  }
}

// What was asked of Remit, and who is not asked: targets that have credentials of their own decide for themselves.
std::string Asked(const json::Value& task, const json::Value* credentials) {
  std::set<std::string> themselves;
  if (credentials != nullptr && credentials->IsArray())
    for (const json::Value& one : credentials->AsArray())
      if (!Text(one, "kind").starts_with("token")) themselves.insert(Text(one, "target"));
  std::string line = fmt::format("asked of Remit: {} allowed, {} refused", Text(task, "allowed"), Text(task, "denied"));
  for (const std::string& target : themselves) line += fmt::format("; {} decides for itself", target);
  return line;
}

void PrintTask(const json::Value& task, const json::Value* credentials) {
  std::string state = Text(task, "state");
  PrintLine(fmt::format("{}  {}  {}", Styled(Style::kBold, Text(task, "id")), Text(task, "name"),
                        Styled(state == "active"                              ? Style::kGreen
                               : state == "requested" || state == "suspended" ? Style::kYellow
                                                                              : Style::kDim,
                               state)));
  PrintLine(fmt::format("  {}", Text(task, "purpose")));
  PrintLine(fmt::format("  {} for {}", Parameters(*task.Find("parameters")), Text(task, "actor")));
  if (!Text(task, "reason").empty()) PrintLine(fmt::format("  reason: {}", Text(task, "reason")));
  PrintLine(fmt::format("  {} {}", task.Find("ended") != nullptr ? "ended" : "until",
                        task.Find("ended") != nullptr ? Moment(task, "ended") + " (" + Text(task, "end_reason") + ")" : Moment(task, "deadline")));
  PrintLine("  " + Asked(task, credentials));
  if (!Text(task, "approval").empty()) PrintLine(fmt::format("  waits for approval `{}`", Text(task, "approval")));
}

Result<int> PrintEnd(const json::Value& answer) {
  if (globals().json) {
    PrintJson(answer);
    return kOk;
  }
  const json::Value* task = answer.Find("task");
  PrintLine(fmt::format("{} is {}", Text(*task, "id"), Styled(Style::kBold, Text(*task, "state"))));
  if (const json::Value* credentials = answer.Find("credentials")) PrintCredentials(*credentials);
  return kOk;
}

void AddStart(Command& root) {
  struct Args {
    std::string type, reason, ttl, key;
    std::vector<std::string> parameters;
  };
  auto args = std::make_shared<Args>();
  root.Sub("start", "starts a task and prints its token and holder key; `remit run` is the easier way")
      .Argument("type", args->type, "the task type, by its name")
      .Arguments("parameters", args->parameters, "name=value …")
      .Option("--reason", args->reason, "why, for the record")
      .Option("--ttl", args->ttl, "how long it may live, e.g. 30m", "DURATION")
      .Option("--idempotency-key", args->key, "starts at most once for the same key")
      .Example("remit start triage ticket=T-17")
      .Run([args]() -> Result<int> {
        REMIT_ASSIGN(json::Value body, StartBody(args->type, args->parameters, args->reason, args->ttl, false));
        if (!args->key.empty()) body.AsObject().Set("idempotency_key", args->key);
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kStarter));
        REMIT_ASSIGN(json::Value answer, remote.Post("/v1/tasks", body));
        if (globals().json) return PrintJson(answer), kOk;
        PrintTask(*answer.Find("task"), nullptr);
        PrintLine("  REMIT_TOKEN=" + Text(answer, "token"));
        PrintLine("  holder key: " + Text(answer, "holder"));
        return kOk;
      });
}

void AddShow(Command& root) {
  auto id = std::make_shared<std::string>();
  root.Sub("show", "shows one task and what it holds").Argument("task", *id, "tsk_…").Example("remit show tsk_01k…").Run([id]() -> Result<int> {
    REMIT_ASSIGN(Remote remote, Remote::Open(As::kAnybody));
    REMIT_ASSIGN(json::Value task, remote.Get("/v1/tasks/" + http::PercentEncode(*id)));
    if (globals().json) return PrintJson(task), kOk;
    PrintTask(task, task.Find("credentials"));
    if (const json::Value* credentials = task.Find("credentials")) PrintCredentials(*credentials);
    return kOk;
  });
}

void AddList(Command& root) {
  struct Args {
    std::string state, type, actor, limit;
  };
  auto args = std::make_shared<Args>();
  root.Sub("list", "lists tasks; those that live, unless --state says otherwise")
      .Option("--state", args->state, "active, requested, completed, revoked, expired, failed, …, or ended")
      .Option("--type", args->type, "of this type only")
      .Option("--actor", args->actor, "of this actor only, e.g. 'Agent::\"bot\"'")
      .Option("--limit", args->limit, "at most so many (default 100)", "N")
      .Example("remit list --state ended --type deploy")
      .Run([args]() -> Result<int> {
        std::string query;
        auto add = [&](const char* name, const std::string& value) {
          if (!value.empty()) query += (query.empty() ? "?" : "&") + std::string(name) + "=" + http::PercentEncode(value);
        };
        add("state", args->state), add("type", args->type), add("actor", args->actor), add("limit", args->limit);
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAnybody));
        REMIT_ASSIGN(json::Value answer, remote.Get("/v1/tasks" + query));
        if (globals().json) return PrintJson(answer), kOk;
        std::vector<std::vector<std::string>> rows = {{"TASK", "TYPE", "STATE", "ACTOR", "PARAMETERS", "UNTIL"}};
        for (const json::Value& task : answer.Find("tasks")->AsArray())
          rows.push_back({Text(task, "id"), Text(task, "name"), Text(task, "state"), Text(task, "actor"), Parameters(*task.Find("parameters")),
                          task.Find("ended") != nullptr ? Moment(task, "ended") : Moment(task, "deadline")});
        PrintTable(rows);
        return kOk;
      });
}

void AddEnds(Command& root) {
  struct Args {
    std::string task, wait = "5s", why;
  };
  auto complete = std::make_shared<Args>();
  root.Sub("complete", "ends a task that is done, and says what is dead and what is still ending")
      .Argument("task", complete->task, "tsk_…")
      .Option("--wait", complete->wait, "waits so long for its credentials to be dead", "DURATION")
      .Example("remit complete tsk_01k…")
      .Run([complete]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kStarter));
        REMIT_ASSIGN(json::Value answer,
                     remote.Post("/v1/tasks/" + http::PercentEncode(complete->task) + "/complete", json::Object{{"wait", complete->wait}}));
        return PrintEnd(answer);
      });
  auto withdraw = std::make_shared<Args>();
  root.Sub("withdraw", "takes a request back that still waits for approval")
      .Argument("task", withdraw->task, "tsk_…")
      .Example("remit withdraw tsk_01k…")
      .Run([withdraw]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kStarter));
        REMIT_ASSIGN(json::Value answer, remote.Post("/v1/tasks/" + http::PercentEncode(withdraw->task) + "/withdraw", json::Object{}));
        return PrintEnd(answer);
      });
  auto revoke = std::make_shared<Args>();
  root.Sub("revoke", "ends somebody else's task, at once")
      .Argument("task", revoke->task, "tsk_…")
      .Option("--why", revoke->why, "for the record")
      .Option("--wait", revoke->wait, "waits so long for its credentials to be dead", "DURATION")
      .Example("remit revoke tsk_01k… --why 'token seen in a log'")
      .Run([revoke]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAnybody));
        REMIT_ASSIGN(json::Value answer, remote.Post("/v1/tasks/" + http::PercentEncode(revoke->task) + "/revoke",
                                                     json::Object{{"reason", revoke->why}, {"wait", revoke->wait}}));
        return PrintEnd(answer);
      });
}

void AddToken(Command& root) {
  struct Args {
    std::string audience;
    bool offline = false;
  };
  auto args = std::make_shared<Args>();
  root.Sub("token", "inside a task: a signed token for one other resource server")
      .Option("--audience", args->audience, "the resource server's name", "URL")
      .Flag("--offline", args->offline, "for a server that does not ask Remit: short, and renewed by asking again")
      .Example("remit token --audience https://deploy.example")
      .Run([args]() -> Result<int> {
        if (const char* token = std::getenv("REMIT_TOKEN"); token == nullptr || token[0] == '\0')
          return Fail(Code::kUnauthenticated, "no-token", "REMIT_TOKEN is not set: only a task gets tokens",
                      "run it inside `remit run TYPE … -- COMMAND`");
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kTask));
        REMIT_ASSIGN(json::Value me, remote.Get("/v1/whoami"));
        json::Object body{{"audience", args->audience}};
        if (args->offline) body.Set("offline", true);
        REMIT_ASSIGN(json::Value answer, remote.Post("/v1/tasks/" + http::PercentEncode(Text(me, "task")) + "/token", body));
        if (globals().json) return PrintJson(answer), kOk;
        PrintLine(Text(answer, "token"));
        return kOk;
      });
}

void AddReceipt(Command& root) {
  auto id = std::make_shared<std::string>();
  root.Sub("receipt", "the signed summary of one ended task: what it could do, what it did, and how its credentials died")
      .Argument("task", *id, "tsk_…")
      .Example("remit receipt tsk_01k…\nremit receipt tsk_01k… --json > receipt.json")
      .Run([id]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAnybody));
        REMIT_ASSIGN(json::Value receipt, remote.Get("/v1/tasks/" + http::PercentEncode(*id) + "/receipt"));
        if (globals().json) return PrintJson(receipt), kOk;
        const json::Value& task = *receipt.Find("task");
        PrintTask(task, receipt.Find("credentials"));
        for (const json::Value& approval : task.Find("approvals")->AsArray())
          PrintLine(fmt::format("  approved by {} at {}", Text(approval, "person"), Moment(approval, "at")));
        PrintLine("  could do:");
        for (const json::Value& permission : receipt.Find("permissions")->AsArray()) PrintLine("    " + PermissionLine(permission));
        if (const json::Value* accepted = receipt.Find("accepted"); accepted != nullptr && accepted->IsArray() && !accepted->AsArray().empty()) {
          PrintLine("  and what its targets let everybody do, accepted by name:");
          for (const json::Value& item : accepted->AsArray()) PrintLine("    " + item.AsString());
        }
        if (const json::Value* uses = task.Find("uses"); uses != nullptr && uses->IsObject())
          for (const auto& [policy, count] : uses->AsObject())
            PrintLine(fmt::format("  `{}` was lifted {}", policy, count.AsInt() == 1 ? "once" : fmt::format("{} times", count.AsInt())));
        PrintLine("  held: REMIT_TOKEN, dead since " + Moment(task, "ended"));
        PrintCredentials(*receipt.Find("credentials"));
        const json::Value& proof = *receipt.Find("proof");
        PrintLine(fmt::format("  the end is event {} of the ledger; signed by installation {}", Text(proof, "index"), Text(receipt, "installation")));
        PrintLine(receipt.Find("all_dead")->AsBool() ? Styled(Style::kGreen, "  everything that it held is dead")
                                                     : Styled(Style::kYellow, "  something is still ending"));
        return kOk;
      });
}

}  // namespace

void AddTasks(Command& root) {
  AddStart(root);
  AddShow(root);
  AddList(root);
  AddEnds(root);
  AddToken(root);
  AddReceipt(root);
}

}  // namespace remit::cli
