// Moments as people read them. JSON keeps RFC 3339 in UTC.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "json/value.h"

namespace remit::cli {

// "14:03:22", with the date in front where it is not today's; local time.
std::string LocalTime(Time t, Time now);

// The member, RFC 3339, in the same way as of now; "" where there is none, and escaped as it stands where it is no time.
std::string Moment(const json::Value& value, std::string_view member);

// A sentence of the server's, with each moment in it (RFC 3339 in UTC) as people read it; all else as it stands.
std::string WithLocalTimes(std::string_view text);

}  // namespace remit::cli
