// The texts of the extension types decimal, ipaddr, datetime and duration: strict readers, and writers of what they read.
// What functions and methods they have is ext_functions.h's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cedar/value.h"

namespace remit::cedar {

// "-?digits.digits", at most four digits behind the point. Errors (here and below): `bad-extension-value`.
Result<Decimal> ParseDecimal(std::string_view text);

// An IPv4 or IPv6 address, or a range in CIDR notation. IPv4 embedded in IPv6 and leading zeros are refused.
Result<IpAddr> ParseIpAddr(std::string_view text);

// YYYY-MM-DD, or YYYY-MM-DDThh:mm:ss[.SSS](Z|(+|-)hhmm). No leap seconds.
Result<Datetime> ParseDatetime(std::string_view text);

// "-?[n d][n h][n m][n s][n ms]", each unit at most once and in this order, at least one.
Result<DurationValue> ParseDuration(std::string_view text);

std::string ToText(Decimal decimal);
std::string ToText(DurationValue duration);
std::string ToText(const IpAddr& ip);
std::optional<std::string> IsoText(Datetime time);  // nothing where the year does not have four digits

}  // namespace remit::cedar
