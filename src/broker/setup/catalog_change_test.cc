// Catalogs change under tasks that live and requests that wait. Whatever the order of loads, approvals and activations, nothing is given that
// nobody approved: checked against a model of a small family of catalogs that knows no Cedar.
#include <rapidcheck.h>

#include "broker/test_bench.h"

namespace remit::broker {
namespace {

constexpr std::string_view kFamilySchema = R"(
entity Team;
@actor entity Agent in [Team];
@person entity Employee in [Team];
entity Ticket = { project: String };
@open entity Thing;
@task("Do something with one thing") @name("t") @ttl("8h") entity T = { actor: Agent, thing: Thing };
action a0, a1 appliesTo { principal: [T], resource: [Thing] };
)";

const std::vector<std::string> kPeople = {"ann", "bob", "eve"};
const std::vector<std::string> kThings = {"p", "q", "x"};

// One catalog of the family.
struct Spec {
  std::array<int, 2> gives{};       // by action: nothing, the task's own thing, that and `x`
  std::array<bool, 2> forbids_x{};  // by action
  bool may_start = true;
  int start_needs = 0;
  std::set<std::string> approvers, loaders;
  int load_needs = 0;

  // One that differs from this in a little: what comes and goes between two yeses is what matters.
  Spec Next() const {
    Spec spec = *this;
    const int a = *rc::gen::inRange(0, 2);
    const std::string id = *rc::gen::elementOf(kPeople);
    const auto toggle = [&](std::set<std::string>& in) {
      if (in.erase(id) == 0) in.insert(id);
    };
    switch (*rc::gen::weightedElement<int>({{8, 0}, {3, 1}, {1, 2}, {2, 3}, {2, 4}, {1, 5}, {1, 6}})) {
      case 0: spec.gives[a] = *rc::gen::inRange(0, 3); break;
      case 1: spec.forbids_x[a] = !spec.forbids_x[a]; break;
      case 2: spec.may_start = !spec.may_start; break;
      case 3: spec.start_needs = *rc::gen::weightedElement<int>({{1, 0}, {2, 1}, {3, 2}}); break;
      case 4: toggle(spec.approvers); break;
      case 5: toggle(spec.loaders); break;
      case 6: spec.load_needs = 1 - spec.load_needs; break;
    }
    return spec;
  }

  // What the family means.
  bool Gives(int action, const std::string& own, const std::string& thing) const {
    if (thing == "x" && forbids_x[action]) return false;
    return (gives[action] >= 1 && thing == own) || (gives[action] == 2 && thing == "x");
  }
  bool AnyLoader() const {
    return std::ranges::any_of(loaders, [&](const std::string& id) { return load_needs == 0 || approvers.size() > approvers.count(id); });
  }

  std::string Policies() const {
    std::string text = "permit (principal == Agent::\"helpdesk\", action == Remit::Action::\"enforce\", resource);\n";
    for (int a : {0, 1}) {
      const std::string action = fmt::format("action == Action::\"a{}\"", a);
      if (gives[a] >= 1) text += fmt::format("permit (principal is T, {}, resource) when {{ resource == principal.thing }};\n", action);
      if (gives[a] == 2) text += fmt::format("permit (principal is T, {}, resource == Thing::\"x\");\n", action);
      if (forbids_x[a]) text += fmt::format("forbid (principal is T, {}, resource == Thing::\"x\");\n", action);
    }
    if (may_start) text += "permit (principal == Agent::\"bot\", action == Remit::Action::\"start\", resource);\n";
    if (start_needs > 0)
      text += fmt::format("@unless_approved(\"{}\") forbid (principal, action == Remit::Action::\"start\", resource);\n", start_needs);
    for (const std::string& id : approvers)
      text += fmt::format("permit (principal == Employee::\"{}\", action == Remit::Action::\"approve\", resource);\n", id);
    for (const std::string& id : loaders)
      text += fmt::format("permit (principal == Employee::\"{}\", action == Remit::Action::\"catalog.load\", resource);\n", id);
    if (load_needs > 0) text += "@unless_approved(\"1\") forbid (principal, action == Remit::Action::\"catalog.load\", resource);\n";
    return text + fmt::format("// {}\n", *rc::gen::inRange(0, 1 << 20));  // so that each is another catalog
  }
};

using Given = std::set<std::pair<int, std::string>>;

struct Request {
  Spec pinned;
  std::string own;
  std::map<std::string, Given> yes;  // who said yes, and what it would have given at that moment
  bool active = false, over = false;
};

struct Pending {
  Spec spec;
  std::string by;
  bool end_older = false;
  int base = 0;  // which load it was asked under
};

class World {
 public:
  World() : spec_(First()) { RC_ASSERT(LoadAs(Bench::Operator(), spec_, false).value().loaded); }

