// Whoever can write remit.toml must not be handed a password that was meant for another server: by a host, a name, a user or a second target.
#include "cli/serve/target_addresses.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/bytes.h"
#include "base/rng.h"
#include "crypto/hash.h"
#include "io/files.h"
#include "json/read.h"
#include "json/write.h"
#include "store/memory/memory_store.h"

namespace remit::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class TargetAddressesTest : public testing::Test {
 protected:
  TargetAddressesTest() {
    char name[] = "/tmp/remit_addresses_XXXXXX";
    folder_ = ::mkdtemp(name);
    Write("own", "remits-own");
    Write("super", "the-superusers");
  }
  ~TargetAddressesTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& file, const std::string& password) { EXPECT_TRUE(io::WriteFileAtomic(folder_ + "/" + file, password + "\n", 0600)); }
  config::TargetSettings Target(const std::string& name, const std::string& host, const std::string& file = "own",
                                const std::string& superuser = "super") {
    config::TargetSettings target{name, "postgres", {}, "remit.toml:1:1", ""};
    const auto set = [&](const char* key, auto value) { target.settings[key] = config::Setting{value, "remit.toml:2:1"}; };
    set("host", host);
    set("port", std::int64_t{5432});
    set("database", std::string("orders"));
    set("password_file", folder_ + "/" + file);
    if (superuser.empty()) return target;
    set("superuser", std::string("offboarder"));
    set("superuser_password_file", folder_ + "/" + superuser);
    return target;
  }
  static config::TargetSettings With(config::TargetSettings target, const char* key,
                                     std::variant<std::string, std::int64_t, bool, std::vector<std::string>> value) {
    target.settings[key] = config::Setting{std::move(value), "remit.toml:3:1"};
    return target;
  }
  std::string CodeOfBefore(const std::string& name, const std::string& user, const std::string& password) {
    return HexEncode(crypto::HmacSha256(master_.Derive("remit target passwords v1").Reveal(), AsBytes(name + '\0' + user + '\0' + password)));
  }
  // "" where it may start; else what is said.
  std::string Start(const std::vector<config::TargetSettings>& targets) {
    const Status kept = KeepTargetAddresses(store_, master_, targets, Time{});
    if (kept) return "";
    EXPECT_EQ(kept.error().reason, "target-moved");
    return kept.error().ToString();
  }

  std::string folder_;
  SystemRng rng_;
  store::MemoryStore store_{rng_, store::MemoryStore::Mode::kInline};
  const crypto::MasterKey master_ = crypto::MasterKey::Random(rng_);
};

TEST_F(TargetAddressesTest, EachPasswordStaysWithItsServer) {
  ASSERT_EQ(Start({Target("orders", "good")}), "");
  EXPECT_EQ(Start({Target("orders", "good")}), "");
  EXPECT_THAT(Start({Target("orders", "evil")}), HasSubstr("password_file"));
  Write("own", "a-new-one");
  EXPECT_THAT(Start({Target("orders", "evil")}), HasSubstr("superuser_password_file was given for good:5432"));
  Write("super", "another-new-one");
  EXPECT_EQ(Start({Target("orders", "evil")}), "");
  EXPECT_THAT(Start({Target("orders", "good")}), HasSubstr("was given for evil:5432"));  // now they are that one's
}

TEST_F(TargetAddressesTest, WhateverElseIsCalledDifferently) {
  ASSERT_EQ(Start({Target("orders", "good")}), "");
  EXPECT_THAT(Start({Target("renamed", "evil")}), HasSubstr("was given for good:5432"));
  EXPECT_THAT(Start({Target("orders", "good"), Target("second", "evil", "own", "")}), HasSubstr("`second`"));
  EXPECT_THAT(Start({With(Target("renamed", "evil"), "user", "somebody-else")}), HasSubstr("was given for good:5432"));
  EXPECT_THAT(Start({With(Target("renamed", "good"), "port", std::int64_t{5433})}), HasSubstr("was given for good:5432"));
  EXPECT_THAT(Start({Target("renamed", "evil", "super", "")}), HasSubstr("password_file"));  // the superuser's, as remit's own
  Write("fresh", "never-seen");
  EXPECT_THAT(Start({Target("renamed", "evil", "fresh")}), HasSubstr("superuser_password_file"));
  // Taken out, and back under another name later on.
  EXPECT_EQ(Start({}), "");
  EXPECT_THAT(Start({Target("third", "evil")}), HasSubstr("was given for good:5432"));
  // An old one that is put back is what it was.
  Write("own", "a-new-one");
  ASSERT_EQ(Start({Target("orders", "good")}), "");
  Write("own", "remits-own");
  EXPECT_THAT(Start({Target("third", "evil", "own", "")}), HasSubstr("was given for good:5432"));
  EXPECT_EQ(Start({Target("renamed", "good")}), "");  // a name alone is no matter
}

TEST_F(TargetAddressesTest, AMoveThatIsMeantSaysSo) {
  ASSERT_EQ(Start({Target("orders", "old")}), "");
  const std::vector<std::string> former{"old:5432/orders"};
  EXPECT_EQ(Start({With(Target("orders", "new"), "former_addresses", former)}), "");
  EXPECT_EQ(Start({Target("orders", "new")}), "");  // from then on it is one of its
  EXPECT_THAT(Start({With(Target("orders", "evil"), "former_addresses", std::vector<std::string>{"another:5432/orders"})}),
              HasSubstr("was given for"));
}

