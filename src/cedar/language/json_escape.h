// What objects mean in Cedar's JSON for values, wherever they are read: a record, unless the only member is an escape that is well-formed.
// Members besides those that are asked for are not looked at, but that an escape with a number in them that is no Cedar value is none.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "json/value.h"

namespace remit::cedar {

// {"type": "User", "id": "alice"}: two strings. Whether the one is the name of a type is not asked.
struct JsonUid {
  const std::string* type = nullptr;
  const std::string* id = nullptr;
};
std::optional<JsonUid> FindUid(const json::Value& value);
// The same, or {"__entity": {"type", "id"}}, which goes first.
std::optional<JsonUid> FindUidOrEscape(const json::Value& value);

// The same as nearly everybody writes it, these members in this order and no other: found at once. Of anything else it knows nothing.
std::optional<JsonUid> FindPlainUid(const json::Value& value);

// {"fn": …, "arg": …} or {"fn": …, "args": […]}. Whether there is such a function is not asked.
struct JsonCall {
  const std::string* function = nullptr;
  std::span<const json::Value> arguments;
  bool one = false;  // by "arg"
};
std::optional<JsonCall> FindCall(const json::Value& value);

// At most one of the three; none: the object is a record.
struct JsonEscape {
  std::optional<JsonUid> uid;    // {"__entity": …}
  std::optional<JsonCall> call;  // {"__extn": …}
  bool expression = false;       // {"__expr": "…"}, which no reader takes any more
};
JsonEscape FindEscape(const json::Object& object);

}  // namespace remit::cedar
