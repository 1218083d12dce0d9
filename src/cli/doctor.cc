// remit doctor: is everything as it should be? The server looks; what it says is shown with what to do about it.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/local_time.h"
#include "cli/output.h"
#include "cli/remote.h"

namespace remit::cli {
namespace {

json::Value Unreachable(const Error& error) {
  json::Object finding{{"check", "server"}, {"status", "error"}, {"what", error.message}};
  if (!error.hint.empty()) finding.Set("hint", error.hint);
  return json::Object{{"ok", false}, {"findings", json::Array{std::move(finding)}}};
}

void PrintFinding(const json::Value& finding) {
  const std::string status = Text(finding, "status");
  const Style style = status == "ok" ? Style::kGreen : status == "warning" ? Style::kYellow : Style::kRed;
  PrintLine(
      fmt::format("{}  {:<10}  {}", Styled(style, fmt::format("{:<7}", status)), Text(finding, "check"), WithLocalTimes(Text(finding, "what"))));
  if (const std::string hint = Text(finding, "hint"); !hint.empty()) PrintLine(Styled(Style::kDim, fmt::format("{:21}hint: {}", "", hint)));
}

Result<int> Examine(bool strict) {
  int exit = kOk;
  json::Value report;
  Result<Remote> remote = Remote::Open(As::kAdmin);
  if (!remote) return std::unexpected(remote.error());
  Result<json::Value> answer = remote->Get("/v1/doctor");
  if (answer) {
    report = *std::move(answer);
  } else if (answer.error().code == Code::kUnavailable || answer.error().code == Code::kDeadlineExceeded) {
    report = Unreachable(answer.error());
    exit = kUnavailable;
  } else {
    return std::unexpected(answer.error());
  }
  for (const json::Value& finding : report.Find("findings")->AsArray()) {
    const std::string status = Text(finding, "status");
    if (exit == kOk && (status == "error" || (strict && status == "warning"))) exit = kVerificationFailed;
    if (!globals().json) PrintFinding(finding);
  }
  if (globals().json) PrintJson(report);
  return exit;
}

}  // namespace

void AddDoctor(Command& root) {
  auto strict = std::make_shared<bool>(false);
  root.Sub("doctor", "is everything as it should be? for who administers")
      .Flag("--strict", *strict, "warnings count as errors")
      .Example("remit doctor")
      .Run([strict] { return Examine(*strict); });
}

}  // namespace remit::cli
