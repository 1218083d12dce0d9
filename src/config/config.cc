// Reading remit.toml. toml++ gives tables and places; what they must hold is said here, a line for each setting.
#include "config/config.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/limits.h"
#include "base/text.h"

namespace remit::config {
namespace {

// One table: settings are taken by name and type; the first error sticks, and what nobody took is unknown.
class TableReader {
 public:
  TableReader(const toml::table& table, std::string_view file, std::string_view name) : table_(table), file_(file), name_(name) {}

  void Take(std::string_view key, std::string& out) {
    if (const auto* node = Get(key)) Typed(key, *node, node->value_exact<std::string>(), "a string", out);
  }
  void Take(std::string_view key, bool& out) {
    if (const auto* node = Get(key)) Typed(key, *node, node->value_exact<bool>(), "true or false", out);
  }
  void Take(std::string_view key, std::uint16_t& out) {
    std::int64_t number = out;
    const auto* node = Get(key);
    if (node == nullptr) return;
    Typed(key, *node, node->value_exact<std::int64_t>(), "a number", number);
    if (number < 0 || number > std::numeric_limits<std::uint16_t>::max()) return Refuse(key, "must be from 0 to 65535");
    out = static_cast<std::uint16_t>(number);
  }
  void Take(std::string_view key, std::vector<std::string>& out) {
    const auto* node = Get(key);
    if (node == nullptr) return;
    const auto strings = Strings(*node);
    Typed(key, *node, strings, "an array of strings", out);
  }
  // A string that `parse` understands.
  template <class T, class Parse>
  void TakeParsed(std::string_view key, T& out, Parse parse) {
    std::string text;
    Take(key, text);
    if (error_ || Peek(key) == nullptr) return;
    const auto value = parse(text);
    if (!value) {
      Refuse(key, fmt::format("is wrong: {}", value.error().message), value.error().hint);
      return;
    }
    out = static_cast<T>(*value);
  }
  // Says that the setting is taken care of.
  void Know(std::string_view key) { known_.emplace_back(key); }
  // An array of tables, [[key]]; empty where there is none.
  std::vector<const toml::table*> TakeTables(std::string_view key) {
    std::vector<const toml::table*> tables;
    const auto* node = Get(key);
    if (node == nullptr) return tables;
    if (const toml::array* array = node->as_array(); array != nullptr)
      for (const toml::node& element : *array)
        if (element.is_table()) tables.push_back(element.as_table());
    if (!node->is_array() || tables.size() != node->as_array()->size()) Refuse(key, fmt::format("must be tables: write [[{}]]", FullName(key)));
    return tables;
  }
  // A table within; null where there is none.
  const toml::table* TakeTable(std::string_view key) {
    const auto* node = Get(key);
    if (node != nullptr && !node->is_table()) Refuse(key, fmt::format("must be a table: write [{}]", FullName(key)));
    return node != nullptr ? node->as_table() : nullptr;
  }

  void Refuse(std::string_view key, std::string message, std::string hint = {}) {
    if (error_) return;
    const auto* node = Peek(key);
    error_ = Error(Code::kInvalidArgument, "bad-setting", fmt::format("setting `{}` {}", FullName(key), message))
                 .At(Place(node != nullptr ? node->source() : table_.source()));
    error_->hint = std::move(hint);
  }

  Status Finish() {
    if (error_) return std::unexpected(*error_);
    for (const auto& [key, node] : table_) {
      if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
      Error error(Code::kInvalidArgument, "unknown-setting", fmt::format("unknown setting `{}`", FullName(EscapeControl(key.str()))));
      if (const std::string near = Nearest(key.str(), known_); !near.empty()) error.hint = fmt::format("did you mean `{}`?", FullName(near));
      return Fail(std::move(error).At(Place(key.source())));
    }
    return {};
  }

  std::string Place(const toml::source_region& region) const { return fmt::format("{}:{}:{}", file_, region.begin.line, region.begin.column); }

  static std::optional<std::vector<std::string>> Strings(const toml::node& node) {
    if (!node.is_array()) return std::nullopt;
    std::vector<std::string> out;
    for (const toml::node& element : *node.as_array()) {
      const auto text = element.value_exact<std::string>();
      if (!text) return std::nullopt;
      out.push_back(*text);
    }
    return out;
  }

 private:
  const toml::node* Peek(std::string_view key) const { return table_.get(key); }
  const toml::node* Get(std::string_view key) {
    known_.emplace_back(key);
    return Peek(key);
  }
  std::string FullName(std::string_view key) const { return name_.empty() ? std::string(key) : fmt::format("{}.{}", name_, key); }

