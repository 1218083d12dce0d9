// remit approvals, approve, deny: what waits for a person.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/local_time.h"
#include "cli/output.h"
#include "cli/parameters.h"
#include "cli/remote.h"
#include "http/target.h"
#include "json/write.h"

namespace remit::cli {
namespace {

// Of a catalog that is loaded with `--end-older`: what would end with this yes.
void PrintWouldEnd(const json::Value& would_end) {
  const std::int64_t count = would_end.Find("count")->AsInt();
  const json::Array& tasks = would_end.Find("tasks")->AsArray();
  PrintLine(count == 0 ? std::string("  would end no task as it is now")
                       : "  " + Styled(Style::kYellow, fmt::format("would end {} {} as it is now:", count, count == 1 ? "task" : "tasks")));
  for (const json::Value& task : tasks)
    PrintLine(fmt::format("    {}  {}  {}  {}", Text(task, "task"), Text(task, "type"), Text(task, "state"), Text(task, "actor")));
  if (static_cast<std::size_t>(count) > tasks.size()) PrintLine(fmt::format("    and {} more", static_cast<std::size_t>(count) - tasks.size()));
}

void PrintNotYours(const json::Value& approval) {
  if (const std::string why = Text(approval, "not_yours"); !why.empty()) PrintLine(Styled(Style::kDim, "  not yours to answer: " + why));
}

// A change of the server: what would be done, and what of a catalog would be another.
void PrintChange(const json::Value& approval) {
  PrintLine(fmt::format("{}  {}", Styled(Style::kBold, Text(approval, "id")), Text(approval, "verb")));
  PrintLine(fmt::format("  asked by {} at {}", Text(approval, "actor"), Moment(approval, "requested")));
  const json::Value& change = *approval.Find("change");
  const json::Value* difference = change.Find("difference");
  for (const auto& [name, value] : change.AsObject())
    if (name != "difference") PrintLine(fmt::format("  {}: {}", name, value.IsString() ? Text(change, name) : json::Write(value)));
  if (difference != nullptr)
    for (const char* kind : {"files", "task_types", "policies"})
      for (const json::Value& one : difference->Find(kind)->AsArray()) {
        PrintLine(fmt::format("  {} {} {}", Text(one, "change"), kind, Text(one, one.Find("id") != nullptr ? "id" : "name")));
        std::string_view text = one.FindString("text") != nullptr ? std::string_view(*one.FindString("text")) : std::string_view();
        for (const std::string& line : text.empty() ? std::vector<std::string>() : Split(std::string(text), '\n'))
          PrintLine("    " + EscapeControl(line));
      }
  if (const json::Value* would_end = approval.Find("would_end")) PrintWouldEnd(*would_end);
  PrintLine(
      fmt::format("  {} of {} approvals, until {}", approval.Find("given")->AsArray().size(), Text(approval, "needed"), Moment(approval, "expires")));
  PrintNotYours(approval);
  PrintLine(Styled(Style::kDim, "  hash " + Text(approval, "hash")));
}

void PrintApproval(const json::Value& approval) {
  if (Text(approval, "kind") == "change") return PrintChange(approval);
  PrintLine(fmt::format("{}  {} {}", Styled(Style::kBold, Text(approval, "id")), Text(approval, "type"), Parameters(*approval.Find("parameters"))));
  if (Text(approval, "kind") == "use")
    PrintLine(fmt::format("  {} on {}, within {}", Text(approval, "action"), Text(approval, "resource"), Text(approval, "task")));
  for (const char* said : {"attributes", "context"})
    if (const json::Value* value = approval.Find(said); value != nullptr && value->IsObject() && !value->AsObject().empty())
      PrintLine(fmt::format("  {}: {}", said, json::Write(*value)));
  PrintLine(fmt::format("  asked by {} at {}{}", Text(approval, "actor"), Moment(approval, "requested"),
                        Text(approval, "reason").empty() ? "" : ": " + Text(approval, "reason")));
  if (const json::Value* permissions = approval.Find("permissions"); permissions != nullptr && permissions->IsArray())
    for (const json::Value& permission : permissions->AsArray()) PrintLine("  could: " + PermissionLine(permission));
  if (!Text(approval, "at").empty()) PrintLine(fmt::format("  to start at {}", Moment(approval, "at")));
  PrintLine(
      fmt::format("  {} of {} approvals, until {}", approval.Find("given")->AsArray().size(), Text(approval, "needed"), Moment(approval, "expires")));
  PrintNotYours(approval);
  PrintLine(Styled(Style::kDim, "  hash " + Text(approval, "hash")));
}

}  // namespace

void AddApprovals(Command& root) {
  root.Sub("approvals", "lists what waits for your yes").Example("remit approvals").Run([]() -> Result<int> {
    REMIT_ASSIGN(Remote remote, Remote::Open(As::kReader));
    REMIT_ASSIGN(json::Value answer, remote.Get("/v1/approvals"));
    if (globals().json) return PrintJson(answer), kOk;
    for (const json::Value& approval : answer.Find("approvals")->AsArray()) PrintApproval(approval);
    if (answer.Find("approvals")->AsArray().empty()) PrintMessage("nothing waits for you");
    return kOk;
  });
  struct Args {
    std::string id, hash, why;
  };
  auto approve = std::make_shared<Args>();
  root.Sub("approve", "says yes to exactly what you read; in your own session")
      .Argument("approval", approve->id, "apv_…")
      .Option("--hash", approve->hash, "of what you read (default: of what is shown now)", "HEX")
      .Example("remit approve apv_01k…")
      .Run([approve]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kPerson));
        if (approve->hash.empty()) {
          REMIT_ASSIGN(json::Value list, remote.Get("/v1/approvals"));
          for (const json::Value& one : list.Find("approvals")->AsArray()) {
            if (Text(one, "id") != approve->id) continue;
            if (!globals().json) PrintApproval(one);
            approve->hash = Text(one, "hash");
          }
          if (approve->hash.empty())
            return Fail(Code::kNotFound, "unknown-approval", fmt::format("no request `{}` waits for you", approve->id), "remit approvals");
        }
        REMIT_ASSIGN(json::Value answer,
                     remote.Post("/v1/approvals/" + http::PercentEncode(approve->id) + "/approve", json::Object{{"hash", approve->hash}}));
        if (globals().json) return PrintJson(answer), kOk;
        PrintLine(Styled(Style::kGreen, fmt::format("approved ({} of {})", answer.Find("given")->AsArray().size(), Text(answer, "needed"))));
        return kOk;
      });
  auto deny = std::make_shared<Args>();
  root.Sub("deny", "says no, and ends the request")
      .Argument("approval", deny->id, "apv_…")
      .Option("--why", deny->why, "for the record")
      .Example("remit deny apv_01k… --why 'not during the freeze'")
      .Run([deny]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kPerson));
        REMIT_ASSIGN(json::Value answer,
                     remote.Post("/v1/approvals/" + http::PercentEncode(deny->id) + "/deny", json::Object{{"reason", deny->why}}));
        if (globals().json) return PrintJson(answer), kOk;
        PrintLine("denied");
        return kOk;
      });
}

}  // namespace remit::cli
