#include "cli/serve/target_addresses.h"

#include <fmt/format.h>

#include "cli/targets.h"
#include "crypto/hash.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::cli {
namespace {

// Of what is sent where: to whom, as whom.
std::string AddressOf(const target::postgres::Config& config) { return fmt::format("{}:{}/{}", config.host, config.port, config.database); }

std::string CodeOf(const target::postgres::Config& config, const crypto::MasterKey& master) {
  const crypto::SymmetricKey key = master.Derive("remit target passwords v1");
  const std::string text = config.name + '\0' + config.user + '\0' + std::string(config.password.Reveal());
  const std::string code = HexEncode(crypto::HmacSha256(key.Reveal(), AsBytes(text)));
  return code;
}

}  // namespace

Status KeepTargetAddresses(store::Store& store, const crypto::MasterKey& master, const std::vector<config::TargetSettings>& targets, Time now) {
  store::Batch batch;
  for (const config::TargetSettings& settings : targets) {
    config::SettingsReader r(settings);
    const std::vector<std::string> former = r.OptionalStrings("former_addresses").value_or(std::vector<std::string>());
    REMIT_ASSIGN(const target::postgres::Config config, PostgresConfig(settings, ""));
    const std::string key = "target/" + config.name, address = AddressOf(config), code = CodeOf(config, master);
    REMIT_ASSIGN(const std::optional<std::string> row, store.Get(store::Table::kMeta, key));
    const json::Value noted = row ? json::Parse(*row).value_or(json::Value()) : json::Value();
    const std::string *old_address = noted.FindString("address"), *old_code = noted.FindString("code");
    const std::string fresh = json::Canonical(json::Object{{"address", address}, {"code", code}});
    if (row && *row == fresh) continue;
    const bool moved = old_address != nullptr && *old_address != address;
    const bool same_password = old_code != nullptr && *old_code == code;
    if (moved && same_password && std::ranges::find(former, *old_address) == former.end())
      return Fail(
          Error(Code::kFailedPrecondition, "target-moved",
                fmt::format("target `{}` was at {} and is now at {}: its password was given for the old address, and is not sent to the new one",
                            config.name, *old_address, address))
              .At(settings.place)
              .Hint(fmt::format("put a new password into its password_file; or, if it is the same server, add former_addresses = [\"{}\"]",
                                *old_address)));
    batch.writes.push_back({store::Table::kMeta, key, fresh});
    if (!row || moved)
      batch.events.push_back(json::Canonical(json::Object{
          {"type", "target.changed"}, {"time", FormatTime(now)}, {"target", config.name}, {"address", address}, {"new_password", !same_password}}));
  }
  if (batch.writes.empty()) return {};
  REMIT_TRY(store.CommitNow(std::move(batch)));
  return {};
}

}  // namespace remit::cli
