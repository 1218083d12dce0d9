#include "api/events/event_filter.h"

#include <fmt/format.h>

#include "base/ids.h"
#include "base/text.h"

namespace remit::api {

bool EventFilter::Wants(const json::Value& event) const {
  const std::string* type = event.FindString("type");
  if (type == nullptr) return false;
  if (!task.empty()) {
    const std::string* of = event.FindString("task");
    if (of == nullptr || *of != task) return false;
  }
  return notify::Wants(types, *type);
}

Result<EventFilter> ReadEventFilter(std::string_view task, std::string_view types, std::string_view until) {
  EventFilter filter;
  if (!task.empty() && !IsId(task, kTaskPrefix))
    return Fail(Code::kInvalidArgument, "bad-parameter", "`task` is not the id of a task", "ids look like tsk_…");
  filter.task = task;
  if (!types.empty()) filter.types = Split(types, ',');
  REMIT_TRY(notify::CheckEventTypes(filter.types));
  if (!until.empty() && until != "end")
    return Fail(Code::kInvalidArgument, "bad-parameter", fmt::format("`until` cannot be `{}`", EscapeControl(until)), "use `end`");
  if (!until.empty() && task.empty())
    return Fail(Code::kInvalidArgument, "bad-parameter", "`until` is of a task, and none is named", "add task=tsk_…");
  filter.until_end = !until.empty();
  return filter;
}

std::string SseEvent(std::uint64_t index, std::string_view type, std::string_view body) {
  return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", index, type, body);
}

// An empty event is dispatched to nobody, but its id counts (WHATWG HTML §9.2.6).
std::string SsePlace(std::uint64_t next) { return next == 0 ? ":\n\n" : fmt::format(":\nid: {}\n\n", next - 1); }

std::string SseEnd(std::uint64_t next, std::string_view task) {
  return fmt::format("{}event: end\ndata: {{\"task\":\"{}\"}}\n\n", next == 0 ? "" : fmt::format("id: {}\n", next - 1), task);
}

}  // namespace remit::api
