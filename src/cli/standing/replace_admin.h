// The administrator's credential for one call of `remit replace`: from a connection string, and from PostgreSQL's own environment variables for what
// it does not say. It is written nowhere.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "pg/connection.h"

namespace remit::cli {

// `text`: an address as `remit scan` takes it, postgresql://USER@HOST:PORT/DATABASE, which then says all but the password; or libpq's other form,
// `host=db.example user=dba dbname=postgres sslmode=verify-full sslrootcert=ca.pem`, values in quotes where they need them. A password in it is
// refused: the arguments of a process are seen by everybody on the machine. `environment` answers PGHOST, PGPORT, PGUSER, PGDATABASE, PGSSLMODE,
// PGSSLROOTCERT and PGPASSWORD, null where there is none. `password_file`, unless it is empty, goes before PGPASSWORD. Without a host it is the
// server's socket on this machine; without sslmode it is verify-full, on this machine disable. Errors: `bad-admin-string`, `password-in-arguments`,
// `no-admin-user`, PostgresServer's, io::ReadSecretFile's.
Result<pg::ConnectOptions> AdminOptions(std::string_view text, const std::string& password_file,
                                        const std::function<const char*(const char*)>& environment);

}  // namespace remit::cli
