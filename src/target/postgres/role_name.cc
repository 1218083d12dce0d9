// remit_<installation>_<credential>
#include "target/postgres/role_name.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ids.h"

namespace remit::target::postgres {

bool IsInstallationId(std::string_view text) {
  return !text.empty() && text.size() <= 26 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); });
}

std::string RoleName(std::string_view installation, std::string_view credential) { return fmt::format("remit_{}_{}", installation, credential); }
std::string Mark(std::string_view installation, std::string_view credential) { return fmt::format("remit/{}/{}", installation, credential); }

std::optional<RoleParts> ParseRoleName(std::string_view name) {
  constexpr std::string_view kPrefix = "remit_";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  const std::size_t end = name.find('_');
  if (end == std::string_view::npos || !IsInstallationId(name.substr(0, end)) || !IsId(name.substr(end + 1), kCredentialPrefix)) return std::nullopt;
  return RoleParts{std::string(name.substr(0, end)), std::string(name.substr(end + 1))};
}

}  // namespace remit::target::postgres
