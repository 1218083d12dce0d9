// Which PostgreSQL server a command talks to, and as whom: for commands that work on one without Remit's own server.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/command.h"
#include "pg/connection.h"

namespace remit::cli {

struct PostgresServer {
  std::string address;  // postgresql://[USER@]HOST[:PORT]/DATABASE[?sslmode=…&sslrootcert=…], or a target's name with --config
  std::string config, user, password_file, sslmode, sslrootcert;

  // How to connect. Without an sslmode it is verify-full, on this machine disable. Errors: `bad-server-address`, `password-in-address`,
  // `no-user`, `unknown-target`, those of the configuration and of the password's file.
  Result<pg::ConnectOptions> Options() const;
};

// Whether nothing on the way there leaves this machine: a socket's folder, localhost, ::1 or an address of 127.0.0.0/8. A name is none, whatever
// it begins with.
bool IsThisMachine(const std::string& host);

// What a server answered, or that it did not, with what to do about it. `password_option`: where the command takes a password's file.
Error WithServerHint(Error error, const pg::ConnectOptions& options, std::string_view password_option);

// Adds the argument SERVER and the options to a command.
void AddPostgresServer(Command& command, PostgresServer& server);

}  // namespace remit::cli
