#include "cli/serve/target_addresses.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/targets.h"
#include "crypto/hash.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::cli {
namespace {

// Of what is sent where.
struct Address {
  std::string server;  // host:port: every database there is shown the same password
  std::string whole;   // host:port/database
};

Address AddressOf(const std::string& host, std::uint16_t port, const std::string& database) {
  std::string server = fmt::format("{}:{}", host, port);
  std::string whole = server + "/" + database;
  return {std::move(server), std::move(whole)};
}

std::string ServerOf(std::string_view address) { return std::string(address.substr(0, address.rfind('/'))); }

// One of the two passwords of a target.
struct Login {
  std::string_view file;  // the setting that names its file
  std::string_view code;  // the member of the row "target/NAME"
  std::string user;
  Secret password;       // empty where there is none
  bool settled = false;  // the row "target/NAME" has it for this very address
};

struct Place {
  const config::TargetSettings* settings = nullptr;
  Address address;
  std::vector<std::string> former;
  std::vector<Login> logins;
};

std::vector<std::string> FormerOf(const config::TargetSettings& settings) {
  config::SettingsReader r(settings);
  return r.OptionalStrings("former_addresses").value_or(std::vector<std::string>());
}

Result<Place> PlaceOf(const config::TargetSettings& settings) {
  REMIT_ASSIGN(target::postgres::Config config, PostgresConfig(settings, ""));
  REMIT_ASSIGN(std::optional<pg::ConnectOptions> superuser, SuperuserOptions(settings));
  Place place{&settings, AddressOf(config.host, config.port, config.database), FormerOf(settings), {}};
  place.logins.push_back({"password_file", "code", config.user, std::move(config.password), false});
  place.logins.push_back({"superuser_password_file", "superuser_code", "", {}, false});
  if (superuser) place.logins.back().user = superuser->user, place.logins.back().password = std::move(superuser->password);
  return place;
}

class Keeper {
 public:
  Keeper(store::Store& store, const crypto::MasterKey& master)
      : store_(store), named_(master.Derive("remit target passwords v1")), shown_(master.Derive("remit target password servers v1")) {}

  // What the row of the target's name has of it is another address, and the same password.
  Status ByName(Place& place, Time now) {
    const std::string key = "target/" + place.settings->name;
    REMIT_ASSIGN(const std::optional<std::string> row, store_.Get(store::Table::kMeta, key));
    const json::Value noted = row ? json::Parse(*row).value_or(json::Value()) : json::Value();
    const std::string* old_address = noted.FindString("address");
    const bool moved = old_address != nullptr && *old_address != place.address.whole;
    json::Object fresh{{"address", place.address.whole}};
    bool same_password = false;
    for (Login& login : place.logins) {
      const std::string code = login.password.empty() ? "" : NamedCode(place.settings->name, login);
      const std::string* old_code = noted.FindString(login.code);
      // A row of before has nothing of the second password: it may be the one that was given for the old address.
      const bool same = !login.password.empty() && row && (old_code == nullptr || *old_code == code);
      same_password = same_password || same;
      if (moved && same && std::ranges::find(place.former, *old_address) == place.former.end())
        return Moved(*place.settings, login.file, *old_address, place.address.whole);
      login.settled = same && !moved;
      fresh.Set(std::string(login.code), code);
    }
    std::string text = json::Canonical(fresh);
    if (row && *row == text) return {};
    batch_.writes.push_back({store::Table::kMeta, key, std::move(text)});
    if (!row || moved)
      batch_.events.push_back(json::Canonical(json::Object{{"type", "target.changed"},
                                                           {"time", FormatTime(now)},
                                                           {"target", place.settings->name},
                                                           {"address", place.address.whole},
                                                           {"new_password", !same_password}}));
    return {};
  }

  // A password is known, and was given for another server: under another target's name, as another's, or for a user of another name. One that is new
  // is for one server, too: whoever adds a target of theirs while another's password is being changed gets nothing by that.
  Status ByPassword(const config::TargetSettings& settings, const Address& address, const Login& login, const std::vector<std::string>& former) {
    if (login.password.empty()) return {};
    const std::string key = "target-password/" + HexEncode(crypto::HmacSha256(shown_.Reveal(), AsBytes(login.password.Reveal())));
    auto known = known_.find(key);
    if (known == known_.end()) {
      REMIT_ASSIGN(Known read, Read(key, login.password, login.user));
      known = known_.emplace(key, std::move(read)).first;
    }
    std::set<std::string>& servers = known->second.servers;
    const bool meant = std::ranges::any_of(former, [&](const std::string& one) { return servers.contains(ServerOf(one)); });
    const bool of_before = login.settled && !known->second.noted;
    if (!servers.empty() && !servers.contains(address.server) && !meant && !of_before)
      return Moved(settings, login.file, Join({servers.begin(), servers.end()}, ", "), address.whole);
    if (servers.insert(address.server).second) known->second.changed = true;
    return {};
  }

