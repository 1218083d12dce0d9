// The table of extension functions.
#include "cedar/language/ext_functions.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "cedar/language/ext.h"

namespace remit::cedar {
namespace {

using Arguments = std::span<const Value* const>;
using enum Value::Kind;

constexpr std::int64_t kDayMillis = 86'400'000;

template <auto parse>
Result<Value> Construct(Arguments a) {
  REMIT_ASSIGN(auto value, parse(a[0]->AsString()));
  return Value(value);
}

// Whether every address of `inner` is one of `outer`: the same first bits, at least as many of them fixed.
bool InRange(const IpAddr& inner, const IpAddr& outer) {
  if (inner.v6 != outer.v6 || inner.prefix < outer.prefix) return false;
  const int whole = outer.prefix / 8, bits = outer.prefix % 8;
  if (!std::equal(inner.bytes, inner.bytes + whole, outer.bytes)) return false;
  return bits == 0 || (inner.bytes[whole] ^ outer.bytes[whole]) >> (8 - bits) == 0;
}

bool IsLoopback(const IpAddr& ip) {
  static constexpr IpAddr kV4{.v6 = false, .prefix = 8, .bytes = {127}};
  static constexpr IpAddr kV6{.v6 = true, .prefix = 128, .bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  return InRange(ip, ip.v6 ? kV6 : kV4);
}

bool IsMulticast(const IpAddr& ip) {
  static constexpr IpAddr kV4{.v6 = false, .prefix = 4, .bytes = {224}};
  static constexpr IpAddr kV6{.v6 = true, .prefix = 8, .bytes = {0xFF}};
  return InRange(ip, ip.v6 ? kV6 : kV4);
}

std::unexpected<Error> Overflow(std::string_view function) {
  return Fail(Code::kInvalidArgument, "bad-extension-value", fmt::format("`{}` overflows", function));
}

Result<Value> Offset(Arguments a) {
  Datetime time = a[0]->AsDatetime();
  if (__builtin_add_overflow(time.millis, a[1]->AsDuration().millis, &time.millis)) return Overflow("offset");
  return Value(time);
}

Result<Value> DurationSince(Arguments a) {
  DurationValue duration;
  if (__builtin_sub_overflow(a[0]->AsDatetime().millis, a[1]->AsDatetime().millis, &duration.millis)) return Overflow("durationSince");
  return Value(duration);
}

std::int64_t MillisOfDay(std::int64_t millis) {
  const std::int64_t rest = millis % kDayMillis;
  return rest < 0 ? rest + kDayMillis : rest;
}

Result<Value> ToDate(Arguments a) {
  Datetime time = a[0]->AsDatetime();
  if (__builtin_sub_overflow(time.millis, MillisOfDay(time.millis), &time.millis)) return Overflow("toDate");
  return Value(time);
}

Result<Value> ToTime(Arguments a) { return Value(DurationValue{MillisOfDay(a[0]->AsDatetime().millis)}); }

template <std::int64_t unit>
Result<Value> InUnits(Arguments a) {
  return Value(a[0]->AsDuration().millis / unit);
}

const std::vector<ExtensionFunction>& Table() {
  static const std::vector<ExtensionFunction> table = {
      {"decimal", false, {kString}, kDecimal, true, Construct<ParseDecimal>},
      {"lessThan", true, {kDecimal, kDecimal}, kBool, false, [](Arguments a) -> Result<Value> { return a[0]->AsDecimal() < a[1]->AsDecimal(); }},
      {"lessThanOrEqual",
       true,
       {kDecimal, kDecimal},
       kBool,
       false,
       [](Arguments a) -> Result<Value> { return a[0]->AsDecimal() <= a[1]->AsDecimal(); }},
      {"greaterThan", true, {kDecimal, kDecimal}, kBool, false, [](Arguments a) -> Result<Value> { return a[0]->AsDecimal() > a[1]->AsDecimal(); }},
      {"greaterThanOrEqual",
       true,
       {kDecimal, kDecimal},
       kBool,
       false,
       [](Arguments a) -> Result<Value> { return a[0]->AsDecimal() >= a[1]->AsDecimal(); }},
      {"ip", false, {kString}, kIpAddr, true, Construct<ParseIpAddr>},
      {"isIpv4", true, {kIpAddr}, kBool, false, [](Arguments a) -> Result<Value> { return !a[0]->AsIpAddr().v6; }},
      {"isIpv6", true, {kIpAddr}, kBool, false, [](Arguments a) -> Result<Value> { return a[0]->AsIpAddr().v6; }},
      {"isLoopback", true, {kIpAddr}, kBool, false, [](Arguments a) -> Result<Value> { return IsLoopback(a[0]->AsIpAddr()); }},
      {"isMulticast", true, {kIpAddr}, kBool, false, [](Arguments a) -> Result<Value> { return IsMulticast(a[0]->AsIpAddr()); }},
      {"isInRange", true, {kIpAddr, kIpAddr}, kBool, false, [](Arguments a) -> Result<Value> { return InRange(a[0]->AsIpAddr(), a[1]->AsIpAddr()); }},
      {"datetime", false, {kString}, kDatetime, true, Construct<ParseDatetime>},
      {"offset", true, {kDatetime, kDuration}, kDatetime, false, Offset},
      {"durationSince", true, {kDatetime, kDatetime}, kDuration, false, DurationSince},
      {"toDate", true, {kDatetime}, kDatetime, false, ToDate},
      {"toTime", true, {kDatetime}, kDuration, false, ToTime},
      {"duration", false, {kString}, kDuration, true, Construct<ParseDuration>},
      {"toMilliseconds", true, {kDuration}, kLong, false, InUnits<1>},
      {"toSeconds", true, {kDuration}, kLong, false, InUnits<1000>},
      {"toMinutes", true, {kDuration}, kLong, false, InUnits<60'000>},
      {"toHours", true, {kDuration}, kLong, false, InUnits<3'600'000>},
      {"toDays", true, {kDuration}, kLong, false, InUnits<kDayMillis>},
  };
  return table;
}

std::unexpected<Error> EvaluationError(std::string message, std::string hint = {}) {
  return Fail(Code::kInvalidArgument, "evaluation-error", std::move(message), std::move(hint));
}

}  // namespace

std::span<const ExtensionFunction> AllExtensionFunctions() { return Table(); }

const ExtensionFunction* FindExtensionFunction(std::string_view name) {
  const auto found = std::ranges::find(Table(), name, &ExtensionFunction::name);
  return found == Table().end() ? nullptr : &*found;
}

Result<Value> CallExtension(const ExtensionFunction& function, Arguments arguments) {
  if (arguments.size() != function.parameters.size()) {
    return EvaluationError(fmt::format("wrong number of arguments provided to extension function `{}`: expected {}, got {}", function.name,
                                       function.parameters.size(), arguments.size()));
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Value::Kind expected = function.parameters[i], got = arguments[i]->kind();
    if (got == expected) continue;
    return EvaluationError(
        fmt::format("type error: expected {}, got {}", KindName(expected), KindName(got)),
        got == kString ? fmt::format("maybe you forgot to apply the `{}` constructor?", expected == kIpAddr ? "ip" : KindName(expected)) : "");
  }
  auto result = function.apply(arguments);
  if (!result) {
    return EvaluationError(fmt::format("error while evaluating `{}` extension function: {}", function.name, result.error().message),
                           result.error().hint);
  }
  return result;
}

}  // namespace remit::cedar
