// The commented remit.toml that `remit init` writes: every setting, with its value and what it is for.
#include <string>
#include <vector>

#include <fmt/format.h>

#include "config/config.h"

namespace remit::config {
namespace {

// A TOML basic string.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += '\\', out += c;
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out + "\"";
}

std::string Quoted(const std::vector<std::string>& strings) {
  std::string out = "[";
  for (const std::string& text : strings) out += (out.size() > 1 ? ", " : "") + Quoted(text);
  return out + "]";
}

std::string_view LevelName(log::Level level) {
  switch (level) {
    case log::Level::kDebug: return "debug";
    case log::Level::kInfo: return "info";
    case log::Level::kWarn: return "warn";
    case log::Level::kError: return "error";
    case log::Level::kOff: return "off";
  }
  return "info";
}

}  // namespace

std::string DefaultToml(const Config& c) {
  std::string out;
  const auto line = [&out](std::string_view text) { (out += text) += '\n'; };
  const auto set = [&out](std::string_view name, std::string_view value) { out += fmt::format("{} = {}\n", name, value); };
  const auto truth = [](bool b) { return b ? "true" : "false"; };

  line("# Remit's configuration. Relative paths are taken from this file's folder. A setting that is left out has the value shown by");
  line("# `remit init`; one that Remit does not know is an error, with its line.");
  line("");
  line("# The store: tasks, credentials, the ledger. Only one server at a time may use it.");
  set("data_dir", Quoted(c.data_dir));
  line("");
  line("# 32 random bytes, mode 0600, outside data_dir. Everything secret in the store is sealed under this key: without it nothing can be");
  line("# read again, so keep a copy where the store's backups are not.");
  set("master_key_file", Quoted(c.master_key_file));
  line("");
  line("# What the ledger was a moment ago, so that an old copy of the store is known for what it is. Outside data_dir, and not restored with it.");
  line("# Empty: `anchor` in a folder beside data_dir, with its name and `-anchor`.");
  set("anchor_file", Quoted(c.anchor_file));
  line("");
  line("# What others call this server: the issuer in tokens. Empty: made from `listen`.");
  set("public_url", Quoted(c.public_url));
  line("");
  line("# Folders with task types that a new store starts with. Later: `remit catalog load`.");
  set("catalogs", Quoted(c.catalogs));
  line("");
  line("[listen]");
  line("# An IP address; \"\" for none. Port 0 takes any free one.");
  set("address", Quoted(c.listen.address));
  set("port", std::to_string(c.listen.port));
  line("# The unix socket for local actors, told apart by their uid; \"\" for none.");
  set("socket", Quoted(c.listen.socket));
  line("# PEM files: the certificate with its chain, and its key. Both or neither.");
  set("tls_certificate_file", Quoted(c.listen.tls_certificate_file));
  set("tls_key_file", Quoted(c.listen.tls_key_file));
  line("# An address other than loopback needs TLS. true lets it be served without: only behind a proxy that has TLS.");
  set("plaintext", truth(c.listen.plaintext));
  line("");
  line("[http]");
  line("# Names under which this server may be asked, beside that of public_url: \"host\" or \"host:port\", exactly as in the Host header.");
  set("allowed_hosts", Quoted(c.allowed_hosts));
  line("# Web pages that may talk to it, beside its own console: \"https://host\", exactly as in the Origin header.");
  set("allowed_origins", Quoted(c.allowed_origins));
  line("");
  line("[log]");
  line("# To stderr: debug, info, warn, error or off; as text or json.");
  set("level", Quoted(LevelName(c.log_level)));
  set("format", Quoted(c.log_json ? "json" : "text"));
  line("");
  line("[store]");
  line("# Kept free so that tasks can be ended on a full disk; \"0B\" for none.");
  set("reserve", Quoted(FormatSize(c.store_reserve_bytes)));
  line("");
  line("[sweep]");
  line("# How often each target is compared with the ledger, for what a crash left behind.");
  set("interval", Quoted(FormatDuration(c.sweep_interval)));
  line("");
  line("[metrics]");
  line("# GET /metrics, for Prometheus.");
  set("enabled", truth(c.metrics));
  line("");
  line("# A target is a system where tasks get credentials: one table each. `remit target init` says what the target itself needs.");
  line("# `superuser` is for `remit offboard` alone, which takes away what an actor's accounts hold there; without it that is named, and stays.");
  line("#");
  line("# [targets.orders]");
  line("# type = \"postgres\"");
  line("# host = \"db.example\"");
  line("# port = 5432");
  line("# database = \"orders\"");
  line("# user = \"remit\"");
  line("# password_file = \"orders.password\"");
  line("# sslmode = \"verify-full\"");
  line("# tables = [\"public.invoices\", \"public.customers:select,update\"]");
  line("# superuser = \"remit_offboard\"");
  line("# superuser_password_file = \"orders.superuser\"");
  line("");
  line("# A webhook is somebody outside who is told what happens, by signed messages: one table each.");
  line("#");
  line("# [[webhook]]");
  line("# name = \"duty\"");
  line("# url = \"https://hooks.example/remit\"");
  line("# secret_file = \"duty.secret\"");
  line("# template = \"events\"");
  return out;
}

}  // namespace remit::config
