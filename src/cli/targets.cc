#include "cli/targets.h"

#include <fmt/format.h>

#include "io/files.h"

namespace remit::cli {
namespace {

constexpr std::size_t kPasswordBytes = 4096;

// Where it is and how its server is known; not as whom.
pg::ConnectOptions AddressOf(const target::postgres::Config& config) {
  pg::ConnectOptions options;
  options.host = config.host;
  options.port = config.port;
  options.database = config.database;
  options.sslmode = config.sslmode;
  options.sslrootcert = config.sslrootcert;
  return options;
}

}  // namespace

Result<Secret> ReadPasswordFile(const std::string& path) {
  REMIT_ASSIGN(const Secret file, io::ReadSecretFile(path, kPasswordBytes));
  std::string_view password = file.Reveal();
  if (password.ends_with('\n')) password.remove_suffix(1);
  return Secret(password);
}

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
  r.OptionalString("superuser");          // for SuperuserOptions
  r.OptionalPath("superuser_password_file");
  REMIT_TRY(r.Finish());
  REMIT_ASSIGN(config.password, ReadPasswordFile(password_file));
  return config;
}

Result<pg::ConnectOptions> TargetAddress(const config::TargetSettings& settings) {
  REMIT_ASSIGN(const target::postgres::Config config, PostgresConfig(settings, ""));
  return AddressOf(config);
}

Result<pg::ConnectOptions> ReaderOptions(const config::TargetSettings& settings) {
  REMIT_ASSIGN(target::postgres::Config config, PostgresConfig(settings, ""));
  pg::ConnectOptions options = AddressOf(config);
  options.user = config.user;
  options.password = std::move(config.password);
  options.application_name = "remit offboard";
  // Whoever may alter this role could have other code, or another role, answer what is asked here.
  options.settings = {{"search_path", "pg_catalog,pg_temp"}, {"role", "none"}};
  return options;
}

Result<std::optional<pg::ConnectOptions>> SuperuserOptions(const config::TargetSettings& settings) {
  config::SettingsReader r(settings);
  const std::optional<std::string> user = r.OptionalString("superuser"), file = r.OptionalPath("superuser_password_file");
  if (file && !user) r.Refuse("superuser_password_file", "belongs to a `superuser`, and none is named");
  if (user && user->empty()) r.Refuse("superuser", "is not the name of a role");
  if (!r.ok()) return Fail(r.Finish().error());
  if (!user) return std::optional<pg::ConnectOptions>();
  REMIT_ASSIGN(pg::ConnectOptions options, ReaderOptions(settings));
  options.user = *user;
  options.password = Secret();
  if (file) {
    REMIT_ASSIGN(options.password, ReadPasswordFile(*file));
  }
  return std::optional(std::move(options));
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
  for (const config::TargetSettings& one : settings) {
    REMIT_TRY(ConfigOf(one, ""));
    REMIT_TRY(SuperuserOptions(one));
  }
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