  template <class T>
  void Typed(std::string_view key, const toml::node&, const std::optional<T>& value, std::string_view expected, T& out) {
    if (value)
      out = *value;
    else
      Refuse(key, fmt::format("must be {}", expected));
  }

  const toml::table& table_;
  std::string_view file_;
  std::string name_;
  std::vector<std::string> known_;
  std::optional<Error> error_;
};

bool IsAddress(const std::string& text, bool& loopback) {
  in_addr v4{};
  in6_addr v6{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    loopback = (ntohl(v4.s_addr) >> 24) == 127;
    return true;
  }
  loopback = ::inet_pton(AF_INET6, text.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
  return ::inet_pton(AF_INET6, text.c_str(), &v6) == 1;
}

// RFC 8414 §2: a URL without query and fragment; and no slash at the end, since issuers are compared as strings.
bool IsIssuer(std::string_view url) {
  const bool https = url.starts_with("https://"), http = url.starts_with("http://");
  const std::string_view rest = url.substr(https ? 8 : http ? 7 : 0);
  return (https || http) && !rest.empty() && rest.front() != '/' && rest.back() != '/' && std::all_of(rest.begin(), rest.end(), [](char c) {
           return c > ' ' && c < '\x7f' && std::string_view("?#\"<>\\^`{|}@").find(c) == std::string_view::npos;
         });
}

// As the paths are written: links are not followed, since the files may not be there yet.
bool LiesIn(std::string_view path, std::string_view folder) {
  const auto normal = [](std::string_view p) { return (std::filesystem::path("/") / p).lexically_normal().string(); };
  std::string within = normal(folder);
  if (within.back() != '/') within += '/';
  return normal(path).starts_with(within);
}

bool IsTargetName(std::string_view name) {
  return !name.empty() && name.size() <= 63 &&
         std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
}

Status ReadListen(const toml::table& table, std::string_view file, Listen& out) {
  TableReader r(table, file, "listen");
  r.Take("address", out.address);
  r.Take("port", out.port);
  r.Take("socket", out.socket);
  r.Take("tls_certificate_file", out.tls_certificate_file);
  r.Take("tls_key_file", out.tls_key_file);
  r.Take("plaintext", out.plaintext);
  bool loopback = false;
  if (!out.address.empty() && !IsAddress(out.address, loopback))
    r.Refuse("address", fmt::format("is `{}`, which is not an IP address", EscapeControl(out.address)));
  if (out.address.empty() && out.socket.empty()) r.Refuse("address", "and `listen.socket` are both empty: nobody could reach the server");
  if (out.tls_certificate_file.empty() != out.tls_key_file.empty())
    r.Refuse(out.tls_key_file.empty() ? "tls_certificate_file" : "tls_key_file", "needs the other of certificate and key",
             "give both files, or neither");
  if (!out.address.empty() && !loopback && !out.tls() && !out.plaintext)
    r.Refuse("address", fmt::format("is `{}`: tokens would cross the network in the clear", out.address),
             "set `listen.tls_certificate_file` and `listen.tls_key_file`, or `listen.plaintext = true` behind a proxy that has TLS");
  return r.Finish();
}

Status ReadHttp(const toml::table& table, std::string_view file, Config& out) {
  TableReader r(table, file, "http");
  r.Take("allowed_hosts", out.allowed_hosts);
  r.Take("allowed_origins", out.allowed_origins);
  for (const std::string& host : out.allowed_hosts)
    if (host.empty() || host.find_first_of("/*, \t") != std::string::npos || !IsVisible(host))
      r.Refuse("allowed_hosts", fmt::format("holds `{}`, and must hold hosts like \"remit.example:7070\"", EscapeControl(host)));
  for (const std::string& origin : out.allowed_origins)
    if (!IsIssuer(origin) || std::count(origin.begin(), origin.end(), '/') != 2 || origin.find('*') != std::string::npos)
      r.Refuse("allowed_origins", fmt::format("holds `{}`, and must hold origins like \"https://console.example\"", EscapeControl(origin)));
  return r.Finish();
}

Status ReadLog(const toml::table& table, std::string_view file, Config& out) {
  TableReader r(table, file, "log");
  std::string format = out.log_json ? "json" : "text";
  r.TakeParsed("level", out.log_level, log::ParseLevel);
  r.Take("format", format);
  if (format != "text" && format != "json") r.Refuse("format", "must be \"text\" or \"json\"");
  out.log_json = format == "json";
  return r.Finish();
}

Status ReadStore(const toml::table& table, std::string_view file, Config& out) {
  TableReader r(table, file, "store");
  r.TakeParsed("reserve", out.store_reserve_bytes, ParseSize);
  if (out.store_reserve_bytes > (std::uint64_t{16} << 30)) r.Refuse("reserve", "must be at most 16GiB");
  return r.Finish();
}

Status ReadSweep(const toml::table& table, std::string_view file, Config& out) {
  TableReader r(table, file, "sweep");
  r.TakeParsed("interval", out.sweep_interval, ParseDuration);
  // Targets forget what ended a quarter of an hour ago; until then a sweep ends sessions that turned up late.
  if (out.sweep_interval < std::chrono::seconds(10) || out.sweep_interval > std::chrono::minutes(5)) r.Refuse("interval", "must be from 10s to 5m");
  return r.Finish();
}

Status ReadMetrics(const toml::table& table, std::string_view file, Config& out) {
  TableReader r(table, file, "metrics");
  r.Take("enabled", out.metrics);
  return r.Finish();
}

// A target's tables have settings that only its own room knows: plain values are kept as they are.
Result<TargetSettings> ReadTarget(const toml::table& table, std::string_view file, const std::string& name) {
  TargetSettings out;
  out.name = name;
  TableReader r(table, file, "targets." + name);
  out.place = r.Place(table.source());
  r.Take("type", out.type);
  if (!IsTargetName(name))
    return Fail(
        Error(Code::kInvalidArgument, "bad-setting", fmt::format("target name `{}` has characters other than a-z, 0-9, - and _", EscapeControl(name)))
            .At(out.place));
  if (out.type.empty()) r.Refuse("type", "must be given, like \"postgres\"");
  for (const auto& [key, node] : table) {
    const std::string setting(key.str());
    if (setting == "type") continue;
    Setting value{{}, r.Place(node.source())};
    if (const auto text = node.value_exact<std::string>())
      value.value = *text;
    else if (const auto number = node.value_exact<std::int64_t>())
      value.value = *number;
    else if (const auto truth = node.value_exact<bool>())
      value.value = *truth;
    else if (const auto strings = TableReader::Strings(node))
      value.value = *strings;
    else
      r.Refuse(setting, "must be a string, a whole number, true or false, or an array of strings");
    out.settings.emplace(setting, std::move(value));
    r.Know(setting);
  }
  REMIT_TRY(r.Finish());
  return out;
}

Status ReadTargets(const toml::table& table, std::string_view file, Config& out) {
  TableReader r(table, file, "targets");
  using Position = std::pair<std::uint32_t, std::uint32_t>;
  std::vector<std::pair<Position, TargetSettings>> found;  // toml++ sorts by name; people's order is that of the file
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const toml::table* target = r.TakeTable(name);
    if (target == nullptr) break;
    REMIT_ASSIGN(TargetSettings settings, ReadTarget(*target, file, name));
    const toml::source_position at = target->source().begin;
    found.emplace_back(Position(at.line, at.column), std::move(settings));
  }
  REMIT_TRY(r.Finish());
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [at, settings] : found) out.targets.push_back(std::move(settings));
  return {};
}

Status ReadWebhook(const toml::table& table, std::string_view file, Config& out) {
  Webhook webhook;
  TableReader r(table, file, "webhook");
  webhook.place = r.Place(table.source());
  r.Take("name", webhook.name);
  r.Take("url", webhook.url);
  r.Take("url_file", webhook.url_file);
  r.Take("secret_file", webhook.secret_file);
  r.Take("events", webhook.events);
  r.Take("template", webhook.form);
  r.Take("ca_file", webhook.ca_file);
  if (!IsTargetName(webhook.name)) r.Refuse("name", "must be given, of a-z, 0-9, - and _");
  for (const Webhook& other : out.webhooks)
    if (other.name == webhook.name) r.Refuse("name", fmt::format("is `{}`, and so is another webhook's", webhook.name));
  if (webhook.url.empty() == webhook.url_file.empty()) r.Refuse("url", "or `webhook.url_file` must be given, one of the two");
  if (webhook.secret_file.empty())
    r.Refuse("secret_file", "must be given: messages are signed", "echo \"whsec_$(openssl rand -base64 32)\" > FILE; chmod 600 FILE");
  REMIT_TRY(r.Finish());
  out.webhooks.push_back(std::move(webhook));
  return {};
}

Result<Config> ReadConfig(const toml::table& root, std::string_view file) {
  Config out;
  TableReader r(root, file, "");
  r.Take("data_dir", out.data_dir);
  r.Take("master_key_file", out.master_key_file);
  r.Take("anchor_file", out.anchor_file);
  r.Take("public_url", out.public_url);
  r.Take("catalogs", out.catalogs);
  if (out.data_dir.empty()) r.Refuse("data_dir", "must not be empty");
  if (out.master_key_file.empty()) r.Refuse("master_key_file", "must not be empty");
  if (!out.public_url.empty() && !IsIssuer(out.public_url))
    r.Refuse("public_url",
             fmt::format("is `{}`: it must be a http(s) URL without query, fragment and slash at its end", EscapeControl(out.public_url)));
  const auto section = [&](std::string_view name, auto read, auto& target) -> Status {
    const toml::table* table = r.TakeTable(name);
    return table != nullptr ? read(*table, file, target) : Status();
  };
  REMIT_TRY(section("listen", ReadListen, out.listen));
  REMIT_TRY(section("http", ReadHttp, out));
  REMIT_TRY(section("log", ReadLog, out));
  REMIT_TRY(section("store", ReadStore, out));
  REMIT_TRY(section("sweep", ReadSweep, out));
  REMIT_TRY(section("metrics", ReadMetrics, out));
  REMIT_TRY(section("targets", ReadTargets, out));
  const std::vector<const toml::table*> webhooks = r.TakeTables("webhook");
  if (webhooks.size() > limits::kWebhooks) r.Refuse("webhook", fmt::format("is there more than {} times", limits::kWebhooks));
  for (const toml::table* webhook : webhooks) REMIT_TRY(ReadWebhook(*webhook, file, out));
  if (out.public_url.starts_with("http://") && out.listen.tls()) r.Refuse("public_url", "begins with http:, and the server has TLS");
  if (LiesIn(out.master_key_file, out.data_dir))
    r.Refuse("master_key_file", "lies in `data_dir`: whoever copies the store would have its key", "keep it elsewhere, like /etc/remit/master.key");
  if (!out.anchor_file.empty() && LiesIn(out.anchor_file, out.data_dir))
    r.Refuse("anchor_file", "lies in `data_dir`: it would be restored together with the store, and show nothing", "keep it elsewhere");
  REMIT_TRY(r.Finish());
  return out;
}

void TakePathsFrom(const std::string& folder, Config& config) {
  for (std::string* path :
       {&config.data_dir, &config.master_key_file, &config.listen.socket, &config.listen.tls_certificate_file, &config.listen.tls_key_file})
    *path = PathFrom(folder, *path);
  if (!config.anchor_file.empty()) config.anchor_file = PathFrom(folder, config.anchor_file);
  for (std::string& catalog : config.catalogs) catalog = PathFrom(folder, catalog);
  for (TargetSettings& target : config.targets) target.folder = folder;
  for (Webhook& webhook : config.webhooks)
    for (std::string* path : {&webhook.url_file, &webhook.secret_file, &webhook.ca_file}) *path = PathFrom(folder, *path);
}

}  // namespace

