// remit offboard: ends everything that an actor holds, and proves it.
#include <fmt/format.h>

#include "base/count.h"
#include "cli/commands.h"
#include "cli/local_time.h"
#include "cli/output.h"
#include "cli/remote.h"

namespace remit::cli {
namespace {

// "task tsk_… (deploy)", "credential crd_… at orders", "3 sessions"
std::string NameOf(const json::Value& one) {
  const std::string what = Text(one, "what");
  if (what == "sessions" && one.Find("count") != nullptr) return Counted(one.Find("count")->AsInt(), "session");
  std::string name = what + " " + Text(one, "id");
  if (const std::string type = Text(one, "type"); !type.empty()) name += " (" + type + ")";
  if (const std::string target = Text(one, "target"); !target.empty()) name += " at " + target;
  return name;
}

// Evidence is a text, or a list of steps that were seen to be done.
std::string EvidenceOf(const json::Value& one) {
  const json::Value* evidence = one.Find("evidence");
  if (evidence == nullptr || !evidence->IsArray()) return Text(one, "evidence");
  std::string text;
  for (const json::Value& step : evidence->AsArray()) text += (text.empty() ? "" : "; ") + Text(step, "step") + ": " + Text(step, "detail");
  return text;
}

void PrintReport(const json::Value& report) {
  for (const json::Value& one : report.Find("ended")->AsArray())
    PrintLine(fmt::format("{} {}  {}", Styled(Style::kGreen, "ended"), NameOf(one), Styled(Style::kDim, EvidenceOf(one))));
  for (const json::Value& one : report.Find("ended")->AsArray())
    if (const std::string plan = Text(one, "plan_file"); !plan.empty())
      PrintMessage(fmt::format("the way back for the grants of {}, on the server's machine: remit replace rollback {}", Text(one, "id"), plan));
  for (const json::Value& one : report.Find("open")->AsArray())
    PrintLine(fmt::format("{}  {}  {}{}", Styled(Style::kYellow, "open"), NameOf(one), Text(one, "reason"),
                          Text(one, "retry_at").empty() ? "" : ", tried again at " + Moment(one, "retry_at")));
  if (Text(report, "standing_access") == "nothing declared")
    PrintMessage(
        "no account at a target is registered as its own (`remit actor put --account`), so nobody looked for what it holds outside of tasks");
}

}  // namespace

void AddOffboard(Command& root) {
  struct Args {
    std::string actor, why, wait = "30s";
  };
  auto args = std::make_shared<Args>();
  root.Sub("offboard", "bars an actor, ends everything that it holds, and proves it")
      .Argument("actor", args->actor, "e.g. 'Agent::\"support-bot\"'")
      .Option("--reason", args->why, "for the record")
      .Option("--wait", args->wait, "how long to wait for targets (default 30s)", "DURATION")
      .Example("remit offboard 'Agent::\"support-bot\"' --reason 'the vendor was replaced'")
      .Run([args]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAdmin));
        json::Object body{{"actor", args->actor}, {"wait", args->wait}};
        if (!args->why.empty()) body.Set("reason", args->why);
        REMIT_ASSIGN(json::Value report, remote.Post("/v1/offboard", body));
        const bool complete = report.Find("complete")->AsBool();
        if (globals().json) return PrintJson(report), complete ? kOk : kVerificationFailed;
        PrintReport(report);
        if (const std::string why = Text(report, "not_signed"); !why.empty())
          PrintMessage(fmt::format("the report is not signed: {}; its proof is that of the ledger alone", why));
        if (complete) {
          const bool looked = Text(report, "standing_access") == "looked at";
          PrintLine(Styled(Style::kGreen, fmt::format("{} holds nothing any more{}", Text(report, "actor"), looked ? "" : " that Remit knows of")));
          return kOk;
        }
        PrintMessage("what is open is named above; credentials go on ending by themselves, the rest when you ask again with the same command");
        return kVerificationFailed;
      });
}

}  // namespace remit::cli
