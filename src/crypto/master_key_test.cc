// The master key is read from a file that nobody else can reach, or not at all.
#include "crypto/master_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace remit::crypto {
namespace {

class MasterKeyFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/remit-master-key-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ + "/master.key";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Write(std::size_t size, mode_t mode) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << std::string(size, 'k');
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
  }
  std::string Refusal() { return MasterKey::ReadFile(path_).error().reason; }

  std::string folder_, path_;
  SystemRng rng_;
};

TEST_F(MasterKeyFile, IsMadeOnceAndReadAgain) {
  const MasterKey made = MasterKey::CreateFile(path_, rng_).value();
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(info.st_size, 32);
  const MasterKey read = MasterKey::ReadFile(path_).value();
  EXPECT_EQ(read.id(), made.id());
  EXPECT_EQ(HexEncode(read.Derive("x").Reveal()), HexEncode(made.Derive("x").Reveal()));
  EXPECT_EQ(MasterKey::CreateFile(path_, rng_).error().reason, "master-key-exists");
  EXPECT_EQ(MasterKey::ReadFile(path_)->id(), made.id());
}

TEST_F(MasterKeyFile, IsNeverWrittenThroughALink) {
  ASSERT_EQ(::symlink((folder_ + "/elsewhere").c_str(), path_.c_str()), 0);
  EXPECT_EQ(MasterKey::CreateFile(path_, rng_).error().reason, "master-key-exists");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/elsewhere"));
}

TEST_F(MasterKeyFile, OfAModeThatLetsOthersReadIsRefused) {
  for (const mode_t mode : {0644u, 0640u, 0660u, 0604u, 0700u, 01600u, 0601u}) {
    Write(32, mode);
    EXPECT_EQ(Refusal(), "master-key-unsafe") << std::oct << mode;
  }
  for (const mode_t mode : {0600u, 0400u}) {
    Write(32, mode);
    EXPECT_TRUE(MasterKey::ReadFile(path_).has_value()) << std::oct << mode;
  }
  Write(32, 0440);  // as systemd leaves a credential that it opened to the service by an access list
  EXPECT_TRUE(MasterKey::ReadSystemdCredential(path_).has_value());
  Write(32, 0444);
  EXPECT_FALSE(MasterKey::ReadSystemdCredential(path_).has_value());
}

TEST_F(MasterKeyFile, OfAnotherUserIsRefused) {
  Write(32, 0600);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(path_.c_str(), 65534, 65534), 0);
    EXPECT_EQ(Refusal(), "master-key-unsafe");
  } else {
    EXPECT_EQ(MasterKey::ReadFile("/etc/shadow").has_value(), false);
  }
}

TEST_F(MasterKeyFile, OfAnotherSizeIsRefused) {
  for (const std::size_t size : {0u, 1u, 31u, 33u, 44u, 4096u}) {
    Write(size, 0600);
    const Error error = MasterKey::ReadFile(path_).error();
    EXPECT_EQ(error.reason, "master-key-malformed") << size;
    EXPECT_EQ(error.place, path_);
  }
}

TEST_F(MasterKeyFile, ThatIsNoFileIsRefused) {
  EXPECT_EQ(Refusal(), "master-key-missing");
  EXPECT_EQ(MasterKey::ReadFile(folder_).error().reason, "master-key-unsafe");
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(Refusal(), "master-key-unsafe");  // and does not wait for a writer
  EXPECT_EQ(MasterKey::CreateFile(folder_ + "/none/master.key", rng_).error().reason, "master-key-unwritable");
}

TEST(MasterKey, HasAnIdThatSaysNothingAndKeysForEachPurpose) {
  const MasterKey a = MasterKey::FromBytes(Bytes(32, 1)).value(), b = MasterKey::FromBytes(Bytes(32, 2)).value();
  EXPECT_EQ(a.id().size(), 16u);
  EXPECT_NE(a.id(), b.id());
  EXPECT_NE(HexEncode(a.Derive("x").Reveal()), HexEncode(a.Derive("y").Reveal()));
  EXPECT_NE(HexEncode(a.Derive("x").Reveal()), HexEncode(b.Derive("x").Reveal()));
}

}  // namespace
}  // namespace remit::crypto
