#include "cli/standing/replace_admin.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "io/files.h"

namespace remit::cli {
namespace {

using Environment = std::map<std::string, std::string>;

Result<pg::ConnectOptions> Read(std::string_view text, const Environment& environment = {}, const std::string& file = {}) {
  return AdminOptions(text, file, [&](const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  });
}

TEST(AdminOptions, TakesTheStringBeforeTheEnvironment) {
  const auto options = Read("host=127.0.0.1 user = 'dba of\\' all' dbname=orders", {{"PGUSER", "other"}, {"PGPORT", "6000"}, {"PGPASSWORD", "word"}});
  ASSERT_TRUE(options) << options.error().ToString();
  EXPECT_EQ(options->user, "dba of' all");
  EXPECT_EQ(options->port, 6000);
  EXPECT_EQ(options->database, "orders");
  EXPECT_EQ(options->sslmode, "disable");
  EXPECT_EQ(options->password.Reveal(), "word");
}

TEST(AdminOptions, TakesAnAddressAsScanDoes) {
  const auto options = Read("postgresql://dba@127.0.0.1:6001/orders", {{"PGPASSWORD", "word"}, {"PGPORT", "1"}});
  ASSERT_TRUE(options) << options.error().ToString();
  EXPECT_EQ(options->user, "dba");
  EXPECT_EQ(options->port, 6001);
  EXPECT_EQ(options->password.Reveal(), "word");
  EXPECT_EQ(Read("postgresql://dba:hunter2@127.0.0.1/orders").error().reason, "password-in-address");
}

TEST(AdminOptions, WithoutAHostItIsThisMachinesSocket) {
  const auto options = Read("", {{"PGUSER", "dba"}});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->host, "/var/run/postgresql");
  EXPECT_EQ(options->database, "postgres");
}

TEST(AdminOptions, FarAwayItAsksForTls) {
  EXPECT_EQ(Read("host=db.example user=dba sslrootcert=ca.pem")->sslmode, "verify-full");
  EXPECT_EQ(Read("host=db.example user=dba").error().reason, "bad-connect-options");
  // A name that looks like an address of this machine is somebody's machine.
  EXPECT_EQ(Read("host=127.evil.example user=dba").error().reason, "bad-connect-options");
  EXPECT_EQ(Read("postgresql://dba@127.0.0.1.evil.example/orders").error().reason, "bad-connect-options");
}

TEST(AdminOptions, TakesNoPasswordFromTheArguments) {
  const auto options = Read("host=h user=dba password=hunter2");
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().reason, "password-in-arguments");
  EXPECT_EQ(options.error().ToString().find("hunter2"), std::string::npos);
}

TEST(AdminOptions, TakesItFromAFileOfItsOwner) {
  const std::string file = testing::TempDir() + "/admin-password";
  std::filesystem::remove(file);
  ASSERT_TRUE(io::WriteNewFile(file, "secret\n", 0600));
  EXPECT_EQ(Read("user=dba", {{"PGPASSWORD", "other"}}, file)->password.Reveal(), "secret");
  std::filesystem::permissions(file, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
  EXPECT_EQ(Read("user=dba", {}, file).error().reason, "file-not-private");
}

TEST(AdminOptions, RefusesWhatItDoesNotUnderstand) {
  for (const char* text : {"user", "user='dba", "user=a user=b", "user=dba port=x", "user=dba port=70000", "user=dba port=0",
                           "user=dba hostaddr=1.2.3.4", "user=dba options=-crole=x"})
    EXPECT_EQ(Read(text).error().reason, "bad-admin-string") << text;
  EXPECT_EQ(Read("").error().reason, "no-admin-user");
}

}  // namespace
}  // namespace remit::cli
