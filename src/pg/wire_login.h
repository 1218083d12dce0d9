// Inside this room only: a login over a plain TCP connection, spoken directly (PostgreSQL's protocol 3.0, "Message Flow: Start-up"). It
// does what a client does up to ReadyForQuery, and says exactly what the server answered, SQLSTATE included.
#pragma once

#include "pg/connection.h"

namespace remit::pg {

// For options that passed CheckConnectOptions, with sslmode disable and a host that is no folder. Password methods: SCRAM-SHA-256. A server
// that lets the role in without asking is `accepted` without `used_password`; one that asks for another method is no answer.
LoginAttempt WireLogin(const ConnectOptions& options);

// One message of the server.
struct WireMessage {
  char type = 0;
  std::string payload;
};
// The SQLSTATE and primary message of an ErrorResponse's payload.
LoginAttempt ParseErrorResponse(std::string_view payload);

}  // namespace remit::pg
