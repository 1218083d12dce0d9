// Which types of events somebody wants: "task.started", or "task.*" for all that begin with "task.".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace remit::notify {

using EventTypes = std::vector<std::string>;

// Errors: `bad-parameter` for what is no type, for what begins with no word that events begin with, and for more than limits::kEventFilterTypes.
Status CheckEventTypes(const EventTypes& types);

// Whether `type` is among them. No types: all are wanted.
bool Wants(const EventTypes& types, std::string_view type);

// What people are told of where nothing else is said: each change of a task's state, each wait for an approval with its answers, and what somebody
// should look at: a start by break-glass with its review, and a task that was stopped because it was refused too often.
const EventTypes& ChangesAndWaits();

}  // namespace remit::notify
