// Files: all or nothing, within limits, private where they must be.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "io/files.h"

namespace remit::io {
namespace {

class Files : public testing::Test {
 protected:
  Files() {
    char name[] = "/tmp/remit_files_XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~Files() override { std::filesystem::remove_all(folder_); }
  std::string In(const std::string& name) const { return folder_ + "/" + name; }
  mode_t ModeOf(const std::string& path) const {
    struct stat status{};
    ::stat(path.c_str(), &status);
    return status.st_mode & 07777;
  }
  std::size_t Count() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator()));
  }
  std::string folder_;
};

TEST_F(Files, AreReadWholeUpToTheLimit) {
  for (const std::size_t size : {0u, 1u, 100u, 16384u, 16385u, 100'000u}) {
    const std::string content(size, 'x');
    ASSERT_TRUE(WriteFileAtomic(In("f"), content));
    EXPECT_EQ(ReadFile(In("f"), size).value(), content);
    EXPECT_EQ(ReadFile(In("f"), 1u << 20).value(), content);
    if (size > 0) {
      EXPECT_EQ(ReadFile(In("f"), size - 1).error().reason, "file-too-large");
    }
  }
  EXPECT_EQ(ReadFile(In("none"), 10).error().reason, "no-such-file");
  EXPECT_EQ(ReadFile(In("none"), 10).error().code, Code::kNotFound);
  EXPECT_EQ(ReadFile(folder_, 10).error().reason, "cannot-read-file");
  EXPECT_EQ(ReadFile("/dev/zero", 1000).error().reason, "file-too-large");
}

TEST_F(Files, AreReplacedWholeWithTheExactModeAndLeaveNothingBeside) {
  const mode_t before = ::umask(0077);
  ASSERT_TRUE(WriteFileAtomic(In("f"), "one", 0644));
  EXPECT_EQ(ModeOf(In("f")), 0644u);
  ::umask(0);
  ASSERT_TRUE(WriteFileAtomic(In("f"), "two", 0600));
  ::umask(before);
  EXPECT_EQ(ModeOf(In("f")), 0600u);
  EXPECT_EQ(ReadFile(In("f"), 10).value(), "two");
  EXPECT_EQ(Count(), 1u);
  EXPECT_EQ(WriteFileAtomic(In("no/such/folder"), "x").error().reason, "cannot-write-file");
  std::filesystem::create_directory(In("d"));
  EXPECT_EQ(WriteFileAtomic(In("d"), "x").error().reason, "cannot-write-file");
  EXPECT_EQ(Count(), 2u) << "a failed write leaves its new file behind";
}

TEST_F(Files, ReplaceALinkAndNotWhatItPointsTo) {
  ASSERT_TRUE(WriteFileAtomic(In("victim"), "precious"));
  ASSERT_EQ(::symlink(In("victim").c_str(), In("f").c_str()), 0);
  ASSERT_TRUE(WriteFileAtomic(In("f"), "new"));
  EXPECT_EQ(ReadFile(In("victim"), 100).value(), "precious");
  EXPECT_EQ(ReadFile(In("f"), 100).value(), "new");
}

TEST_F(Files, NewFilesNeverReplaceOthers) {
  ASSERT_TRUE(WriteNewFile(In("key"), "first", 0600));
  EXPECT_EQ(WriteNewFile(In("key"), "second", 0600).error().reason, "file-exists");
  EXPECT_EQ(ReadFile(In("key"), 100).value(), "first");
  EXPECT_EQ(Count(), 1u);
}

TEST_F(Files, WithSecretsAreReadOnlyIfNobodyElseCan) {
  ASSERT_TRUE(WriteFileAtomic(In("key"), "s3cret", 0600));
  EXPECT_EQ(ReadSecretFile(In("key"), 100).value().Reveal(), "s3cret");
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0610}) {
    ::chmod(In("key").c_str(), mode);
    const auto refused = ReadSecretFile(In("key"), 100);
    ASSERT_FALSE(refused) << mode;
    EXPECT_EQ(refused.error().reason, "file-not-private");
    EXPECT_EQ(refused.error().ToString().find("s3cret"), std::string::npos);
  }
  EXPECT_EQ(ReadSecretFile("/dev/null", 100).error().reason, "file-not-private");
}

TEST_F(Files, AreLockedByOneHolderWhoIsNamed) {
  auto lock = FileLock::Take(In("lock"));
  ASSERT_TRUE(lock);
  const auto second = FileLock::Take(In("lock"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, "locked");
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos) << second.error().message;
  { const FileLock gone = std::move(*lock); }
  EXPECT_TRUE(FileLock::Take(In("lock")));
}

TEST_F(Files, LocksEndWithTheirProcess) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const auto lock = FileLock::Take(In("lock"));
    [[maybe_unused]] const auto n = ::write(ready[1], lock ? "y" : "n", 1);
    ::pause();
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  EXPECT_EQ(FileLock::Take(In("lock")).error().reason, "locked");
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  EXPECT_TRUE(FileLock::Take(In("lock")));
  ::close(ready[0]), ::close(ready[1]);
}

TEST(Fd, IsOwnedByOne) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  Fd a(ends[0]), b(ends[1]);
  Fd c = std::move(a);
  EXPECT_FALSE(a);
  c = std::move(b);  // closes what c had
  EXPECT_EQ(::fcntl(ends[0], F_GETFD), -1);
  EXPECT_EQ(c.get(), ends[1]);
  c.Close();
  EXPECT_EQ(::fcntl(ends[1], F_GETFD), -1);
}

}  // namespace
}  // namespace remit::io
