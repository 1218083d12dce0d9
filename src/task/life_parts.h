// What the transitions of a task share (life.cc, extension.cc). Included by these alone.
#pragma once

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "task/life.h"

namespace remit::task {

inline std::unexpected<Error> WrongState(const TaskRecord& record) { return Fail(NotInThatState(record)); }

inline std::unexpected<Error> PastDeadline(const TaskRecord& record) {
  return Fail(Code::kFailedPrecondition, "wrong-state",
              fmt::format("task `{}` is {}, and its time was over at {}", record.id, StateName(record.state), FormatTime(record.deadline)));
}

inline json::Object Event(std::string_view type, const TaskRecord& record, Time now) {
  return json::Object{{"type", type}, {"time", FormatTime(now)}, {"task", record.id}};
}

inline bool IsOwn(const TaskRecord& record, const cedar::EntityUid& person) {
  return person == record.actor || std::ranges::find(record.chain, person) != record.chain.end();
}

inline bool IsRunning(const TaskRecord& record) { return record.state == State::kActive || record.state == State::kSuspended; }
inline bool IsWaiting(const TaskRecord& record) { return record.state == State::kRequested || record.state == State::kScheduled; }

}  // namespace remit::task
