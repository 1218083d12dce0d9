// remit check and explain: one decision, and what a type could do. Neither spends anything.
#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "base/count.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/local_time.h"
#include "cli/output.h"
#include "cli/parameters.h"
#include "cli/remote.h"
#include "json/read.h"

namespace remit::cli {
namespace {

// "yes", "after 1 yes", "no (used-up)".
std::string Verdict(const json::Value& verdict) {
  if (!verdict.Find("allowed")->AsBool()) return fmt::format("{} ({})", Styled(Style::kRed, "no"), Text(verdict, "reason"));
  const json::Value* approvals = verdict.Find("approvals");
  const std::int64_t needed = approvals != nullptr && approvals->IsInt() ? approvals->AsInt() : 0;
  return needed == 0 ? Styled(Style::kGreen, "yes") : Styled(Style::kYellow, fmt::format("after {} yes", needed));
}

// Why not, and what to do about it; nothing where the answer does not say.
void PrintWhyNot(const json::Value& verdict) {
  if (const json::Value* policies = verdict.Find("policies"))
    for (const json::Value& policy : policies->AsArray()) PrintLine("    by policy " + Plain(policy));
  if (const std::string* why = verdict.FindString("message")) PrintLine("    " + EscapeControl(WithLocalTimes(*why)));
  if (const std::string* hint = verdict.FindString("hint")) PrintLine(Styled(Style::kDim, "    " + EscapeControl(WithLocalTimes(*hint))));
}

// "you may start it: after 1 yes"; nothing where the answer does not say.
void PrintMayStart(const json::Value& answer) {
  const json::Value* you = answer.Find("you");
  if (you == nullptr) return;
  PrintLine("  you may start it: " + Verdict(*you));
  PrintWhyNot(*you);
}

// "add service=… environment=…"; "" where the answer is exact.
std::string ToBeAdded(const json::Value& answer) {
  const json::Value* missing = answer.Find("missing");
  if (missing == nullptr || !missing->IsArray() || missing->AsArray().empty()) return "";
  std::string line = "add";
  for (const json::Value& name : missing->AsArray()) line += " " + Plain(name) + "=…";
  return line;
}

// "1 of 2 uses left by `part-comments`", and whose limit it is, where that is a task above.
std::string UsesLine(const json::Value& uses) {
  const std::string what = Text(uses, "verb").empty() ? "uses" : "sub-tasks";
  std::string line = fmt::format("{} of {} {} left by `{}`", Text(uses, "left"), Text(uses, "of"), what, Text(uses, "policy"));
  if (const std::string task = Text(uses, "task"); !task.empty()) line += ", of " + task;
  return Text(uses, "left") == "0" ? Styled(Style::kYellow, line) : line;
}

std::string BudgetLine(const json::Value& budget) {
  return fmt::format("{} left of {}", Counted(budget.Find("left")->AsInt(), "start"), Text(budget, "budget"));
}

std::string LostLine(const json::Value& lost) {
  if (lost.Find("task") == nullptr)
    return fmt::format("not {}: a task above, which is not yours to see, may not", PermissionLine(*lost.Find("permission")));
  return fmt::format("not {}: {} ({}) may not", PermissionLine(*lost.Find("permission")), Text(lost, "task"), Text(lost, "type"));
}

// What the task above lets begin now, and what it leaves of it.
void PrintUnder(const json::Value& under, bool nothing) {
  const std::string above = fmt::format("{} ({})", Text(under, "task"), Text(under, "type"));
  // Whether it may is not known while parameters are missing.
  PrintLine("  under " + above + (under.Find("allowed") == nullptr ? "" : " it may be started: " + Verdict(under)));
  PrintWhyNot(under);
  if (nothing) PrintLine("    " + Styled(Style::kYellow, "but it could do nothing there: a sub-task may what both may"));
  if (const std::string actor = Text(under, "actor"); !actor.empty()) PrintLine("    for " + actor);
  if (const std::string ends = Moment(under, "ends"); !ends.empty()) PrintLine("    until " + ends + " at the latest");
  const std::pair<std::string_view, std::string (*)(const json::Value&)> lists[] = {{"uses", UsesLine}, {"budgets", BudgetLine}, {"lost", LostLine}};
  for (const auto& [member, line] : lists)
    if (const json::Value* all = under.Find(member))
      for (const json::Value& one : all->AsArray()) PrintLine("    " + line(one));
  if (under.Find("limited_above") != nullptr) PrintLine("    uses are also limited by tasks above, which are not yours to see");
}

// As it stands in the catalog, and where.
void PrintPolicy(const json::Value& policy) {
  if (const std::string* text = policy.FindString("text"))
    for (const std::string& line : Split(*text, '\n')) PrintLine("    " + EscapeControl(line));
  PrintLine(Styled(Style::kDim, "    // " + Text(policy, "place")));
}

}  // namespace

void AddCheck(Command& root) {
  struct Args {
    std::string task, action, resource, context;
  };
  auto check = std::make_shared<Args>();
  root.Sub("check", "would this be allowed now? exit status 0 for yes, 3 for no")
      .Argument("task", check->task, "tsk_…, or `-` for the task of $REMIT_TOKEN")
      .Argument("action", check->action, "e.g. ticket.read, or 'Action::\"ticket.read\"'")
      .Argument("resource", check->resource, "e.g. 'Ticket::\"T-17\"'")
      .Option("--context", check->context, "a JSON object", "JSON")
      .Example("remit check tsk_01k… ticket.read 'Ticket::\"T-17\"'")
      .Run([check]() -> Result<int> {
        json::Object body{{"action", check->action}, {"resource", check->resource}};
        if (!check->context.empty()) {
          Result<json::Value> context = json::Parse(check->context);
          if (!context) return std::unexpected(std::move(context.error()).Within("--context"));
          body.Set("context", *std::move(context));
        }
        const char* token = std::getenv("REMIT_TOKEN");
        if (check->task == "-" && (token == nullptr || token[0] == '\0'))
          return Fail(Code::kUnauthenticated, "no-token", "REMIT_TOKEN is not set", "name the task instead of `-`, or run it inside `remit run`");
        REMIT_ASSIGN(Remote remote, Remote::Open(check->task == "-" ? As::kTask : As::kAnybody));
        if (check->task == "-") {
          body.Set("token", remote.bearer()->Reveal());
        } else {
          body.Set("task", check->task);
        }
        REMIT_ASSIGN(json::Value answer, remote.Post("/v1/check", body));
        bool allowed = answer.Find("allowed")->AsBool();
        if (globals().json) return PrintJson(answer), allowed ? kOk : kDenied;
        PrintLine(allowed ? Styled(Style::kGreen, "allow") : Styled(Style::kRed, "deny") + "  " + Text(answer, "reason"));
        for (const json::Value& policy : answer.Find("policies")->AsArray()) PrintLine("  by policy " + Plain(policy));
        for (const json::Value& error : answer.Find("errors")->AsArray()) PrintLine("  " + Plain(error));
        return allowed ? kOk : kDenied;
      });

  struct Explain {
    std::string type, under, to;
    std::vector<std::string> parameters;
  };
  auto explain = std::make_shared<Explain>();
  root.Sub("explain", "what such a task could do, where, and who may start it")
      .Argument("type", explain->type, "the task type, by its name")
      .Arguments("parameters", explain->parameters, "name=value …; with all of them the answer is exact")
      .Option("--under", explain->under, "whether this task may start it as a part of itself, and what is left of it there", "TASK")
      .Option("--to", explain->to, "with --under: for whom it would run; default: the task's own actor", "ACTOR")
      .Example("remit explain triage\nremit explain triage ticket=T-17\nremit explain lookup ticket=T-17 --under tsk_01k…")
      .Run([explain]() -> Result<int> {
        if (!explain->to.empty() && explain->under.empty())
          return Fail(Code::kInvalidArgument, "usage", "`--to` says for whom a sub-task would run, and no task is named above it",
                      "add --under TASK");
        REMIT_ASSIGN(json::Value parameters, ParseParameters(explain->parameters));
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAnybody));
        json::Object question{{"type", explain->type}, {"parameters", std::move(parameters)}, {"from_text", true}};
        if (!explain->under.empty()) question.Set("under", explain->under);
        if (!explain->to.empty()) question.Set("actor", explain->to);
        REMIT_ASSIGN(json::Value answer, remote.Post("/v1/explain", question));
        if (globals().json) return PrintJson(answer), kOk;
        PrintLine(fmt::format("{}  {}", Styled(Style::kBold, Text(answer, "type")), Text(answer, "purpose")));
        PrintLine(fmt::format("  lives {}, at most {}", Text(answer, "ttl"), Text(answer, "max_ttl")));
        for (const auto& [member, what] : {std::pair("max_starts", "may be started"), std::pair("max_active", "may run at once:")})
          if (const json::Value* budgets = answer.Find(member); budgets != nullptr && budgets->IsArray())
            for (const json::Value& budget : budgets->AsArray()) PrintLine(fmt::format("  {} {}, for each actor", what, Plain(budget)));
        if (!Text(answer, "trip").empty()) PrintLine("  stopped by " + Text(answer, "trip"));
        if (!Text(answer, "break_glass").empty()) PrintLine(fmt::format("  by break-glass it lives at most {}", Text(answer, "break_glass")));
        for (const json::Value& parameter : answer.Find("parameters")->AsArray())
          PrintLine(fmt::format("  {}: {}{}", Text(parameter, "name"), Text(parameter, "type"),
                                parameter.Find("required")->AsBool() ? "" : " (may be left out)"));
        const json::Array& permissions = answer.Find("permissions")->AsArray();
        PrintLine(permissions.empty() ? "  could do: nothing" : "  could do:");
        for (const json::Value& permission : permissions) PrintLine("    " + PermissionLine(permission));
        if (std::ranges::any_of(permissions, [](const json::Value& one) { return Text(one, "action") == R"(Postgres::Action::"insert")"; }))
          PrintLine(Styled(Style::kDim, "    an insert brings USAGE on the sequences that the table's own columns draw on"));
        if (const json::Value* may = answer.Find("may_start"); may != nullptr && may->IsArray() && !may->AsArray().empty()) {
          PrintLine("  who may start it:");
          for (const json::Value& policy : may->AsArray()) PrintPolicy(policy);
        }
        if (const json::Value* accepted = answer.Find("accepted"); accepted != nullptr && !accepted->AsArray().empty()) {
          PrintLine(Styled(Style::kYellow, "  what its targets let everybody do, accepted by name:"));
          for (const json::Value& item : accepted->AsArray()) PrintLine("    " + Plain(item));
        }
        if (const std::string add = ToBeAdded(answer); !add.empty()) PrintLine(Styled(Style::kYellow, "  not exact: " + add));
        if (const json::Value* under = answer.Find("under"))
          PrintUnder(*under, permissions.empty() && ToBeAdded(answer).empty() && Flagged(*under, "allowed"));
        PrintMayStart(answer);
        return kOk;
      });
}

}  // namespace remit::cli
