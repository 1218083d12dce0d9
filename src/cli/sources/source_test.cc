// Names of sources: what is read, and what is never handed to anybody.
#include "cli/sources/source.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "cli/sources/files.h"
#include "cli/sources/plain_file.h"
#include "io/files.h"

namespace remit::cli {
namespace {

TEST(GitSources, AreReadWithTheirDefaults) {
  const auto whole = ParseGitSource("git+https://git.example/facts.git#release/1.2:teams/facts.json");
  ASSERT_TRUE(whole.has_value()) << whole.error().ToString();
  EXPECT_EQ(whole->url, "https://git.example/facts.git");
  EXPECT_EQ(whole->ref, "release/1.2");
  EXPECT_EQ(whole->path, "teams/facts.json");
  const auto bare = ParseGitSource("git+file:///srv/facts");
  ASSERT_TRUE(bare.has_value());
  EXPECT_EQ(bare->ref, "HEAD");
  EXPECT_EQ(bare->path, "");
  EXPECT_EQ(ParseGitSource("git+file:///srv/facts#:teams/")->path, "teams");
  EXPECT_EQ(ParseGitSource("git+file:///srv/facts#:")->ref, "HEAD");
}

TEST(GitSources, CannotBeOptionsOrOtherProtocols) {
  for (const char* bad : {"git+ssh://host/x",
                          "git+ext::sh -c id",
                          "git+http://host/x",
                          "git+git://host/x",
                          "git+file://host/x",
                          "git+--upload-pack=x",
                          "git+file:///r#-x",
                          "git+file:///r#--upload-pack=x:f",
                          "git+file:///r#a..b",
                          "git+file:///r#a^{/x}",
                          "git+file:///r#@{-1}",
                          "git+file:///r#+a",
                          "git+file:///r#a b",
                          "git+file:///r#a~1",
                          "git+file:///r#/a",
                          "git+file:///r#refs//a",
                          "git+file:///r#a/.b",
                          "git+file:///r#a/-b",
                          "git+file:///r#a.lock",
                          "git+file:///r#a\n",
                          "git+file:///r#main:../x",
                          "git+file:///r#main:/x",
                          "git+file:///r#main:a//b",
                          "git+file:///r#main:a/./b",
                          "git+file:///r#main:-x",
                          "git+file:///r#main:a\nb",
                          "git+file:///r#main:.git/config",
                          "git+https://u@host/x",
                          "git+https://u:p@host/x",
                          "git+https://host/x?y",
                          "git+file:///r%00",
                          "git+",
                          "git+file:///r\n"}) {
    const auto parsed = ParseGitSource(bad);
    ASSERT_FALSE(parsed.has_value()) << bad;
    EXPECT_EQ(parsed.error().reason, "bad-source") << bad;
  }
}

TEST(HttpSources, HttpIsForLoopbackAndTheQueryIsNotShown) {
  const auto https = ParseHttpSource("https://facts.example:8443/all.json?key=s3cret");
  ASSERT_TRUE(https.has_value());
  EXPECT_EQ(https->base, "https://facts.example:8443");
  EXPECT_EQ(https->path, "/all.json?key=s3cret");
  EXPECT_EQ(https->from, "https://facts.example:8443/all.json");
  EXPECT_EQ(ParseHttpSource("https://facts.example?x")->path, "/?x");
  for (const char* good : {"http://127.0.0.1:1/x", "http://localhost/x", "http://[::1]:1/x"}) EXPECT_TRUE(ParseHttpSource(good).has_value()) << good;
  for (const char* bad : {"http://example.com/x", "http://127.0.0.1.example.com/x", "http://127.evil/x", "http://[::2]/x", "https:///x",
                          "https://u:p@h/x", "https://h/x#y", "https://h/ x", "https://h/\r\nX: y", "ftp://h/x", "https://h/\xc3\xa4"})
    EXPECT_FALSE(ParseHttpSource(bad).has_value()) << bad;
}

class LocalSources : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/remit_sources_XXXXXX";
    folder_ = ::mkdtemp(name);
    Write("a.json", R"([{"uid": {"type": "A", "id": "1"}, "attrs": {}, "parents": []}])");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string In(const std::string& name) const { return folder_ + "/" + name; }
  void Write(const std::string& name, const std::string& text) const { ASSERT_TRUE(io::WriteFileAtomic(In(name), text)); }
  // "read", or the reason why not.
  static std::string Read(const std::string& source) {
    const Result<SourceFacts> read = ReadSource(source, {});
    return read ? "read" : read.error().reason;
  }
  std::string folder_;
};

// Whoever may put something into the folder makes nobody wait, and has nothing read from elsewhere.
TEST_F(LocalSources, ArePlainFiles) {
  ASSERT_TRUE(ReadSource(folder_, {}));
  ASSERT_EQ(::symlink("a.json", In("one").c_str()), 0);
  EXPECT_TRUE(ReadSource(In("one"), {})) << "a link that is named is followed";
  ASSERT_EQ(::mkfifo(In("pipe").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("pipe", In("to-pipe").c_str()), 0);
  for (const std::string& odd : {In("pipe"), In("to-pipe"), std::string("/dev/null")}) EXPECT_EQ(Read(odd), "not-a-plain-file") << odd;
  EXPECT_EQ(ReadPlainFile(In("a.json"), 10, false).error().reason, "file-too-large");
  EXPECT_EQ(ReadPlainFile(In("none"), 10, true).error().reason, "no-such-file");
  ASSERT_EQ(::mkfifo(In("b.json").c_str(), 0600), 0);
  EXPECT_EQ(Read(folder_), "not-a-plain-file");
  std::filesystem::remove(In("b.json"));
  ASSERT_EQ(::symlink("a.json", In("b.json").c_str()), 0);
  EXPECT_EQ(Read(folder_), "not-a-plain-file");
}

// Else one name could say in the hash what two files say.
TEST_F(LocalSources, OfAFolderHaveNamesThatFitOnALine) {
  Write("b.json", "[]");
  const auto two = ReadSource(folder_, {});
  ASSERT_TRUE(two) << two.error().ToString();
  EXPECT_EQ(FactsOfFolder({{"a.json", io::ReadFile(In("a.json"), 1000).value()}, {"b.json", "[]"}})->hash, two->hash);
  for (const char* odd : {"a.json\n00  b.json", "\x1b.json", "\xff.json", "a\xe2\x80\xae.json"}) {
    Write(odd, "[]");
    EXPECT_EQ(Read(folder_), "bad-source") << odd;
    std::filesystem::remove(In(odd));
  }
}

TEST(Sources, WhatIsNoKindOfSourceIsNoFileEither) {
  for (const char* bad : {"ftp://h/x", "file:///etc/passwd", "ssh://h/x"}) EXPECT_EQ(ReadSource(bad, {}).error().reason, "bad-source") << bad;
  EXPECT_EQ(ReadSource("/nowhere/at/all", {}).error().reason, "no-such-source");
}

}  // namespace
}  // namespace remit::cli
