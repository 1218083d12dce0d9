#include "notify/event_types.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"

namespace remit::notify {
namespace {

constexpr std::size_t kTypeBytes = 64;

bool IsPattern(std::string_view text) {
  if (text.ends_with(".*")) text.remove_suffix(2);
  return !text.empty() && text.size() <= kTypeBytes &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-'; });
}

// What events of the ledger begin with: who asks for another would wait for ever. tests/events_test.py holds it to the events that are made.
const std::vector<std::string>& Families() {
  static const std::vector<std::string> families{"actor",        "approval", "catalog",  "change", "credential", "epoch",  "facts",
                                                 "installation", "key",      "offboard", "person", "replace",    "secret", "session",
                                                 "standing",     "sweep",    "target",   "task",   "webhook"};
  return families;
}

bool Matches(std::string_view pattern, std::string_view type) {
  if (!pattern.ends_with(".*")) return pattern == type;
  return type.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace

Status CheckEventTypes(const EventTypes& types) {
  if (types.size() > limits::kEventFilterTypes)
    return Fail(Code::kInvalidArgument, "bad-parameter", fmt::format("there are more than {} types of events", limits::kEventFilterTypes));
  for (const std::string& type : types)
    if (!IsPattern(type))
      return Fail(Code::kInvalidArgument, "bad-parameter", fmt::format("`{}` is not a type of events", EscapeControl(type)),
                  "write `task.started`, or `credential.*` for all of credentials");
  for (const std::string& type : types) {
    const std::size_t dot = type.find('.');
    const std::string family = type.substr(0, dot);
    if (dot != std::string::npos && std::ranges::find(Families(), family) != Families().end()) continue;
    const std::string near = Nearest(family, Families());
    return Fail(Code::kInvalidArgument, "bad-parameter", fmt::format("no event is of a type `{}`", type),
                near.empty() ? "they begin with " + Join(Families(), ", ")
                             : fmt::format("did you mean `{}`?", near + (dot == std::string::npos ? ".*" : type.substr(dot))));
  }
  return {};
}

bool Wants(const EventTypes& types, std::string_view type) {
  return types.empty() || std::ranges::any_of(types, [&](const std::string& pattern) { return Matches(pattern, type); });
}

const EventTypes& ChangesAndWaits() {
  // clang-format off
  static const EventTypes types{
      "task.requested", "task.asked-again", "task.scheduled", "task.started", "task.break-glass", "task.suspended", "task.resumed",
      "task.extension-requested", "task.extension-denied", "task.extended", "task.tripped",
      "task.completed", "task.revoked", "task.expired", "task.failed", "task.withdrawn", "task.denied", "task.reviewed",
      "approval.*", "change.*"};
  // clang-format on
  return types;
}

}  // namespace remit::notify
