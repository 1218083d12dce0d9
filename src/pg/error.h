// What PostgreSQL said, as an Error: the SQLSTATE is in the reason ("pg-28P01"), so that callers branch on the standard's code and never
// on a message, which servers translate.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace remit::pg {

// The reason of a failure without SQLSTATE: no answer, a broken connection, a name that does not resolve. It proves nothing.
inline constexpr std::string_view kNoAnswer = "pg-no-answer";

// "28P01" of an Error from this room; "" where the server gave none.
std::string_view SqlState(const Error& error);

// The Error for a SQLSTATE and the server's primary message. Class 08 and 57P: kUnavailable; 28 and 42501: kPermissionDenied; 40:
// kConflict; 53: kResourceExhausted; 55P03 and 57014: kDeadlineExceeded; 42710 and 23505: kAlreadyExists; 22, 42 and the like:
// kInvalidArgument; XX and all others: kInternal. An empty state gives kNoAnswer. The detail of a message is left out: it may hold data.
Error ServerError(std::string_view sqlstate, std::string_view message);

// Whether the same statement may succeed at once: 40001, 40P01, and the internal "tuple concurrently updated" or "deleted".
bool IsTransient(const Error& error);

// Whether the statement gave up waiting for a lock (55P03) or was cancelled by statement_timeout (57014).
bool IsTimeout(const Error& error);

}  // namespace remit::pg