  static Spec First() {
    Spec spec;
    spec.gives = {2, 1};
    spec.start_needs = 2;
    spec.approvers = {"ann", "bob"};
    spec.loaders = {"ann", "bob"};
    spec.load_needs = 0;
    return spec;
  }

  Result<CatalogAnswer> LoadAs(const Caller& by, const Spec& spec, bool end_older) {
    std::optional<Result<CatalogAnswer>> answer;
    bench_.broker().LoadCatalog(by, {{"f.cedarschema", std::string(kFamilySchema)}, {"f.cedar", spec.Policies()}},
                                LoadOptions{.end_older = end_older}, [&](Result<CatalogAnswer> a) { answer = std::move(a); });
    bench_.Settle();
    RC_ASSERT(answer.has_value());
    return *std::move(answer);
  }

  Given Now(const Request& request) const {
    Given given;
    for (int a : {0, 1})
      for (const std::string& thing : kThings)
        if (request.pinned.Gives(a, request.own, thing) && spec_.Gives(a, request.own, thing)) given.emplace(a, thing);
    return given;
  }

  void Load() {
    const Spec next = *rc::gen::inRange(0, 3) == 0 ? *rc::gen::elementOf(history_) : spec_.Next();  // what was comes back
    const bool end_older = *rc::gen::inRange(0, 12) == 0, as_operator = *rc::gen::inRange(0, 5) == 0;
    const std::string by = Somebody(spec_.loaders);
    const auto answer = LoadAs(as_operator ? Bench::Operator() : bench_.Person(by), next, end_older);
    if (!answer) return;
    if (answer->loaded) {  // at once: by whom the catalog before permits it alone, or by the operator while nobody else could
      RC_ASSERT((as_operator ? !spec_.AnyLoader() : spec_.loaders.contains(by) && spec_.load_needs == 0));
      return Came(next, end_older);
    }
    RC_ASSERT(!as_operator && spec_.loaders.contains(by) && spec_.load_needs > 0);
    pending_[answer->approval] = {next, by, end_older, loads_};
  }

  // Mostly one who may.
  static std::string Somebody(const std::set<std::string>& who_may) {
    const std::vector<std::string> some(who_may.begin(), who_may.end());
    return *rc::gen::elementOf(some.empty() || *rc::gen::inRange(0, 4) == 0 ? kPeople : some);
  }

  void Came(const Spec& next, bool end_older) {
    spec_ = next;
    history_.push_back(next);
    ++loads_;
    if (end_older)
      for (auto& [id, request] : requests_) request.over = true;
  }

  void ApproveLoad() {
    if (pending_.empty()) return;
    const auto [id, change] = *rc::gen::elementOf(std::vector<std::pair<std::string, Pending>>(pending_.begin(), pending_.end()));
    const std::string person = Somebody(spec_.approvers);
    if (!bench_.Approve(bench_.Person(person), id)) return;
    RC_ASSERT(change.base == loads_);  // a yes is to a change of what was in force then
    RC_ASSERT(person != change.by && spec_.approvers.contains(person) && spec_.loaders.contains(change.by));
    pending_.erase(id);
    Came(change.spec, change.end_older);
  }

  void Start() {
    const std::string own = *rc::gen::element<std::string>("p", "q");
    const auto started = bench_.Start("t", {{"thing", own}});
    if (!started) return;
    Request request{spec_, own, {}, false, false};
    request.active = started->task.state == task::State::kActive;
    RC_ASSERT(spec_.may_start && (!request.active || spec_.start_needs == 0));
    requests_[started->task.id] = request;
  }