TEST_F(TargetAddressesTest, OneServersDatabasesMayShareAPassword) {
  ASSERT_EQ(Start({Target("orders", "good")}), "");
  EXPECT_EQ(Start({Target("orders", "good"), With(Target("billing", "good"), "database", "billing")}), "");
}

TEST_F(TargetAddressesTest, ANewPasswordIsForOneServerUnlessItIsSaid) {
  Write("same", "the-same");
  EXPECT_THAT(Start({Target("east", "east", "same", ""), Target("west", "west", "same", "")}), HasSubstr("was given for east:5432"));
  const auto west = With(Target("west", "west", "same", ""), "former_addresses", std::vector<std::string>{"east:5432/orders"});
  EXPECT_EQ(Start({Target("east", "east", "same", ""), west}), "");
  EXPECT_EQ(Start({Target("west", "west", "same", "")}), "");
  EXPECT_EQ(Start({Target("east", "east", "same", "")}), "");
  EXPECT_NE(Start({Target("north", "north", "same", "")}), "");
  // While it is being changed, somebody adds a target of theirs with the same file.
  Write("same", "changed");
  EXPECT_NE(Start({Target("a", "evil", "same", ""), Target("east", "east", "same", "")}), "");
  EXPECT_EQ(Start({Target("east", "east", "same", "")}), "");
}

// What a Remit of before noted: no row of a password, and nothing of the superuser's.
TEST_F(TargetAddressesTest, AStoreOfBeforeKnowsWhatItNoted) {
  ASSERT_EQ(Start({Target("orders", "good")}), "");
  json::Value row = json::Parse(store_.Get(store::Table::kMeta, "target/orders")->value()).value();
  store::Batch batch;
  json::Object old{{"address", *row.FindString("address")}, {"code", *row.FindString("code")}};
  batch.writes.push_back({store::Table::kMeta, "target/orders", json::Canonical(old)});
  ASSERT_TRUE(store_.Scan(store::Table::kMeta, "target-password/", [&](std::string_view key, std::string_view) {
    batch.writes.push_back({store::Table::kMeta, std::string(key), std::nullopt});
    return true;
  }));
  ASSERT_EQ(batch.writes.size(), 3u);
  const config::TargetSettings far = With(Target("far", "far", "own", "super"), "user", "another");  // which shares both from before on
  json::Object theirs{{"address", "far:5432/orders"}, {"code", CodeOfBefore("far", "another", "remits-own")}};
  batch.writes.push_back({store::Table::kMeta, "target/far", json::Canonical(theirs)});
  ASSERT_TRUE(store_.CommitNow(std::move(batch)));
  EXPECT_THAT(Start({Target("renamed", "evil", "own", "")}), HasSubstr("was given for good:5432"));
  Write("own", "a-new-one");
  EXPECT_THAT(Start({Target("orders", "evil")}), HasSubstr("superuser_password_file"));  // it may be the old one: nobody knows
  Write("own", "remits-own");
  EXPECT_EQ(Start({Target("orders", "good"), far}), "");
  EXPECT_EQ(Start({far, Target("orders", "good")}), "");
  EXPECT_THAT(Start({Target("renamed", "evil")}), HasSubstr("was given for far:5432, good:5432"));
}

TEST_F(TargetAddressesTest, APasswordThatIsReadWhileTheServerRunsIsBoundByThat) {
  ASSERT_EQ(Start({Target("orders", "good")}), "");
  EXPECT_TRUE(KeepTargetPassword(store_, master_, Target("orders", "good"), "superuser_password_file", Secret("changed-meanwhile")));
  Write("super", "changed-meanwhile");
  EXPECT_THAT(Start({Target("renamed", "evil", "super", "")}), HasSubstr("was given for good:5432"));
  for (const char* file : {"superuser_password_file", "password_file"}) {
    const Status sent = KeepTargetPassword(store_, master_, Target("other", "evil"), file, Secret("changed-meanwhile"));
    EXPECT_EQ(sent.error().reason, "target-moved");
    EXPECT_THAT(sent.error().message, HasSubstr(fmt::format("target `other`'s {} was given", file)));
  }
}

TEST_F(TargetAddressesTest, NothingOfAPasswordIsInTheStore) {
  ASSERT_EQ(Start({Target("orders", "good")}), "");
  std::string all;
  ASSERT_TRUE(store_.Scan(store::Table::kMeta, "target", [&](std::string_view key, std::string_view value) {
    all += std::string(key) + " " + std::string(value) + "\n";
    return true;
  }));
  EXPECT_THAT(all, Not(HasSubstr("remits-own")));
  EXPECT_THAT(all, Not(HasSubstr(HexEncode(crypto::Sha256("remits-own")))));
  EXPECT_THAT(all, Not(HasSubstr(HexEncode(crypto::Sha256("the-superusers")))));
  // The codes are the master key's: under another they are others.
  store::MemoryStore other(rng_, store::MemoryStore::Mode::kInline);
  ASSERT_TRUE(KeepTargetAddresses(other, crypto::MasterKey::Random(rng_), {Target("orders", "good")}, Time{}));
  ASSERT_TRUE(other.Scan(store::Table::kMeta, "target-password/", [&](std::string_view key, std::string_view) {
    EXPECT_THAT(all, Not(HasSubstr(key)));
    return true;
  }));
}

}  // namespace
}  // namespace remit::cli
