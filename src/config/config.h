// remit.toml: what the server is told before it starts. One place, one error style: an unknown setting is an error with its line and a
// guess at what was meant, never ignored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "config/target_settings.h"

namespace remit::config {

struct Listen {
  std::string address = "127.0.0.1";             // IPv4 or IPv6 address; "" means no TCP at all
  std::uint16_t port = 7070;                     // 0: any free one
  std::string socket = "/run/remit/remit.sock";  // unix socket; "" means none
  std::string tls_certificate_file;              // PEM, with the chain; given together with the key, or not at all
  std::string tls_key_file;
  bool plaintext = false;  // lets an address other than loopback be served without TLS: a proxy in front has it

  bool tls() const { return !tls_certificate_file.empty(); }
  friend bool operator==(const Listen&, const Listen&) = default;
};

// Somebody outside who is told what happens: one [[webhook]] table.
struct Webhook {
  std::string name;                 // a-z, 0-9, - and _; its place in the ledger is kept under this name
  std::string url;                  // one of the two
  std::string url_file;             // a file of mode 0600 with the URL, where that is a secret itself
  std::string secret_file;          // the signing key, mode 0600: "whsec_" and base64
  std::vector<std::string> events;  // types, like "task.started" or "credential.*"; none: changes of state and waits for approval
  std::string form = "events";      // `template`: "events", "mail", "slack" or "teams"
  std::string ca_file;              // PEM; "": the system's
  std::string place;                // file:line:column, for errors

  friend bool operator==(const Webhook&, const Webhook&) = default;
};

struct Config {
  std::string data_dir = "/var/lib/remit";
  std::string master_key_file = "/etc/remit/master.key";  // outside data_dir: who copies the store must not have the key
  std::string anchor_file;                                // outside data_dir, and not on the same backup: AnchorFile() where it is empty
  std::string public_url;                                 // issuer: http(s)://host[:port][/path], no slash at the end; "" means PublicUrl()
  std::vector<std::string> catalogs;                      // folders that are loaded at start where the store has no catalog yet

  Listen listen;
  std::vector<std::string> allowed_hosts;    // Host headers beside that of PublicUrl(), exactly: "host" or "host:port"
  std::vector<std::string> allowed_origins;  // Origin headers beside that of PublicUrl(), exactly

  log::Level log_level = log::Level::kInfo;
  bool log_json = false;

  std::uint64_t store_reserve_bytes = 32u << 20;      // kept free so that ends fit on a full disk; 0 means none
  Duration sweep_interval = std::chrono::minutes(1);  // between sweeps of each target, 10 s to 5 minutes
  bool metrics = true;                                // GET /metrics

  std::vector<TargetSettings> targets;  // in the order of the file
  std::vector<Webhook> webhooks;        // likewise

  // The issuer: `public_url`, or what `listen` gives where it is empty.
  std::string PublicUrl() const;

  // `anchor_file`, or "anchor" in a folder beside data_dir: /var/lib/remit-anchor/anchor.
  std::string AnchorFile() const;

  friend bool operator==(const Config&, const Config&) = default;
};

// Reads a whole file. Relative paths in it are taken from the file's folder. `text` is TOML 1.0, at most limits::kConfigBytes.
// Errors, with "place:line:column":
//   `bad-config-syntax`   not TOML (a key that is given twice included)
//   `unknown-setting`     with the nearest known one as hint
//   `bad-setting`         of the wrong type or out of range, or settings that contradict each other
//   `config-too-large`
// Load also: `config-missing`.
Result<Config> Load(const std::string& path);
Result<Config> Parse(std::string_view text, std::string_view place);

// A commented remit.toml that says what `config` says (targets and webhooks apart: one of each is shown as a comment).
// Parse(DefaultToml(c)) == c for a config without them.
std::string DefaultToml(const Config& config = {});

}  // namespace remit::config