  // Nothing is noted where anything is refused.
  Status Commit() {
    for (auto& [key, known] : known_)
      if (known.changed || !known.noted)
        batch_.writes.push_back(
            {store::Table::kMeta, key, json::Canonical(json::Object{{"servers", json::StringArray({known.servers.begin(), known.servers.end()})}})});
    if (batch_.writes.empty()) return {};
    REMIT_TRY(store_.CommitNow(std::move(batch_)));
    return {};
  }

 private:
  struct Known {
    std::set<std::string> servers;  // that it was given for
    bool noted = false;             // by a row of its own
    bool changed = false;
  };

  static std::unexpected<Error> Moved(const config::TargetSettings& settings, std::string_view file, const std::string& from, const std::string& to) {
    return Fail(Error(Code::kFailedPrecondition, "target-moved",
                      fmt::format("the password in target `{}`'s {} was given for {}, and is not sent to {}", settings.name, file, from, to))
                    .At(settings.place)
                    .Hint(fmt::format("put a new password into its {}; or, if it is the same server, add former_addresses = [\"{}\"]", file,
                                      from.find('/') == std::string::npos ? from + to.substr(to.rfind('/')) : from)));
  }

  std::string NamedCode(const std::string& name, const Login& login) const {
    const std::string text = name + '\0' + login.user + '\0' + std::string(login.password.Reveal());
    std::string code = HexEncode(crypto::HmacSha256(named_.Reveal(), AsBytes(text)));
    return code;
  }

  Result<Known> Read(const std::string& key, const Secret& password, const std::string& user) {
    Known known;
    REMIT_ASSIGN(const std::optional<std::string> row, store_.Get(store::Table::kMeta, key));
    known.noted = row.has_value();
    if (row) {
      REMIT_ASSIGN(const json::Value value, json::Parse(*row));
      const json::Value* servers = value.Find("servers");
      if (servers == nullptr || !servers->IsArray())
        return Fail(Code::kCorrupt, "store-corrupt", "a target's password has a row that cannot be read");
      for (const json::Value& one : servers->AsArray())
        if (one.IsString()) known.servers.insert(one.AsString());
      return known;
    }
    // What a server of before noted under a target's name, which may be another by now.
    REMIT_TRY(store_.Scan(store::Table::kMeta, "target/", [&](std::string_view name, std::string_view text) {
      const json::Value value = json::Parse(text).value_or(json::Value());
      const std::string *address = value.FindString("address"), *code = value.FindString("code");
      const Login login{"", "", user, password, false};
      if (address != nullptr && code != nullptr && *code == NamedCode(std::string(name.substr(7)), login)) known.servers.insert(ServerOf(*address));
      return true;
    }));
    return known;
  }

  store::Store& store_;
  const crypto::SymmetricKey named_, shown_;
  std::map<std::string, Known> known_;  // by the row's key
  store::Batch batch_;
};

}  // namespace

Status KeepTargetAddresses(store::Store& store, const crypto::MasterKey& master, const std::vector<config::TargetSettings>& targets, Time now) {
  Keeper keeper(store, master);
  for (const config::TargetSettings& settings : targets) {
    REMIT_ASSIGN(Place place, PlaceOf(settings));
    REMIT_TRY(keeper.ByName(place, now));
    for (const Login& login : place.logins) REMIT_TRY(keeper.ByPassword(settings, place.address, login, place.former));
  }
  return keeper.Commit();
}

Status KeepTargetPassword(store::Store& store, const crypto::MasterKey& master, const config::TargetSettings& target, std::string_view file,
                          const Secret& password) {
  REMIT_ASSIGN(const pg::ConnectOptions where, TargetAddress(target));
  Keeper keeper(store, master);
  const Login login{file, "", "", password, false};
  REMIT_TRY(keeper.ByPassword(target, AddressOf(where.host, where.port, where.database), login, FormerOf(target)));
  return keeper.Commit();
}

}  // namespace remit::cli
