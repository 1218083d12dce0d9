// Which commit a name means, in a repository that somebody else may push into.
#include "cli/sources/git.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace remit::cli {
namespace {

class GitRepository : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/remit_git_XXXXXX";
    folder_ = ::mkdtemp(name);
    Git("init -q -b main");
    Commit("good");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Git(const std::string& arguments) const {
    const std::string command =
        fmt::format("cd {0} && HOME={0} GIT_CONFIG_NOSYSTEM=1 git -c user.name=t -c user.email=t@example -c advice.detachedHead=false {1} >said 2>&1",
                    folder_, arguments);
    ASSERT_EQ(std::system(command.c_str()), 0) << command << "\n" << std::ifstream(folder_ + "/said").rdbuf();
  }
  void Commit(const std::string& text) const {
    std::ofstream(folder_ + "/facts.json") << text;
    Git("add facts.json");
    Git("commit -q -m " + text);
  }
  // What is read, or the reason why nothing is.
  std::string Read(const std::string& ref) const {
    const Result<GitFiles> read = FetchFromGit({"file://" + folder_, ref, "facts.json"}, "");
    return read ? read->files.at(0).text : read.error().reason;
  }
  std::string Id() const { return FetchFromGit({"file://" + folder_, "HEAD", "facts.json"}, "").value().commit; }

  std::string folder_;
};

// Git itself would look among the tags first.
TEST_F(GitRepository, ATagDoesNotStandInForABranchNorABranchForATag) {
  EXPECT_EQ(Read("main"), "good");
  Git("checkout -q -b other");
  Commit("evil");
  Git("tag main");
  EXPECT_EQ(Read("main"), "ambiguous-source");
  EXPECT_EQ(Read("refs/heads/main"), "good");
  EXPECT_EQ(Read("refs/tags/main"), "evil");
  Git("tag -d main");
  EXPECT_EQ(Read("main"), "good");
  Git("tag -a v1 -m v1 main");
  EXPECT_EQ(Read("v1"), "good");
  Git("branch v1 other");
  EXPECT_EQ(Read("v1"), "ambiguous-source");
  EXPECT_EQ(Read("refs/tags/v1"), "good");
}

// Nor a tag that is called by the whole name of a branch, which Git would take once that is not there, or that only ends like it.
TEST_F(GitRepository, ANameInFullIsNotCompleted) {
  Git("tag refs/heads/release");
  Git("tag x/main");
  Git("branch x/refs/heads/release");
  EXPECT_EQ(Read("refs/heads/release"), "no-such-source");
  EXPECT_EQ(Read("release"), "no-such-source");
  EXPECT_EQ(Read("main"), "good");
  EXPECT_EQ(Read("heads/main"), "no-such-source");
}

TEST_F(GitRepository, AnIdIsThatOfTheCommit) {
  const std::string id = Id();
  ASSERT_EQ(id.size(), 40u);
  Commit("later");
  Git("tag " + std::string(64, 'a'));
  EXPECT_EQ(Read(id), "good");
  EXPECT_EQ(Read("HEAD"), "later");
  EXPECT_EQ(Read(std::string(64, 'a')), "later");
  Git("branch " + std::string(64, 'a') + " " + id);
  EXPECT_EQ(Read(std::string(64, 'a')), "ambiguous-source");
}

}  // namespace
}  // namespace remit::cli
