// Inside this room only: connecting with a limit, shared by Connection and the login probe.
#pragma once

#include <string>
#include <string_view>

#include "pg/connection.h"

namespace remit::pg {

struct Refusal {
  std::string sqlstate;  // "" where the server said nothing that counts
  std::string message;
};

// Reads libpq's verbose message of a failed connection.
Refusal ParseRefusal(std::string_view text);

struct OpenConnection {
  pg_conn* conn = nullptr;  // never null; the caller finishes it
  bool connected = false;
  Refusal refusal;
};

// The options must have passed CheckConnectOptions.
OpenConnection Connect(const ConnectOptions& options);

}  // namespace remit::pg
