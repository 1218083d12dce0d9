#include "cli/serve/machine.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace remit::cli {
namespace {

constexpr std::uint64_t kMiB = 1u << 20, kGiB = 1u << 30;

std::string StatusOf(std::uint64_t free_bytes, std::uint64_t all, std::uint64_t wanted, std::uint64_t reserve) {
  return *json::Value(DiskFinding(free_bytes, all, wanted, reserve)).FindString("status");
}

TEST(Machine, SaysHowFullTheDiskIs) {
  EXPECT_EQ(StatusOf(10 * kGiB, 100 * kGiB, 32 * kMiB, 32 * kMiB), "ok");
  EXPECT_EQ(StatusOf(kGiB, 100 * kGiB, 32 * kMiB, 32 * kMiB), "warning") << "a hundredth";
  EXPECT_EQ(StatusOf(100 * kMiB, kGiB, 32 * kMiB, 32 * kMiB), "warning");
  EXPECT_EQ(StatusOf(10 * kGiB, 100 * kGiB, 32 * kMiB, 31 * kMiB), "error") << "the reserve is in use";
  EXPECT_EQ(StatusOf(10 * kGiB, 100 * kGiB, 0, 0), "ok") << "none is wanted";
}

TEST(Machine, FindsAKeyThatOthersReadAndOneThatIsGone) {
  ::unsetenv("CREDENTIALS_DIRECTORY");
  char name[] = "/tmp/remit_machine_XXXXXX";
  const std::string folder = ::mkdtemp(name);
  config::Config config;
  config.data_dir = folder;
  config.master_key_file = folder + "/master.key";
  config.store_reserve_bytes = 0;
  const auto of_key = [&] {
    const json::Value findings = CheckMachine(config, false);
    for (const json::Value& one : findings.AsArray())
      if (*one.FindString("check") == "master-key") return *one.FindString("status");
    return std::string();
  };
  EXPECT_EQ(of_key(), "error");
  std::fclose(std::fopen(config.master_key_file.c_str(), "w"));
  std::filesystem::permissions(config.master_key_file, std::filesystem::perms(0600));
  EXPECT_EQ(of_key(), "ok");
  std::filesystem::permissions(config.master_key_file, std::filesystem::perms(0640));
  EXPECT_EQ(of_key(), "error");
  config.data_dir = folder + "/nowhere";
  EXPECT_EQ(*CheckMachine(config, false).AsArray().front().FindString("status"), "error");
  EXPECT_EQ(*CheckMachine(config, true).AsArray().front().FindString("status"), "warning") << "nothing of a throw-away server lasts";
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace remit::cli
