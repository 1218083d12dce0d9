// remit start, show, list, complete, withdraw, revoke, token, receipt: a task by hand.
#include <cstdlib>
#include <set>

#include <fmt/format.h>

#include "base/count.h"
#include "cli/commands.h"
#include "cli/local_time.h"
#include "cli/output.h"
#include "cli/parameters.h"
#include "cli/remote.h"
#include "cli/run/lines.h"
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
    if (const json::Value* brings = credential.Find("brings"); brings != nullptr && brings->IsArray())
      for (const json::Value& one : brings->AsArray()) PrintLine("      brings " + Plain(one));
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

std::string BreakGlass(const json::Value& task) {
  const json::Value* review = task.Find("review");
  if (review == nullptr) return Styled(Style::kYellow, "started by break-glass, without approval; nobody has signed for it yet (remit review)");
  return fmt::format("started by break-glass, without approval; {} signed for it at {}", Text(*review, "person"), Moment(*review, "at"));
}

// The deadline is that of what goes on now: of the request, of the start that lies ahead, or of the task.
std::string Until(const json::Value& task, std::string_view state) {
  if (task.Find("ended") != nullptr) return fmt::format("ended {} ({})", Moment(task, "ended"), Text(task, "end_reason"));
  const std::string deadline = Moment(task, "deadline");
  if (state == "scheduled") return fmt::format("starts by {}, or not at all, and lives {} from then", deadline, Text(task, "ttl"));
  return (state == "requested" ? "may be answered until " : "until ") + deadline;
}

void PrintWaits(const json::Value& task, const std::string& approval) {
  const json::Value* needed = task.Find("approvals_needed");
  PrintLine(fmt::format("  waits for approval `{}`", approval));
  if (needed != nullptr && needed->IsInt())
    PrintLine(fmt::format("  {} must say yes: `remit approvals` shows it to them", Counted(needed->AsInt(), "person", "people")));
}

void PrintTask(const json::Value& task, const json::Value* credentials) {
  std::string state = Text(task, "state");
  PrintLine(fmt::format("{}  {}  {}", Styled(Style::kBold, Text(task, "id")), Text(task, "name"),
                        Styled(state == "active"                                                      ? Style::kGreen
                               : state == "requested" || state == "scheduled" || state == "suspended" ? Style::kYellow
                                                                                                      : Style::kDim,
                               state)));
  PrintLine(fmt::format("  {}", Text(task, "purpose")));
  if (!Text(task, "parent").empty()) PrintLine(fmt::format("  part of {}", Text(task, "parent")));
  PrintLine(fmt::format("  {} for {}", Parameters(*task.Find("parameters")), Text(task, "actor")));
  if (!Text(task, "reason").empty()) PrintLine(fmt::format("  reason: {}", Text(task, "reason")));
  if (task.Find("break_glass") != nullptr) PrintLine("  " + BreakGlass(task));
  if (!Text(task, "at").empty()) PrintLine(fmt::format("  not before {}", Moment(task, "at")));
  PrintLine("  " + Until(task, state));
  PrintLine("  " + Asked(task, credentials));
  if (!Text(task, "approval").empty() && state == "requested") PrintWaits(task, Text(task, "approval"));
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
    StartWords start;
    std::string key;
  };
  auto args = std::make_shared<Args>();
  root.Sub("start", "starts a task and prints its token and holder key; `remit run` is the easier way")
      .Argument("type", args->start.type, "the task type, by its name")
      .Arguments("parameters", args->start.parameters, "name=value …")
      .Option("--reason", args->start.reason, "why, for the record")
      .Option("--ttl", args->start.ttl, "how long it may live, e.g. 30m", "DURATION")
      .Option("--at", args->start.at, "not before then, e.g. 2026-12-05T02:00+01:00; approved before, if people must", "TIME")
      .Flag("--break-glass", args->start.break_glass, "in an emergency: without the approvals that it needs; give a --reason, somebody will ask")
      .Option("--idempotency-key", args->key, "starts at most once for the same key")
      .Example("remit start triage ticket=T-17")
      .Run([args]() -> Result<int> {
        REMIT_ASSIGN(json::Value body, StartBody(args->start, false));
        if (!args->key.empty()) body.AsObject().Set("idempotency_key", args->key);
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kStarter));
        REMIT_ASSIGN(json::Value answer, remote.Post("/v1/tasks", body));
        if (globals().json) return PrintJson(answer), kOk;
        if (Flagged(answer, "nobody_told")) Say(NobodyToldLine(), false, false);
        PrintTask(*answer.Find("task"), nullptr);
        if (!Text(answer, "approval").empty()) PrintWaits(*answer.Find("task"), Text(answer, "approval"));
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

