#include "target/secrets/secret_store.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "store/memory/memory_store.h"

namespace remit::target::secrets {
namespace {

class SecretStoreTest : public ::testing::Test {
 protected:
  std::uint32_t Write(std::string_view path, std::string_view value) {
    store::Batch batch;
    auto version = secrets_.PrepareWrite(path, Secret(value), FromMicros(7'000'000), batch);
    EXPECT_TRUE(version.has_value()) << version.error().ToString();
    EXPECT_TRUE(store_.CommitNow(std::move(batch)).has_value());
    return *version;
  }

  SeededRng rng_{1};
  crypto::MasterKey master_ = crypto::MasterKey::Random(rng_);
  store::MemoryStore store_{rng_};
  SecretStore secrets_{store_, master_, rng_};
};

TEST_F(SecretStoreTest, KeepsVersions) {
  EXPECT_EQ(Write("ci/deploy/token", "one"), 1u);
  EXPECT_EQ(Write("ci/deploy/token", "two"), 2u);
  auto newest = secrets_.Read("ci/deploy/token", std::nullopt);
  ASSERT_TRUE(newest.has_value());
  EXPECT_EQ(newest->number, 2u);
  EXPECT_EQ(newest->value.Reveal(), "two");
  EXPECT_EQ(newest->written, FromMicros(7'000'000));
  EXPECT_EQ(secrets_.Read("ci/deploy/token", 1)->value.Reveal(), "one");
  EXPECT_EQ(secrets_.Read("ci/deploy/token", 3).error().reason, "no-such-secret");
  EXPECT_EQ(secrets_.Read("ci/deploy", std::nullopt).error().reason, "no-such-secret");
}

TEST_F(SecretStoreTest, LetsOldVersionsGo) {
  for (std::size_t i = 0; i < limits::kSecretVersions + 3; ++i) Write("a", std::to_string(i));
  EXPECT_EQ(secrets_.Read("a", 3).error().reason, "no-such-secret");
  EXPECT_EQ(secrets_.Read("a", 4)->value.Reveal(), "3");
}

TEST_F(SecretStoreTest, ListsOneFolder) {
  Write("ci/deploy/token", "x");
  Write("ci/deploy-key", "x");
  Write("ci/build", "x");
  Write("cinema", "x");
  EXPECT_EQ(*secrets_.List("ci"), (std::vector<std::string>{"build", "deploy-key", "deploy/"}));
  EXPECT_EQ(*secrets_.List(""), (std::vector<std::string>{"ci/", "cinema"}));
}

TEST_F(SecretStoreTest, RefusesWhatIsNoPath) {
  store::Batch batch;
  for (const std::string& bad : {std::string("a/../b"), std::string("A"), std::string("a\0b", 3)}) {
    EXPECT_EQ(secrets_.PrepareWrite(bad, Secret("x"), FromMicros(1), batch).error().reason, "bad-secret-path") << bad;
    EXPECT_EQ(secrets_.Read(bad, std::nullopt).error().reason, "bad-secret-path") << bad;
    EXPECT_EQ(secrets_.List(bad).error().reason, "bad-secret-path") << bad;
  }
  EXPECT_TRUE(batch.writes.empty());
}

// The attacks of somebody who can write to the database: a sealed row that is moved, swapped or rolled back under another number.
TEST_F(SecretStoreTest, ARowThatWasMovedDoesNotOpen) {
  Write("ci/mine", "mine");
  Write("ci/mine", "newer");
  Write("ci/theirs", "theirs");
  auto row = [&](const std::string& path, const char* version) { return **store_.Get(store::Table::kSecret, path + std::string(1, '\0') + version); };
  auto put = [&](const std::string& path, const char* version, std::string value) {
    store::Batch batch;
    batch.writes.push_back({store::Table::kSecret, path + std::string(1, '\0') + version, std::move(value)});
    ASSERT_TRUE(store_.CommitNow(std::move(batch)).has_value());
  };
  put("ci/mine", "00000001", row("ci/theirs", "00000001"));
  EXPECT_EQ(secrets_.Read("ci/mine", 1).error().reason, "sealed-data-corrupt");
  put("ci/theirs", "00000001", row("ci/mine", "00000002"));
  EXPECT_EQ(secrets_.Read("ci/theirs", 1).error().reason, "sealed-data-corrupt");
  put("ci/mine", "00000003", row("ci/mine", "00000002"));
  EXPECT_EQ(secrets_.Read("ci/mine", 3).error().reason, "sealed-data-corrupt");
}

TEST_F(SecretStoreTest, AnotherMasterKeyIsNamed) {
  Write("a", "x");
  crypto::MasterKey other = crypto::MasterKey::Random(rng_);
  EXPECT_EQ(SecretStore(store_, other, rng_).Read("a", std::nullopt).error().reason, "wrong-master-key");
}

TEST_F(SecretStoreTest, TwoWritersAtOnceDoNotOverwriteEachOther) {
  store::Batch first, second;
  ASSERT_TRUE(secrets_.PrepareWrite("a", Secret("1"), FromMicros(1), first).has_value());
  ASSERT_TRUE(secrets_.PrepareWrite("a", Secret("2"), FromMicros(1), second).has_value());
  EXPECT_TRUE(store_.CommitNow(std::move(first)).has_value());
  EXPECT_EQ(store_.CommitNow(std::move(second)).error().reason, "conflict");
}

}  // namespace
}  // namespace remit::target::secrets
