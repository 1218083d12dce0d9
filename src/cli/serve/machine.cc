#include "cli/serve/machine.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"

namespace remit::cli {
namespace {

json::Object Say(std::string_view check, std::string_view status, std::string what, std::string hint = "") {
  json::Object finding{{"check", check}, {"status", status}, {"what", std::move(what)}};
  if (!hint.empty()) finding.Set("hint", std::move(hint));
  return finding;
}

json::Object Disk(const config::Config& config) {
  struct statvfs disk{};
  if (statvfs(config.data_dir.c_str(), &disk) != 0)
    return Say("disk", "error", fmt::format("cannot look at `{}`: {}", config.data_dir, std::strerror(errno)));
  struct stat reserve{};
  const std::string file = config.data_dir + "/remit.db-reserve";
  const bool there = stat(file.c_str(), &reserve) == 0;
  return DiskFinding(std::uint64_t{disk.f_bavail} * disk.f_frsize, std::uint64_t{disk.f_blocks} * disk.f_frsize, config.store_reserve_bytes,
                     there ? static_cast<std::uint64_t>(reserve.st_size) : 0);
}

json::Object MasterKeyFile(const config::Config& config) {
  if (const char* credentials = std::getenv("CREDENTIALS_DIRECTORY"))
    if (access((std::string(credentials) + "/master.key").c_str(), F_OK) == 0) return Say("master-key", "ok", "a systemd credential");
  struct stat info{};
  if (stat(config.master_key_file.c_str(), &info) != 0)
    return Say("master-key", "error", fmt::format("`{}` is not there any more: the server will not start again", config.master_key_file),
               "put the copy that you kept back");
  if ((info.st_mode & 077) != 0 || (info.st_uid != geteuid() && info.st_uid != 0))
    return Say("master-key", "error",
               fmt::format("`{}` may be read by others (mode {:04o}, uid {})", config.master_key_file, info.st_mode & 07777u, info.st_uid),
               fmt::format("chmod 600 {}", config.master_key_file));
  return Say("master-key", "ok", fmt::format("`{}`, for its owner alone; is there a copy elsewhere?", config.master_key_file));
}

json::Object MachineClock() {
  struct timex state{};
  const int answer = ntp_adjtime(&state);
  if (answer < 0) return Say("clock", "ok", "the kernel does not say whether it is synchronised");
  if (answer == TIME_ERROR || (state.status & STA_UNSYNC) != 0)
    return Say("clock", "warning", "nothing keeps this machine's clock right",
               "run chrony or systemd-timesyncd: others compare the times in tokens with theirs");
  return Say("clock", "ok", "synchronised");
}

}  // namespace

json::Object DiskFinding(std::uint64_t free_bytes, std::uint64_t all_bytes, std::uint64_t wanted_reserve, std::uint64_t reserve) {
  const std::string free_text = fmt::format("{} MiB of {} MiB are free", free_bytes >> 20, all_bytes >> 20);
  if (reserve < wanted_reserve)
    return Say("disk", "error",
               fmt::format("{}, and of the {} MiB that are kept for ends {} are left: only ends are written", free_text, wanted_reserve >> 20,
                           reserve >> 20),
               "make room; it goes on by itself");
  if (free_bytes < 2 * wanted_reserve || free_bytes < (256u << 20) || free_bytes < all_bytes / 50)
    return Say("disk", "warning", free_text, "make room, before only ends are written");
  return Say("disk", "ok", fmt::format("{}, and {} MiB are kept for ends", free_text, reserve >> 20));
}

json::Value CheckMachine(const config::Config& config, bool throw_away) {
  json::Array findings;
  if (throw_away) {
    findings.push_back(
        Say("store", "warning", "everything is in memory and gone when the server stops", "this is `remit dev`: use `remit init` and `remit serve`"));
  } else {
    findings.push_back(Disk(config));
    findings.push_back(MasterKeyFile(config));
  }
  findings.push_back(MachineClock());
  if (!config.listen.tls() && config.listen.plaintext)
    findings.push_back(Say("listen", "warning", fmt::format("{}:{} is served without TLS (`plaintext`)", config.listen.address, config.listen.port),
                           "is there a proxy with TLS before it?"));
  return findings;
}

}  // namespace remit::cli
