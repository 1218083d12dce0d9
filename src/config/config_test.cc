// remit.toml is read to the letter, and whatever is wrong with it is said with its place.
#include "config/config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/limits.h"

namespace remit::config {
namespace {

Config MustParse(std::string_view text) {
  auto config = Parse(text, "remit.toml");
  EXPECT_TRUE(config.has_value()) << (config ? "" : config.error().ToString());
  return config.value_or(Config());
}

Error MustRefuse(std::string_view text) {
  auto config = Parse(text, "remit.toml");
  EXPECT_FALSE(config.has_value()) << text;
  return config ? Error() : config.error();
}

TEST(DefaultToml, ParsesToTheDefaults) {
  EXPECT_EQ(MustParse(DefaultToml()), Config());
  EXPECT_EQ(MustParse(""), Config());
}

TEST(DefaultToml, WritesEverySetting) {
  Config c;
  c.data_dir = "/srv/a \"b\"\\c\n";
  c.master_key_file = "/k";
  c.anchor_file = "/srv/anchor";
  c.public_url = "https://remit.example/x";
  c.catalogs = {"/a", "b c"};
  c.listen = {"0.0.0.0", 0, "", "/c.pem", "/k.pem", true};
  c.allowed_hosts = {"remit.example", "remit.example:8443"};
  c.allowed_origins = {"https://console.example"};
  c.log_level = log::Level::kError;
  c.log_json = true;
  c.store_reserve_bytes = 3;
  c.sweep_interval = std::chrono::seconds(90);
  c.metrics = false;
  EXPECT_EQ(MustParse(DefaultToml(c)), c);
}

TEST(DefaultToml, ShowsATargetThatIsOne) {
  std::string text = DefaultToml();
  std::size_t at = text.find("# [targets.orders]");
  ASSERT_NE(at, std::string::npos);
  text.erase(text.find("\n# A webhook"));
  while ((at = text.find("# ", at)) != std::string::npos) text.erase(at, 2);
  const Config config = MustParse(text);
  ASSERT_EQ(config.targets.size(), 1u);
  EXPECT_EQ(config.targets[0].type, "postgres");
}

TEST(DefaultToml, ShowsAWebhookThatIsOne) {
  std::string text = DefaultToml();
  std::size_t at = text.find("# [[webhook]]");
  ASSERT_NE(at, std::string::npos);
  while ((at = text.find("# ", at)) != std::string::npos) text.erase(at, 2);
  const Config config = MustParse(text);
  ASSERT_EQ(config.webhooks.size(), 1u);
  EXPECT_EQ(config.webhooks[0].name, "duty");
  EXPECT_EQ(config.webhooks[0].form, "events");
}

TEST(Config, ReadsWebhooksAndRefusesHalfOnes) {
  const std::string one = "[[webhook]]\nname = \"a\"\nurl = \"https://x/y\"\nsecret_file = \"s\"\n";
  const Config config = MustParse(one + "events = [\"task.*\"]\ntemplate = \"slack\"\nca_file = \"c\"\n");
  ASSERT_EQ(config.webhooks.size(), 1u);
  const Webhook expected{"a", "https://x/y", "", "s", {"task.*"}, "slack", "c", "remit.toml:1:1"};
  EXPECT_EQ(config.webhooks[0], expected) << config.webhooks[0].place;
  for (const std::string& text :
       {one + one, std::string("[[webhook]]\nname = \"a\"\n"), std::string("[webhook]\nname = \"a\"\n"), std::string("webhook = [1]\n"),
        one + "url_file = \"u\"\n", std::string("[[webhook]]\nurl = \"https://x\"\nsecret_file = \"s\"\n"),
        std::string("[[webhook]]\nname = \"A\"\nurl = \"https://x\"\nsecret_file = \"s\"\n"),
        std::string("[[webhook]]\nname = \"a\"\nurl = \"https://x\"\n")}) {
    const Error error = MustRefuse(text);
    EXPECT_EQ(error.reason, "bad-setting") << text;
    EXPECT_TRUE(error.place.starts_with("remit.toml:")) << text;
  }
  EXPECT_EQ(MustRefuse(one + "secret = \"s\"\n").reason, "unknown-setting");
}

TEST(Config, SaysWhatOthersCallIt) {
  EXPECT_EQ(Config().PublicUrl(), "http://127.0.0.1:7070");
  EXPECT_EQ(MustParse("[listen]\naddress = \"::1\"\nport = 1\n").PublicUrl(), "http://[::1]:1");
  EXPECT_EQ(MustParse("[listen]\naddress = \"\"\n").PublicUrl(), "http://localhost:7070");
  EXPECT_EQ(MustParse("public_url = \"https://remit.example\"\n").PublicUrl(), "https://remit.example");
  EXPECT_EQ(MustParse("[listen]\naddress = \"10.0.0.1\"\ntls_certificate_file = \"c\"\ntls_key_file = \"k\"\n").PublicUrl(), "https://10.0.0.1:7070");
}

TEST(Config, RefusesUnknownSettingsAndGuesses) {
  const Error top = MustRefuse("data_dri = \"/x\"\n");
  EXPECT_EQ(top.reason, "unknown-setting");
  EXPECT_EQ(top.place, "remit.toml:1:1");
  EXPECT_EQ(top.hint, "did you mean `data_dir`?");
  const Error inner = MustRefuse("\n[listen]\nport = 1\n  adress = \"127.0.0.1\"\n");
  EXPECT_EQ(inner.message, "unknown setting `listen.adress`");
  EXPECT_EQ(inner.place, "remit.toml:4:3");
  EXPECT_EQ(inner.hint, "did you mean `listen.address`?");
  EXPECT_EQ(MustRefuse("[nonsense]\nx = 1\n").reason, "unknown-setting");
}

TEST(Config, RefusesIllTypedAndSenselessSettings) {
  for (const char* text : {"data_dir = 1",
                           "data_dir = \"\"",
                           "master_key_file = \"\"",
                           "catalogs = \"a\"",
                           "catalogs = [1]",
                           "listen = 1",
                           "[listen]\nport = \"7070\"",
                           "[listen]\nport = 65536",
                           "[listen]\nport = -1",
                           "[listen]\nport = 1.0",
                           "[listen]\naddress = \"localhost\"",
                           "[listen]\naddress = \"\"\nsocket = \"\"",
                           "[listen]\naddress = \"0.0.0.0\"",
                           "[listen]\naddress = \"::\"",
                           "[listen]\ntls_key_file = \"k\"",
                           "[listen]\ntls_certificate_file = \"c\"",
                           "[listen]\nplaintext = 1",
                           "[log]\nlevel = \"loud\"",
                           "[log]\nformat = \"xml\"",
                           "[store]\nreserve = 5",
                           "[store]\nreserve = \"5 MB\"",
                           "[store]\nreserve = \"17GiB\"",
                           "[sweep]\ninterval = \"1s\"",
                           "[sweep]\ninterval = \"soon\"",
                           "[sweep]\ninterval = \"6m\"",
                           "[metrics]\nenabled = \"yes\"",
                           "public_url = \"remit.example\"",
                           "public_url = \"https://remit.example/\"",
                           "public_url = \"https://remit.example/?x\"",
                           "public_url = \"https://\"",
                           "public_url = \"https://user@remit.example\"",
                           "public_url = \"http://remit.example\"\n[listen]\ntls_certificate_file = \"c\"\ntls_key_file = \"k\"",
                           "[http]\nallowed_hosts = [\"*\"]",
                           "[http]\nallowed_hosts = [\"https://x\"]",
                           "[http]\nallowed_origins = [\"x\"]",
                           "[http]\nallowed_origins = [\"https://x/\"]",
                           "[http]\nallowed_origins = [\"https://x/y\"]",
                           "[http]\nallowed_origins = [\"https://*\"]",
                           "data_dir = \"/d\"\nmaster_key_file = \"/d/key\"",
                           "data_dir = \"/d\"\nanchor_file = \"/d/anchor\"",
                           "data_dir = \"/d/x/..\"\nmaster_key_file = \"/d/./key\"",
                           "[targets]\nx = 1",
                           "[targets.x]\nhost = \"h\"",
                           "[targets.x]\ntype = 1",
                           "[targets.X]\ntype = \"t\"",
                           "[targets.\"a b\"]\ntype = \"t\"",
                           "[targets.x]\ntype = \"t\"\nf = 1.5",
                           "[targets.x]\ntype = \"t\"\n[targets.x.y]\nz = 1"}) {
    const Error error = MustRefuse(text);
    EXPECT_EQ(error.reason, "bad-setting") << text << "\n" << error.ToString();
    EXPECT_TRUE(error.place.starts_with("remit.toml:")) << error.place;
  }
  const Error port = MustRefuse("[listen]\nport = \"7070\"\n");
  EXPECT_EQ(port.ToString(), "remit.toml:2:8: setting `listen.port` must be a number");
}

TEST(Config, RefusesWhatIsNotToml) {
  const Error twice = MustRefuse("data_dir = \"/a\"\ndata_dir = \"/b\"\n");
  EXPECT_EQ(twice.reason, "bad-config-syntax");
  EXPECT_TRUE(twice.place.starts_with("remit.toml:2:")) << twice.place;
  for (const char* text : {"data_dir", "= 1", "[listen", "x = ", "\xff = 1", "a = \"\n\""})
    EXPECT_EQ(MustRefuse(text).reason, "bad-config-syntax") << text;
  EXPECT_EQ(MustRefuse(std::string(limits::kConfigBytes + 1, '#')).reason, "config-too-large");
  EXPECT_FALSE(Parse("x = " + std::string(100'000, '['), "remit.toml").has_value());
}

TEST(Config, LetsANetworkAddressBePlainByNameOnly) {
  EXPECT_TRUE(MustParse("[listen]\naddress = \"0.0.0.0\"\nplaintext = true\n").listen.plaintext);
  EXPECT_EQ(MustParse("[listen]\naddress = \"127.0.0.2\"\n").listen.address, "127.0.0.2");
}

const char kTargets[] =
    "[targets.zeta]\ntype = \"postgres\"\nhost = \"h\"\nport = 5433\ntls = true\ntables = [\"a\", \"b\"]\npassword_file = \"pw\"\nwait = \"30s\"\n"
    "[targets.alpha]\ntype = \"secrets\"\n";

TEST(Targets, AreKeptInTheirOrderAsPlainValues) {
  const Config config = MustParse(kTargets);
  ASSERT_EQ(config.targets.size(), 2u);
  EXPECT_EQ(config.targets[0].name, "zeta");
  EXPECT_EQ(config.targets[1].name, "alpha");
  SettingsReader r(config.targets[0]);
  EXPECT_EQ(r.RequiredString("host"), "h");
  EXPECT_EQ(r.OptionalInt("port", 1, 65535), 5433);
  EXPECT_EQ(r.OptionalBool("tls"), true);
  EXPECT_EQ(r.RequiredStrings("tables"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(r.RequiredPath("password_file"), "pw");
  EXPECT_EQ(r.OptionalDuration("wait"), std::chrono::seconds(30));
  EXPECT_EQ(r.OptionalString("user"), std::nullopt);
  EXPECT_TRUE(r.Finish().has_value());
}

TEST(Targets, TellWhatIsWrong) {
  const Config config = MustParse(kTargets);
  const TargetSettings& target = config.targets[0];
  SettingsReader unknown(target);
  unknown.OptionalString("hosts");
  EXPECT_EQ(unknown.Finish().error().reason, "unknown-setting");
  EXPECT_EQ(unknown.Finish().error().place, "remit.toml:3:8");
  EXPECT_EQ(unknown.Finish().error().hint, "did you mean `hosts`?");
  SettingsReader missing(target);
  missing.RequiredString("database");
  EXPECT_EQ(missing.Finish().error().reason, "missing-setting");
  EXPECT_EQ(missing.Finish().error().place, "remit.toml:1:1");
  SettingsReader ranged(target);
  ranged.OptionalInt("port", 1, 100);
  EXPECT_EQ(ranged.Finish().error().message, "setting `port` of target `zeta` is 5433, and must be from 1 to 100");
  SettingsReader typed(target);
  typed.RequiredStrings("host");
  EXPECT_EQ(typed.Finish().error().reason, "bad-setting");
  SettingsReader duration(target);
  duration.OptionalDuration("host");
  EXPECT_EQ(duration.Finish().error().reason, "bad-setting");
}

TEST(Load, TakesPathsFromTheFilesFolder) {
  std::string folder = testing::TempDir() + "/remit-config-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  folder = std::filesystem::canonical(folder).string();
  const std::string path = folder + "/remit.toml";
  std::ofstream(path) << "data_dir = \"data\"\nmaster_key_file = \"../k\"\ncatalogs = [\"c\"]\n[listen]\nsocket = \"\"\n" << kTargets;
  const Config config = Load(path).value();
  EXPECT_EQ(config.data_dir, folder + "/data");
  EXPECT_EQ(config.master_key_file, std::filesystem::path(folder).parent_path().string() + "/k");
  EXPECT_EQ(config.catalogs, std::vector<std::string>{folder + "/c"});
  EXPECT_EQ(config.listen.socket, "");
  SettingsReader r(config.targets[0]);
  EXPECT_EQ(r.RequiredPath("password_file"), folder + "/pw");
  EXPECT_EQ(Load(folder + "/none.toml").error().reason, "config-missing");
  EXPECT_EQ(Load(folder).error().reason, "config-missing");
  std::filesystem::remove_all(folder);
}

TEST(Size, IsAWholeNumberAndAUnit) {
  EXPECT_EQ(ParseSize("0B").value(), 0u);
  EXPECT_EQ(ParseSize("512B").value(), 512u);
  EXPECT_EQ(ParseSize("64KiB").value(), 65536u);
  EXPECT_EQ(ParseSize("2GiB").value(), std::uint64_t{2} << 30);
  for (const char* text : {"", "B", "5", "5MB", "5 MiB", "-1B", "1.5GiB", "99999999999999999999B", "9999999999GiB", "5mib"})
    EXPECT_EQ(ParseSize(text).error().reason, "bad-size") << text;
  for (const std::uint64_t bytes :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1023}, std::uint64_t{1024}, std::uint64_t{1536}, std::uint64_t{5} << 30})
    EXPECT_EQ(ParseSize(FormatSize(bytes)).value(), bytes);
}

}  // namespace
}  // namespace remit::config
