// What Remit itself says of the moment in which something is asked, where the action's context declares it: `now`, a datetime, and `local`,
// what a clock on the wall shows in the time zone of the task's type (`@timezone`): {weekday: Long, minute: Long}.
#pragma once

#include <string_view>

#include "base/zone.h"
#include "cedar/schema.h"
#include "cedar/value.h"

namespace remit::task {

// Whether this attribute of a context is filled by Remit, and so taken from nobody else.
bool IsFilled(const cedar::Type& context, std::string_view name);
bool IsLocal(const cedar::Type& type);

// Fills what is declared. `zone` null: UTC.
void FillMoment(const cedar::Type& context, const Zone* zone, Time at, cedar::Record& record);

}  // namespace remit::task
