#include "cli/targets.h"

#include <fmt/format.h>

#include "io/files.h"

namespace remit::cli {
namespace {

// A password from its file; one newline at its end is not part of it.
Result<Secret> ReadPassword(const std::string& path) {
  REMIT_ASSIGN(Secret file, io::ReadSecretFile(path, 4096));
  std::string_view text = file.Reveal();
  if (text.ends_with("\n")) text.remove_suffix(1);
  return Secret(text);
}

}  // namespace

Result<target::postgres::Config> PostgresConfig(const config::TargetSettings& settings, const std::string& installation) {
  config::SettingsReader r(settings);
  target::postgres::Config config;
  config.name = settings.name;
  config.installation = installation;
  config.host = r.RequiredString("host");
  config.port = static_cast<std::uint16_t>(r.OptionalInt("port", 1, 65535).value_or(5432));
  config.database = r.RequiredString("database");
  config.user = r.OptionalString("user").value_or("remit");
  std::string password_file = r.RequiredPath("password_file");
  config.sslmode = r.OptionalString("sslmode").value_or("disable");
  config.sslrootcert = r.OptionalPath("sslrootcert").value_or("");
  config.user_host = r.OptionalString("user_host").value_or("");
  config.user_port = static_cast<std::uint16_t>(r.OptionalInt("user_port", 1, 65535).value_or(0));
  config.accepted = r.OptionalStrings("accepted").value_or(std::vector<std::string>());
  config.former_systems = r.OptionalStrings("former_systems").value_or(std::vector<std::string>());
  config.connection_limit = static_cast<int>(r.OptionalInt("connection_limit", 1, 1000).value_or(config.connection_limit));
  r.OptionalStrings("former_addresses");  // for target_addresses.h
  r.OptionalStrings("tables");            // for `remit target init`
  r.OptionalStrings("databases");         // likewise
  REMIT_TRY(r.Finish());
  REMIT_ASSIGN(config.password, ReadPassword(password_file));
  return config;
}

namespace {

Result<target::postgres::Config> ConfigOf(const config::TargetSettings& settings, const std::string& installation) {
  if (settings.type == "postgres") return PostgresConfig(settings, installation);
  return Fail(Error(Code::kInvalidArgument, "unknown-target-type", fmt::format("target `{}` has the unknown type `{}`", settings.name, settings.type))
                  .At(settings.place)
                  .Hint("the types are: postgres"));
}

}  // namespace

Status CheckTargets(const std::vector<config::TargetSettings>& settings) {
  for (const config::TargetSettings& one : settings) REMIT_TRY(ConfigOf(one, ""));
  return {};
}

Result<std::vector<std::shared_ptr<target::postgres::PostgresTarget>>> MakeTargets(const std::vector<config::TargetSettings>& settings,
                                                                                   const std::string& installation, const Clock& clock, Rng& rng) {
  std::vector<std::shared_ptr<target::postgres::PostgresTarget>> targets;
  for (const config::TargetSettings& one : settings) {
    REMIT_ASSIGN(target::postgres::Config config, ConfigOf(one, installation));
    REMIT_ASSIGN(auto target, target::postgres::PostgresTarget::Create(std::move(config), clock, rng));
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace remit::cli