Result<int> ListReviews(const std::string& filters) {
  if (!filters.empty())
    return Fail(Code::kInvalidArgument, "bad-parameter", "`--reviews` lists all of them: it stands alone", "leave the other options out");
  REMIT_ASSIGN(Remote remote, Remote::Open(As::kReader));
  REMIT_ASSIGN(json::Value answer, remote.Get("/v1/reviews"));
  if (globals().json) return PrintJson(answer), kOk;
  std::vector<std::vector<std::string>> rows = {{"TASK", "TYPE", "STATE", "ACTOR", "PARAMETERS", "STARTED", "REASON"}};
  for (const json::Value& task : answer.Find("reviews")->AsArray())
    rows.push_back({Text(task, "id"), Text(task, "name"), Text(task, "state"), Text(task, "actor"), Parameters(*task.Find("parameters")),
                    Moment(task, "started"), Text(task, "reason")});
  if (rows.size() == 1) return PrintMessage("nothing waits to be signed for"), kOk;
  PrintTable(rows);
  return kOk;
}

void AddReview(Command& root) {
  struct Args {
    std::string task, note;
  };
  auto args = std::make_shared<Args>();
  root.Sub("review", "signs for what a task did that was started by break-glass and has ended; in your own session")
      .Argument("task", args->task, "tsk_…")
      .Option("--note", args->note, "what you found, for the record")
      .Example("remit receipt tsk_01k…\nremit review tsk_01k… --note 'as the incident needed'")
      .Run([args]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kPerson));
        json::Object body;
        if (!args->note.empty()) body.Set("note", args->note);
        REMIT_ASSIGN(json::Value task, remote.Post("/v1/tasks/" + http::PercentEncode(args->task) + "/review", body));
        if (globals().json) return PrintJson(task), kOk;
        PrintLine(fmt::format("you signed for {}", Text(task, "id")));
        return kOk;
      });
}

void AddList(Command& root) {
  struct Args {
    std::string state, type, actor, limit;
    bool reviews = false, oldest = false;
  };
  auto args = std::make_shared<Args>();
  root.Sub("list", "lists tasks, the newest first; those that live, unless --state says otherwise")
      .Option("--state", args->state,
              "requested, scheduled, active, suspended, completed, revoked, expired, failed, withdrawn or denied; ended: all ends")
      .Option("--type", args->type, "of this type only")
      .Option("--actor", args->actor, "of this actor only, e.g. 'Agent::\"bot\"'")
      .Option("--limit", args->limit, "at most so many (default 100)", "N")
      .Flag("--oldest", args->oldest, "the oldest first")
      .Flag("--reviews", args->reviews, "those started by break-glass that nobody has signed for")
      .Example("remit list --state ended --type deploy\nremit list --reviews")
      .Run([args]() -> Result<int> {
        if (args->reviews) return ListReviews(args->state + args->type + args->actor + args->limit + (args->oldest ? "--oldest" : ""));
        std::string query;
        auto add = [&](const char* name, const std::string& value) {
          if (!value.empty()) query += (query.empty() ? "?" : "&") + std::string(name) + "=" + http::PercentEncode(value);
        };
        add("state", args->state), add("type", args->type), add("actor", args->actor), add("limit", args->limit);
        add("order", args->oldest ? "oldest" : "newest");
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAnybody));
        REMIT_ASSIGN(json::Value answer, remote.Get("/v1/tasks" + query));
        if (globals().json) return PrintJson(answer), kOk;
        if (answer.Find("tasks")->AsArray().empty())
          return PrintMessage(args->state.empty() ? "no such task lives; --state ended has those that have ended" : "there is no such task"), kOk;
        std::vector<std::vector<std::string>> rows = {{"TASK", "TYPE", "STATE", "ACTOR", "PARAMETERS", "UNTIL"}};
        for (const json::Value& task : answer.Find("tasks")->AsArray())
          rows.push_back({Text(task, "id"), Text(task, "name"), Text(task, "state"), Text(task, "actor"), Parameters(*task.Find("parameters")),
                          Text(task, "state") == "scheduled" ? "starts " + Moment(task, "at")
                                                             : Moment(task, task.Find("ended") != nullptr ? "ended" : "deadline")});
        PrintTable(rows);
        if (Flagged(answer, "more"))
          PrintMessage(fmt::format("there are more; these are the {}: a higher --limit (1000 at most), or --state, --type, --actor",
                                   args->oldest ? "oldest" : "newest"));
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
      .Option("--wait", complete->wait, "waits so long for its credentials to be dead (default 5s)", "DURATION")
      .Example("remit complete tsk_01k…")
      .Run([complete]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kStarter));
        REMIT_ASSIGN(json::Value answer,
                     remote.Post("/v1/tasks/" + http::PercentEncode(complete->task) + "/complete", json::Object{{"wait", complete->wait}}));
        return PrintEnd(answer);
      });
  auto withdraw = std::make_shared<Args>();
  root.Sub("withdraw", "takes a request back that still waits for approval, or for its time")
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
      .Option("--wait", revoke->wait, "waits so long for its credentials to be dead (default 5s)", "DURATION")
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
        const json::Array& permissions = receipt.Find("permissions")->AsArray();
        PrintLine(permissions.empty() ? "  could do: nothing" : "  could do:");
        for (const json::Value& permission : permissions) PrintLine("    " + PermissionLine(permission));
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
  AddReview(root);
  AddToken(root);
  AddReceipt(root);
}

}  // namespace remit::cli
