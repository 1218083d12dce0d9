// SQLSTATEs of class RM.
#include "target/postgres/refusal.h"

#include <array>

#include <fmt/format.h>

#include "base/log.h"
#include "pg/error.h"

namespace remit::target::postgres {
namespace {

struct Known {
  std::string_view state;
  Code code;
  std::string_view reason;
};
constexpr std::array<Known, 7> kKnown{{{"RM001", Code::kPermissionDenied, "not-permitted-at-target"},
                                       {"RM002", Code::kFailedPrecondition, "scope-tampered"},
                                       {"RM003", Code::kFailedPrecondition, "not-a-table"},
                                       {"RM004", Code::kPermissionDenied, "foreign-role"},
                                       {"RM005", Code::kFailedPrecondition, "unknown-table"},
                                       {"RM006", Code::kInvalidArgument, "bad-request-to-target"},
                                       {"RM007", Code::kFailedPrecondition, "not-disarmed"}}};

}  // namespace

Error FromServer(Error error, std::string_view target) {
  const std::string state(pg::SqlState(error));
  for (const Known& known : kKnown) {
    if (state != known.state) continue;
    error.code = known.code;
    error.reason = known.reason;
    if (state == "RM002") log::Fault("alarm: target {}: {}", target, error.message);
  }
  if (state == "RM001" || state == "RM002" || state == "RM004")
    error.hint = fmt::format("run what `remit target init postgres {}` prints, as an administrator", target);
  if (state == "42883" || state == "3F000" || state == "42501") {
    error.code = Code::kFailedPrecondition;
    error.reason = "target-not-initialised";
    error.hint = fmt::format("run what `remit target init postgres {}` prints, as an administrator", target);
  }
  if (pg::IsTimeout(error) || pg::IsTransient(error)) error.code = Code::kUnavailable;
  return std::move(error).Within(fmt::format("target `{}`", target));
}

}  // namespace remit::target::postgres