  void ApproveStart() {
    std::vector<std::string> waiting;
    for (const auto& [id, request] : requests_)
      if (!request.active && !request.over) waiting.push_back(id);
    if (waiting.empty()) return;
    const std::string id = *rc::gen::elementOf(waiting), person = Somebody(spec_.approvers);
    const auto said = bench_.Approve(bench_.Person(person), "apv_" + id.substr(4));
    Request& request = requests_[id];
    if (said) {
      RC_ASSERT(spec_.approvers.contains(person));
      request.yes[person] = Now(request);
    }
    const std::string state = bench_.StateOf(id);
    if (state != "active") {
      request.over = state != "requested";
      return;
    }
    // It came to life: by enough people, who may say yes now, each of whom said yes to exactly what it is given.
    request.active = true;
    int counted = 0;
    for (const auto& [who, saw] : request.yes) counted += spec_.approvers.contains(who) && saw == Now(request);
    RC_ASSERT(spec_.may_start && counted >= std::max(1, spec_.start_needs));
  }

  void CheckUse() {
    for (const auto& [id, request] : requests_) {
      const Given given = Now(request);
      for (int a : {0, 1})
        for (const std::string& thing : kThings) {
          std::optional<Result<UseAnswer>> answer;
          bench_.broker().Evaluate(Bench::Agent("helpdesk"), Bench::Question(id, fmt::format("a{}", a), "Thing", thing),
                                   [&](Result<UseAnswer> got) { answer = std::move(got); });
          RC_ASSERT(answer && answer->has_value());
          RC_ASSERT((*answer)->allowed == (request.active && !request.over && given.contains({a, thing})));
        }
    }
  }

  void Restart() { bench_.Restart(); }

