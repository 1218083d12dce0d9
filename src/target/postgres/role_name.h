// Names and marks at the server. A role of Remit's says by its name, its comment and the application name of the connection that makes it
// whose it is: remit_<installation>_<credential>, remit/<installation>/<credential>.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace remit::target::postgres {

bool IsInstallationId(std::string_view text);  // [0-9a-z]{1,26}: so that a role's name fits into PostgreSQL's 63 bytes

std::string RoleName(std::string_view installation, std::string_view credential);
std::string Mark(std::string_view installation, std::string_view credential);  // the comment, and the application name

struct RoleParts {
  std::string installation;
  std::string credential;
};
// The parts of a role's name of that pattern; nothing for any other name.
std::optional<RoleParts> ParseRoleName(std::string_view name);

}  // namespace remit::target::postgres
