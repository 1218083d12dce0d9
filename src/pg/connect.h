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

// How the server may have the client show who it is.
enum class Authentication {
  kScramWherePassword,  // where there is a password, SCRAM alone, which tells the server nothing of it, if libpq can be told so
  kAny,                 // whatever it asks: to learn what that is
};

// Whether the libpq that runs can be told so: 16 and later.
bool KnowsRequireAuth();

// The options as libpq reads them, the password among them: to be wiped.
std::string ConnectionString(const ConnectOptions& options, Authentication authentication, bool knows_require_auth);

// The options must have passed CheckConnectOptions.
OpenConnection Connect(const ConnectOptions& options, Authentication authentication);

}  // namespace remit::pg
