// The sessions of an account whose grants are gone: one that had become another role, or that holds a cursor, goes on with what it had.
#pragma once

#include <string>

#include "base/result.h"
#include "pg/connection.h"

namespace remit::posture {

// Ends every session of the account that began before now, and waits until they are gone. A session that begins later has the account's
// rights as they are then, so a client that reconnects again and again cannot make this go on for ever. Gives back how many were ended. Errors:
// `sessions-left`.
Result<std::int64_t> EndSessions(pg::Connection& connection, const std::string& account_oid, Duration limit);

}  // namespace remit::posture
