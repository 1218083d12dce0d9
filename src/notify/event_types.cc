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
