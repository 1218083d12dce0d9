// Which events of the ledger somebody wants, and how one is written for him. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/value.h"
#include "notify/event_types.h"

namespace remit::api {

struct EventFilter {
  std::string task;          // "" for all
  notify::EventTypes types;  // none: all
  bool until_end = false;    // of the task: the stream ends once nothing more of it can come to its reader

  bool Wants(const json::Value& event) const;
};

// `types` is a list with commas, "" for all; `until` is "" or "end". Errors: `bad-parameter`.
Result<EventFilter> ReadEventFilter(std::string_view task, std::string_view types, std::string_view until);

// One event in the form of an event stream (WHATWG HTML §9.2): its index as id, its type as event, and its body as it stands in the ledger
// as data. `body` is canonical JSON, so it has no line break.
std::string SseEvent(std::uint64_t index, std::string_view type, std::string_view body);

// Says where the reader is, without an event: what it resumes behind, though nothing that it wants has happened.
std::string SsePlace(std::uint64_t next);

// The last that is said: nothing more of this task can come. It is no event of the ledger, whose types all have a dot.
std::string SseEnd(std::uint64_t next, std::string_view task);

}  // namespace remit::api