std::string Config::PublicUrl() const {
  if (!public_url.empty()) return public_url;
  const bool v6 = listen.address.find(':') != std::string::npos;
  const std::string host = listen.address.empty() ? "localhost" : v6 ? "[" + listen.address + "]" : listen.address;
  return fmt::format("{}://{}:{}", listen.tls() ? "https" : "http", host, listen.port);
}

std::string Config::AnchorFile() const {
  if (!anchor_file.empty()) return anchor_file;
  std::string folder = data_dir;
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  return folder + "-anchor/anchor";
}

Result<Config> Parse(std::string_view text, std::string_view place) {
  if (text.size() > limits::kConfigBytes)
    return Fail(Error(Code::kResourceExhausted, "config-too-large", fmt::format("the file has more than {} bytes", limits::kConfigBytes))
                    .At(std::string(place)));
  try {
    const toml::table root = toml::parse(text);
    return ReadConfig(root, place);
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    return Fail(Error(Code::kInvalidArgument, "bad-config-syntax", fmt::format("not TOML: {}", EscapeControl(error.description())))
                    .At(fmt::format("{}:{}:{}", place, at.line, at.column)));
  }
}

Result<Config> Load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(limits::kConfigBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad())
    return Fail(Error(Code::kNotFound, "config-missing", fmt::format("cannot read the configuration: {}", std::strerror(errno)))
                    .At(path)
                    .Hint("say which with --config FILE; `remit init` writes one"));
  text.resize(static_cast<std::size_t>(file.gcount()));
  REMIT_ASSIGN(Config config, Parse(text, path));
  std::error_code ec;
  TakePathsFrom(std::filesystem::absolute(path, ec).parent_path().string(), config);
  return config;
}

}  // namespace remit::config
