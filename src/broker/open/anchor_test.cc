// Anchors and epochs: an old copy of the store is known for what it is, and does not revive the dead.
#include "broker/open/anchor.h"

#include <filesystem>

#include "broker/anchor_keeper.h"
#include "broker/epoch.h"
#include "broker/open/barred_list.h"
#include "broker/test_bench.h"
#include "io/files.h"
#include "jose/jwk.h"
#include "jose/jws.h"

namespace remit::broker {
namespace {

// A target that keeps an anchor and nothing else, and may be away.
class AnchorBox final : public target::Target {
 public:
  std::string_view type() const override { return "anchor-box"; }
  const std::string& name() const override { return name_; }
  bool Owns(const cedar::EntityUid&, const cedar::EntityUid&) const override { return false; }
  Status CheckPattern(const target::PermissionPattern&) const override { return {}; }
  Result<target::Plan> MakePlan(const std::string&, const task::PermissionSet&, Rng&) const override { return target::Plan{}; }
  Result<target::Made> Make(const task::CredentialRecord&, const Secret&) override { return target::Made{}; }
  std::map<std::string, Secret> Environment(const task::CredentialRecord&, const Secret&) const override { return {}; }
  target::EndResult End(const task::CredentialRecord&, const Secret&) override { return {}; }
  Result<std::vector<target::Found>> Sweep() override { return std::vector<target::Found>{}; }
  Status Ping() override { return {}; }
  Result<std::optional<std::string>> ReadAnchor() override {
    if (down) return Fail(Code::kUnavailable, "box-down", "the box does not answer");
    return anchor;
  }
  Status LeaveAnchor(const std::string& text) override {
    if (down) return Fail(Code::kUnavailable, "box-down", "the box does not answer");
    anchor = text;
    return {};
  }
  std::optional<std::string> anchor;
  bool down = false;

 private:
  std::string name_ = "box";
};

class AnchorTest : public BrokerTest {
 protected:
  ~AnchorTest() override {
    keeper.reset();
    std::filesystem::remove_all(folder);
  }

  AnchorKeeper::Parts Parts(store::Store& store) {
    return {.store = store,
            .clock = bench.clock,
            .timers = *bench.timers,
            .file_worker = *bench.workers,
            .target_workers = *bench.workers,
            .master_key = bench.master,
            .file = file,
            .targets = {target},
            .on_old = [this](const Error& error) { stopped = error.reason; }};
  }
  Result<std::uint64_t> Check(store::Store& store, bool restored = false) { return AnchorKeeper::Check(Parts(store), restored); }
  std::string ReasonOf(store::Store& store) {
    const auto checked = Check(store);
    return checked ? "serves" : checked.error().reason;
  }
  void Start() {
    auto started = AnchorKeeper::Start(Parts(bench.store()));
    ASSERT_TRUE(started.has_value()) << started.error().ToString();
    keeper = std::move(*started);
    bench.Pass(Duration(0));
  }
  std::string FileText() { return io::ReadFile(file, 4096).value_or(""); }