 private:
  Bench bench_;
  Spec spec_;
  std::vector<Spec> history_ = {spec_};
  int loads_ = 0;
  std::map<std::string, Request> requests_;
  std::map<std::string, Pending> pending_;
};

void LiveThroughChanges() {
  World world;
  for (int step = *rc::gen::inRange(1, 60); step > 0; --step) {
    switch (*rc::gen::weightedElement<int>({{5, 0}, {3, 1}, {2, 2}, {8, 3}, {1, 4}})) {
      case 0: world.Load(); break;
      case 1: world.ApproveLoad(); break;
      case 2: world.Start(); break;
      case 3: world.ApproveStart(); break;
      case 4: world.Restart(); break;
    }
    world.CheckUse();
  }
}

// Each round is 100 lives; a yes to less that became one to more was found in the first 200.
TEST(CatalogChange, NoSequenceGivesWhatNobodyApproved) {
  for (int round = 0; round < 4; ++round) EXPECT_TRUE(rc::check(LiveThroughChanges));
}

class CatalogChangeTest : public BrokerTest {
 protected:
  CatalogAnswer Load(const std::string& policies, LoadOptions options) {
    std::optional<Result<CatalogAnswer>> answer;
    bench.broker().LoadCatalog(Bench::Operator(), {{"t.cedarschema", std::string(kSchema)}, {"t.cedar", policies}}, options,
                               [&](Result<CatalogAnswer> a) { answer = std::move(a); });
    bench.Settle();
    EXPECT_TRUE(answer && answer->has_value());
    return answer && *answer ? **answer : CatalogAnswer{};
  }
  static std::string Without(const std::string& id) {
    std::string text(kPolicies);
    const std::size_t begin = text.find("@id(\"" + id + "\")");
    return text.erase(begin, text.find('\n', begin) - begin);
  }
};

TEST_F(CatalogChangeTest, ADryRunSaysWhoWouldLoseWhatAndChangesNothing) {
  const StartAnswer triage = Triage();
  const auto box = bench.Start("box", {{"box", "a"}});
  const std::string before = bench.broker().catalog()->hash();
  const CatalogAnswer one = Load(Without("comment"), {.dry_run = true});
  ASSERT_EQ(one.losers, 1u);
  EXPECT_EQ(*one.losses[0].FindString("task"), triage.task.id);
  EXPECT_FALSE(one.losses[0].Find("ends")->AsBool());
  ASSERT_EQ(one.losses[0].Find("loses")->AsArray().size(), 1u);
  EXPECT_EQ(*one.losses[0].Find("loses")->AsArray()[0].FindString("action"), R"(Action::"ticket.comment")");
  // What is held at a target and would be too wide ends.
  const CatalogAnswer two = Load(Without("box"), {.dry_run = true});
  EXPECT_EQ(two.narrowed, (std::vector<std::string>{box->task.id}));
  EXPECT_TRUE(two.losses.at(0).Find("ends")->AsBool());
  EXPECT_EQ(Load(std::string(kPolicies) + "\n", {.dry_run = true, .end_older = true}).losers, 2u);
  EXPECT_EQ(Load(std::string(kPolicies) + "\n", {.dry_run = true}).losers, 0u);
  EXPECT_EQ(bench.broker().catalog()->hash(), before);
  EXPECT_EQ(bench.StateOf(box->task.id), "active");
}

TEST_F(CatalogChangeTest, EndOlderEndsWhatStartedUnderAnotherAlsoAfterACrash) {
  const StartAnswer triage = Triage();
  const auto asked = bench.Start("change", {{"ticket", "T-1"}});
  bench.store().HoldCommits();
  bench.broker().LoadCatalog(Bench::Operator(), {{"t.cedarschema", std::string(kSchema)}, {"t.cedar", std::string(kPolicies) + "\n"}},
                             LoadOptions{.end_older = true}, [](auto) {});
  bench.store().ReleaseCommits();
  bench.Settle();
  EXPECT_EQ(bench.StateOf(triage.task.id), "revoked");
  EXPECT_EQ(bench.StateOf(asked->task.id), "denied");
  EXPECT_EQ(bench.StateOf(Triage().task.id), "active");
  bench.Restart();
  EXPECT_EQ(bench.StateOf(triage.task.id), "revoked");
}

TEST_F(CatalogChangeTest, AStartUnderTheOldOneThatLandsAfterIsEndedToo) {
  bench.store().HoldCommits();
  std::optional<Result<StartAnswer>> started;
  StartRequest request;
  request.type = "triage";
  request.parameters = json::Object{{"ticket", "T-1"}};
  std::optional<Result<CatalogAnswer>> loaded;
  bench.broker().LoadCatalog(Bench::Operator(), {{"t.cedarschema", std::string(kSchema)}, {"t.cedar", std::string(kPolicies) + "\n"}},
                             LoadOptions{.end_older = true}, [&](Result<CatalogAnswer> a) { loaded = std::move(a); });
  bench.broker().Start(Bench::Agent(), request, [&](Result<StartAnswer> a) { started = std::move(a); });  // the old one is in force still
  bench.store().ReleaseCommits();
  bench.Settle();
  ASSERT_TRUE(loaded && loaded->has_value());
  EXPECT_EQ(bench.broker().ListTasks(Bench::Operator(), {})->Find("tasks")->AsArray().size(), 0u);
}

TEST_F(CatalogChangeTest, AYesToLessIsNoYesToMore) {
  const auto asked = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(asked.has_value());
  // While a narrower catalog is in force, ann reads what is shown, and says yes. Then the wider one comes back, and bob says yes.
  Load(Without("change"), {});
  const auto reason_of = [](const Result<json::Value>& said) { return said ? "" : said.error().reason; };
  EXPECT_EQ(reason_of(bench.Approve(bench.Person("ann"), asked->approval)), "request-changed");
  ASSERT_TRUE(bench.Approve(bench.Person("ann"), asked->approval).has_value());
  Load(std::string(kPolicies), {});
  EXPECT_EQ(reason_of(bench.Approve(bench.Person("bob"), asked->approval)), "request-changed");
  ASSERT_TRUE(bench.Approve(bench.Person("bob"), asked->approval).has_value());
  EXPECT_EQ(bench.StateOf(asked->task.id), "requested");  // ann's is void
  ASSERT_TRUE(bench.Approve(bench.Person("ann"), asked->approval).has_value());
  EXPECT_EQ(bench.StateOf(asked->task.id), "active");
}

}  // namespace
}  // namespace remit::broker
