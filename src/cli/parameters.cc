#include "cli/parameters.h"

#include <fmt/format.h>

#include "base/text.h"
#include "base/time.h"
#include "cli/output.h"

namespace remit::cli {

Result<json::Value> ParseParameters(const std::vector<std::string>& words) {
  json::Object parameters;
  for (const std::string& word : words) {
    std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      return Fail(Code::kInvalidArgument, "bad-parameter", fmt::format("`{}` is not name=value", EscapeControl(word)),
                  "write parameters like service=checkout");
    std::string name = word.substr(0, equals);
    if (parameters.Contains(name)) return Fail(Code::kInvalidArgument, "duplicate-parameter", fmt::format("`{}` is given twice", name));
    parameters.Set(name, word.substr(equals + 1));
  }
  return json::Value(std::move(parameters));
}

Result<json::Value> StartBody(const StartWords& words, bool held) {
  REMIT_ASSIGN(json::Value parameters, ParseParameters(words.parameters));
  json::Object body{{"type", words.type}, {"parameters", std::move(parameters)}, {"from_text", true}};
  if (!words.reason.empty()) body.Set("reason", words.reason);
  if (!words.ttl.empty()) {
    REMIT_TRY(ParseDuration(words.ttl));
    body.Set("ttl", words.ttl);
  }
  if (!words.at.empty()) {
    REMIT_TRY(ParseTime(words.at));
    body.Set("at", words.at);
  }
  if (words.break_glass) body.Set("break_glass", true);
  if (held) body.Set("held", true);
  return json::Value(std::move(body));
}

namespace {

// `select` of Postgres::Action::"select": what it is done to says whose action it is. Anything else stays as it is.
std::string ActionName(const std::string& uid) {
  constexpr std::string_view kBefore = "Action::\"";
  const std::size_t at = uid.find(kBefore);
  const bool whole = at == 0 || (at != std::string::npos && at >= 2 && uid.compare(at - 2, 2, "::") == 0);
  return whole && uid.ends_with("\"") ? uid.substr(at + kBefore.size(), uid.size() - at - kBefore.size() - 1) : uid;
}

}  // namespace

std::string PermissionLine(const json::Value& permission) {
  std::string line = ActionName(Text(permission, "action"));
  if (std::string resource = Text(permission, "resource"); !resource.empty()) line += " on " + resource;
  if (std::string container = Text(permission, "in"); !container.empty()) line += " in " + container;
  if (std::string type = Text(permission, "is"); !type.empty()) line += " on any " + type;
  if (const json::Value* conditions = permission.Find("when"); conditions != nullptr && conditions->IsArray())
    for (const json::Value& condition : conditions->AsArray()) line += " when " + Plain(condition);
  if (const json::Value* why = permission.Find("why_not_plain"); why != nullptr && why->IsString() && !why->AsString().empty())
    line += " when " + Plain(*why);
  if (const json::Value* obligations = permission.Find("obligations"); obligations != nullptr && obligations->IsArray()) {
    for (const json::Value& obligation : obligations->AsArray()) {
      // What cannot be known before the use is asked for, e.g. what the enforcement point will say of the resource, is said with it.
      const std::string when = Text(obligation, "when").empty() ? "" : " when " + Text(obligation, "when");
      if (const json::Value* uses = obligation.Find("after_uses"))
        line += uses->AsInt() == 1 ? fmt::format(" (once{})", when) : fmt::format(" ({} times{})", uses->AsInt(), when);
      if (const json::Value* yes = obligation.Find("unless_approved"))
        line += fmt::format(" (after {} approval{}{})", yes->AsInt(), yes->AsInt() == 1 ? "" : "s", when);
    }
  }
  return line;
}

}  // namespace remit::cli