  const std::string folder = (std::filesystem::temp_directory_path() / ("remit-anchor-" + std::to_string(::getpid()))).string();
  const std::string file = folder + "/state/anchor";
  std::shared_ptr<AnchorBox> target = std::make_shared<AnchorBox>();
  std::unique_ptr<AnchorKeeper> keeper;
  std::string stopped;
};

TEST_F(AnchorTest, ItsTextSaysWhatItIsAndOnlyTheMasterKeyMakesIt) {
  const Anchor anchor = *AnchorOf(bench.store());
  const std::string text = AnchorText(anchor, bench.master);
  EXPECT_EQ(*ParseAnchor(text, bench.master), anchor);
  EXPECT_EQ(anchor.installation, bench.Installation());
  EXPECT_FALSE(ParseAnchor(text, crypto::MasterKey::Random(bench.rng)).has_value());
  for (std::size_t i = 0; i < text.size(); ++i) {  // no bit of it can be changed
    std::string other = text;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_FALSE(ParseAnchor(other, bench.master).has_value()) << i;
  }
  for (std::size_t n = 0; n < text.size(); ++n) EXPECT_FALSE(ParseAnchor(text.substr(0, n), bench.master).has_value()) << n;
  EXPECT_FALSE(ParseAnchor(text + "\n", bench.master).has_value());
}

TEST_F(AnchorTest, TheFileIsAtMostASecondOldAndTheTargetsAnHour) {
  Start();
  const std::string first = FileText(), at_target = target->anchor.value_or("");
  EXPECT_EQ(*ParseAnchor(first, bench.master), *AnchorOf(bench.store()));
  EXPECT_NE(at_target, "");
  Triage();
  bench.Pass(std::chrono::seconds(1));
  EXPECT_NE(FileText(), first);
  EXPECT_EQ(*ParseAnchor(FileText(), bench.master), *AnchorOf(bench.store()));
  EXPECT_EQ(*target->anchor, at_target);
  bench.Pass(std::chrono::hours(1));
  EXPECT_NE(*target->anchor, at_target);
  EXPECT_EQ(ReasonOf(bench.store()), "serves");
}

TEST_F(AnchorTest, AnOldCopyIsRefusedByTheFileAndByTheTarget) {
  const auto copy = bench.store().Snapshot();
  Start();
  Triage();
  bench.Pass(std::chrono::seconds(1));
  EXPECT_EQ(ReasonOf(*copy), "ledger-shorter");
  // Without the file: it is missed. Where the copy is from before there was one, the target remembers.
  std::filesystem::remove(file);
  EXPECT_EQ(ReasonOf(bench.store()), "anchor-missing");
  bench.Pass(std::chrono::hours(1));
  std::filesystem::remove(file);
  EXPECT_EQ(ReasonOf(*copy), "ledger-shorter");
  // A target that is away says nothing, and is asked again by the hour: then the server stops.
  target->down = true;
  EXPECT_EQ(ReasonOf(*copy), "serves");
}

TEST_F(AnchorTest, ATargetThatComesBackAndKnowsMoreStopsTheServer) {
  const auto copy = bench.store().Snapshot();
  Start();
  Triage();
  bench.Pass(std::chrono::hours(1) + std::chrono::seconds(1));
  keeper.reset();
  std::filesystem::remove(file);
  target->down = true;
  const std::string newer = *target->anchor;
  auto old = AnchorKeeper::Start(Parts(*copy));
  ASSERT_TRUE(old.has_value());
  bench.Pass(Duration(0));
  EXPECT_EQ(stopped, "");
  target->down = false;
  bench.Pass(std::chrono::hours(1) + std::chrono::seconds(1));
  EXPECT_EQ(stopped, "ledger-shorter");
  EXPECT_EQ(*target->anchor, newer);  // not overwritten by what is old
  old->reset();
}

TEST_F(AnchorTest, AForkIsRefusedAlsoWhereItIsLonger) {
  const auto copy = bench.store().Snapshot();
  Start();
  Triage();
  bench.Pass(std::chrono::seconds(1));
  store::Batch batch;
  for (int i = 0; i < 50; ++i) batch.events.push_back(R"({"time":"2026-01-01T00:00:00Z","type":"x"})");
  ASSERT_TRUE(copy->CommitNow(std::move(batch)).has_value());
  EXPECT_EQ(ReasonOf(*copy), "ledger-forked");
}

TEST_F(AnchorTest, AnotherStoreIsRefusedAlsoWithRestored) {
  Start();
  store::MemoryStore fresh(bench.rng, store::MemoryStore::Mode::kInline);
  EXPECT_EQ(ReasonOf(fresh), "another-store");
  EXPECT_EQ(Check(fresh, true).error().reason, "another-store");
}

TEST_F(AnchorTest, AnAnchorThatSomebodyChangedIsRefusedAndOneAtATargetIsNoWayToStopIt) {
  Start();
  bench.Pass(std::chrono::hours(1));
  std::string forged = FileText();
  forged[forged.find("epoch 1") + 6] = '9';
  ASSERT_TRUE(io::WriteFileAtomic(file, forged, 0600).has_value());
  EXPECT_EQ(ReasonOf(bench.store()), "bad-anchor");
  ASSERT_TRUE(io::WriteFileAtomic(file, AnchorText(*AnchorOf(bench.store()), bench.master), 0600).has_value());
  target->anchor = "whoever administers the target can write what they like";
  EXPECT_EQ(ReasonOf(bench.store()), "serves");
}

TEST_F(AnchorTest, ANewEpochRevokesWhatTheCopySaysIsAliveAndTheSweepEndsWhatItDoesNotKnow) {
  Start();
  const StartAnswer triage = Triage();
  const auto box = bench.Start("box", {{"box", "a"}}), waiting = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(box.has_value() && waiting.has_value());
  std::optional<Result<TokenAnswer>> jwt;
  bench.broker().IssueToken(bench.broker().FindHandle(triage.token.Reveal()), {triage.task.id, "https://x.example", false},
                            [&](Result<TokenAnswer> a) { jwt = std::move(a); });
  ASSERT_TRUE(jwt && jwt->has_value());
  const std::string copied = box->credentials.at(0).name;
  store::Batch session;
  session.writes.push_back({store::Table::kSession, "a-session", "x"});
  ASSERT_TRUE(bench.store().CommitNow(std::move(session)).has_value());
  std::unique_ptr<store::MemoryStore> copy = bench.store().Snapshot();

  const auto later = bench.Start("box", {{"box", "b"}});  // after the copy was taken
  bench.Pass(std::chrono::seconds(1));
  const std::string unknown = later->credentials.at(0).name;
  ASSERT_TRUE(bench.box->exists.contains(copied) && bench.box->exists.contains(unknown));
  ASSERT_EQ(ReasonOf(*copy), "ledger-shorter");
  const auto epoch = Check(*copy, true);
  ASSERT_TRUE(epoch.has_value()) << epoch.error().ToString();
  keeper.reset();
  ASSERT_TRUE(OpenEpoch(*copy, bench.master, bench.rng, *epoch + 1, bench.clock.Now()).has_value());
  const json::Value old_keys = bench.broker().Jwks();
  bench.RestartFrom(std::move(copy));
  bench.Pass(std::chrono::seconds(10));

  EXPECT_EQ(bench.StateOf(triage.task.id), "revoked");
  EXPECT_EQ(bench.StateOf(box->task.id), "revoked");
  EXPECT_EQ(bench.StateOf(waiting->task.id), "denied");
  EXPECT_TRUE(bench.broker().FindHandle(triage.token.Reveal()).Is(Caller::Kind::kNobody));
  EXPECT_TRUE(bench.broker().FindHandle(triage.holder.Reveal()).Is(Caller::Kind::kNobody));
  EXPECT_FALSE(bench.broker().Introspect(Bench::Agent("helpdesk"), (*jwt)->token.Reveal()).Find("active")->AsBool());
  EXPECT_NE(bench.broker().Jwks(), old_keys);
  EXPECT_FALSE((*bench.store().Get(store::Table::kSession, "a-session")).has_value());
  EXPECT_FALSE(bench.box->exists.contains(copied));
  EXPECT_FALSE(bench.box->exists.contains(unknown));  // its mark, and no ledger that knows it
  // A new start lives; the store is served again, and the old one is still refused.
  EXPECT_EQ(bench.StateOf(Triage().task.id), "active");
  EXPECT_EQ(ReasonOf(bench.store()), "serves");
  bench.Restart();
  EXPECT_EQ(bench.broker().ListTasks(Bench::Operator(), {})->Find("tasks")->AsArray().size(), 1u);
}

TEST_F(AnchorTest, WhoWasBarredAfterTheCopyIsBarredInTheNewEpoch) {
  Start();
  const auto copy = bench.store().Snapshot();
  bench.broker().PutPerson(Bench::Operator(), {{"Employee", "eve"}, "", true}, [](auto a) { Bench::Expect(a); });
  bench.broker().Offboard(Bench::Operator(), {"Agent", "bot"}, "", Duration(0), [](auto) {});
  bench.Pass(std::chrono::seconds(1));
  keeper.reset();
  // Nobody without the master key takes one out, or bars another.
  const std::string list = io::ReadFile(file + ".barred", 4096).value_or("");
  for (std::size_t i = 0; i < list.size(); ++i) {
    std::string other = list;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_FALSE(ParseBarred(other, bench.master).has_value()) << i;
  }
  EXPECT_EQ(ParseBarred(list, bench.master)->who, (std::vector<std::string>{R"(Agent::"bot")", R"(Employee::"eve")"}));
  EXPECT_EQ(BarredText(*ParseBarred(list, bench.master), bench.master), list);

  const auto epoch = Check(*copy, true);
  const auto barred = AnchorKeeper::ReadBarred(Parts(*copy));
  ASSERT_TRUE(epoch.has_value() && barred.has_value()) << barred.error().ToString();
  ASSERT_TRUE(OpenEpoch(*copy, bench.master, bench.rng, *epoch + 1, bench.clock.Now(), *barred).has_value());
  bench.RestartFrom(copy->Snapshot());
  EXPECT_TRUE(bench.broker().FindPerson({"Employee", "eve"})->barred);
  EXPECT_TRUE(bench.broker().FindActor({"Agent", "bot"})->barred);
  EXPECT_FALSE(bench.broker().FindPerson({"Employee", "ann"})->barred);
  EXPECT_FALSE(bench.broker().FindActor({"Agent", "helpdesk"})->barred);
  EXPECT_EQ(bench.EventOf("epoch.opened").Find("barred_again")->AsInt(), 2);
  // And the list goes on from there.
  Start();
  bench.broker().PutPerson(Bench::Operator(), {{"Employee", "eve"}, "", false}, [](auto a) { Bench::Expect(a); });
  bench.Pass(std::chrono::seconds(1));
  EXPECT_EQ(AnchorKeeper::ReadBarred(Parts(bench.store()))->who, (std::vector<std::string>{R"(Agent::"bot")"}));
  EXPECT_EQ(AnchorKeeper::ReadBarred(Parts(*store::MemoryStore(bench.rng, store::MemoryStore::Mode::kInline).Snapshot())).error().reason,
            "another-store");
}

TEST_F(AnchorTest, AKeyThatLeakedAfterTheCopyIsNotTrustedInTheNewEpoch) {
  const auto rotate = [this](bool leaked, const std::string& kid = "") {
    std::optional<Result<json::Value>> answer;
    const RotateRequest request{.key = "receipt", .kid = kid, .leaked = leaked};
    bench.broker().RotateKey(Bench::Operator(), request, [&](auto a) { answer = std::move(a); });
    bench.Settle();
    EXPECT_TRUE(answer && answer->has_value()) << (*answer).error().ToString();
    return *(*answer)->FindString("old");
  };
  const auto published = [this] {
    std::set<std::string> kids;
    const json::Value set = bench.broker().ReceiptJwks();
    for (const json::Value& key : set.Find("keys")->AsArray()) kids.insert(*key.FindString("kid"));
    return kids;
  };
  // The list is a second old at most, whatever it is that changed.
  const auto listed = [this, &published] {
    bench.Pass(std::chrono::seconds(1));
    const std::set<std::string> kids = published();
    return AnchorKeeper::ReadBarred(Parts(bench.store()))->receipt_keys == std::vector<std::string>{kids.begin(), kids.end()};
  };
  Start();
  EXPECT_TRUE(listed());
  const std::string good = rotate(false), leaked_later = rotate(false);
  EXPECT_TRUE(listed());
  const auto copy = bench.store().Snapshot();  // signs with one that leaks, and knows another that does
  const std::string leaked = rotate(true);
  EXPECT_TRUE(listed());
  const std::string after = rotate(false);
  EXPECT_TRUE(listed());
  rotate(true, leaked_later);
  EXPECT_TRUE(listed());
  ASSERT_TRUE(published().contains(good) && published().contains(after) && published().size() == 3);
  const auto epoch = Check(*copy, true);
  const auto list = AnchorKeeper::ReadBarred(Parts(*copy));
  ASSERT_TRUE(epoch.has_value() && list.has_value()) << list.error().ToString();
  keeper.reset();
  // A list of before there were keys in it, and none at all: what the copy says stands.
  for (const bool named : {false, true}) {
    BarredList given = *list;
    if (!named) given.receipt_keys.reset();
    EXPECT_EQ(*ParseBarred(BarredText(given, bench.master), bench.master), given);
    const auto restored = copy->Snapshot();
    ASSERT_TRUE(OpenEpoch(*restored, bench.master, bench.rng, *epoch + 1, bench.clock.Now(), given).has_value());
    bench.RestartFrom(restored->Snapshot());
    bench.Settle();
    EXPECT_EQ(published().contains(leaked), !named);
    EXPECT_EQ(published().contains(leaked_later), !named);
    EXPECT_TRUE(published().contains(good));
  }
  EXPECT_EQ(published().size(), 2u);  // and a new one, which signs
  EXPECT_EQ(bench.EventOf("epoch.opened").Find("keys_distrusted_again")->AsArray().size(), 2u);
  const StartAnswer task = Triage();
  ASSERT_TRUE(bench.Complete(task).has_value());
  const auto receipt = bench.broker().Receipt(Bench::Operator(), task.task.id);
  ASSERT_TRUE(receipt.has_value()) << receipt.error().ToString();
  EXPECT_TRUE(jose::VerifyCompact(*receipt->FindString("jws"), *jose::JwkSet::Parse(bench.broker().ReceiptJwks()), jose::TypPolicy::Ignore()));
  // It is known what they were, and the list goes on without them.
  bool known = false;
  const json::Value keys = bench.broker().ListKeys(Bench::Operator()).value();
  for (const json::Value& key : keys.Find("keys")->AsArray()) known |= *key.FindString("kid") == leaked && *key.FindString("state") == "leaked";
  EXPECT_TRUE(known);
  Start();
  EXPECT_TRUE(listed());
}

TEST_F(AnchorTest, ACrashBetweenTheEpochAndTheLastEndForgetsNone) {
  const StartAnswer triage = Triage();
  ASSERT_TRUE(OpenEpoch(bench.store(), bench.master, bench.rng, 2, bench.clock.Now()).has_value());
  bench.store().HoldCommits();  // what ends is not written down, and then the power is gone
  bench.Restart();
  EXPECT_EQ(bench.StateOf(triage.task.id), "revoked");
}

}  // namespace
}  // namespace remit::broker
