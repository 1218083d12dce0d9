// SQLSTATE to Error.
#include "pg/error.h"

#include <fmt/format.h>

namespace remit::pg {
namespace {

constexpr std::string_view kPrefix = "pg-";

Code CodeOf(std::string_view state) {
  const std::string_view kind = state.substr(0, 2);
  if (state == "42501" || kind == "28") return Code::kPermissionDenied;
  if (state == "55P03" || state == "57014") return Code::kDeadlineExceeded;
  if (state == "42710" || state == "23505") return Code::kAlreadyExists;
  if (kind == "08" || kind == "57" || kind == "58") return Code::kUnavailable;
  if (kind == "40") return Code::kConflict;
  if (kind == "53") return Code::kResourceExhausted;
  if (kind == "55" || kind == "25" || kind == "2B") return Code::kFailedPrecondition;
  if (kind == "22" || kind == "23" || kind == "42" || kind == "3D") return Code::kInvalidArgument;
  return Code::kInternal;
}

}  // namespace

std::string_view SqlState(const Error& error) {
  const std::string_view reason = error.reason;
  if (reason.size() != kPrefix.size() + 5 || !reason.starts_with(kPrefix)) return {};
  return reason.substr(kPrefix.size());
}

Error ServerError(std::string_view sqlstate, std::string_view message) {
  if (sqlstate.size() != 5) return Error(Code::kUnavailable, kNoAnswer, std::string(message));
  return Error(CodeOf(sqlstate), fmt::format("{}{}", kPrefix, sqlstate), fmt::format("{} (SQLSTATE {})", message, sqlstate));
}

bool IsTransient(const Error& error) {
  const std::string_view state = SqlState(error);
  if (state == "40001" || state == "40P01") return true;
  // The server has no code of its own for these two, and does not translate them.
  return state == "XX000" && (error.message.find("tuple concurrently updated") != std::string::npos ||
                              error.message.find("tuple concurrently deleted") != std::string::npos);
}

bool IsTimeout(const Error& error) {
  const std::string_view state = SqlState(error);
  return state == "55P03" || state == "57014";
}

}  // namespace remit::pg
