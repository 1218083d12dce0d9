// Decisions in process: a whole broker with live tasks, without HTTP and without a disk. What is measured is what happens between "the
// question was read" and "the answer is there": the token is looked up by its hash, the enforcement point's right to ask is decided, the
// task's policies are evaluated, and the answer is counted.
//
// The argument is the number of live tasks; questions go round over a thousand of them, so that most are not in the processor's cache.
#include <benchmark/benchmark.h>

#include <fstream>
#include <sstream>
#include <vector>

#include <fmt/format.h>

#include "broker/broker.h"
#include "json/read.h"
#include "store/memory/memory_store.h"
#include "task/decision.h"

namespace remit::bench {
namespace {

using broker::Caller;

std::string ReadFile(const std::string& name) {
  std::ifstream file(std::string(REMIT_SOURCE_DIR) + "/bench/catalog/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

template <class T>
T Must(Result<T> result) {
  if (!result) {
    fmt::print(stderr, "error: {}\n", result.error().ToString());
    std::exit(1);
  }
  return *std::move(result);
}

const Caller kOperator{.kind = Caller::Kind::kOperator, .uid = {"Remit::Operator", "bench"}, .task = {}, .signed_in = {}, .session = {}};
const Caller kClient{.kind = Caller::Kind::kActor, .uid = {"Client", "client"}, .task = {}, .signed_in = {}, .session = {}};
const Caller kGateway{.kind = Caller::Kind::kActor, .uid = {"Gateway", "gateway"}, .task = {}, .signed_in = {}, .session = {}};

std::vector<task::CatalogFile> Files() { return {{"bench.cedarschema", ReadFile("bench.cedarschema")}, {"bench.cedar", ReadFile("bench.cedar")}}; }

// A broker with `count` live tasks, task i for Item::"item-i".
class World {
 public:
  explicit World(std::size_t count) {
    broker::Parts parts{store_, clock_, rng_, timers_, workers_, master_, {}, "http://bench.test"};
    broker_ = Must(broker::Broker::Open(std::move(parts)));
    broker_->LoadCatalog(kOperator, Files(), false, [](auto a) { Must(std::move(a)); });
    broker_->PutFacts(kOperator, Must(json::Parse(ReadFile("facts.json"))), true, [](auto a) { Must(std::move(a)); });
    for (const Caller* actor : {&kClient, &kGateway})
      broker_->PutActor(kOperator, {actor->uid, actor->uid.id, nullptr, std::nullopt, false}, [](auto a) { Must(std::move(a)); });
    for (std::size_t i = 0; i < count; ++i) {
      broker::StartRequest start;
      start.type = "work";
      start.parameters = json::Object{{"item", fmt::format("item-{}", i)}};
      broker_->Start(kClient, std::move(start), [&](auto a) { tokens_.emplace_back(Must(std::move(a)).token.Reveal()); });
    }
  }

  bool Evaluate(std::size_t token, std::size_t item) {
    broker::UseRequest question;
    question.token = tokens_[token];
    question.action = {"Action", "read"};
    question.resource = {"Item", fmt::format("item-{}", item)};
    bool allowed = false;
    broker_->Evaluate(kGateway, std::move(question), [&](auto a) { allowed = a && a->allowed; });
    return allowed;
  }

  std::size_t count() const { return tokens_.size(); }

 private:
  SeededRng rng_{7};
  FakeClock clock_;
  io::FakeTimers timers_{clock_};
  io::InlineWorkers workers_;
  crypto::MasterKey master_ = crypto::MasterKey::Random(rng_);
  store::MemoryStore store_{rng_, store::MemoryStore::Mode::kInline};
  std::unique_ptr<broker::Broker> broker_;
  std::vector<std::string> tokens_;
};

World& WorldOf(std::size_t count) {
  static std::map<std::size_t, std::unique_ptr<World>> worlds;
  auto& world = worlds[count];
  if (!world) world = std::make_unique<World>(count);
  return *world;
}

void Run(benchmark::State& state, bool allow) {
  World& world = WorldOf(static_cast<std::size_t>(state.range(0)));
  const std::size_t round = std::min<std::size_t>(world.count(), 1000), step = world.count() / round;
  std::size_t i = 0;
  for (auto _ : state) {
    std::size_t token = i++ % round * step;
    if (world.Evaluate(token, allow ? token : token + 1) != allow) return state.SkipWithError("the wrong decision");
  }
  state.SetItemsProcessed(state.iterations());
}
void Allow(benchmark::State& state) { Run(state, true); }
void Deny(benchmark::State& state) { Run(state, false); }
BENCHMARK(Allow)->Arg(1)->Arg(100000);
BENCHMARK(Deny)->Arg(1)->Arg(100000);

// The policies alone.
void Policies(benchmark::State& state) {
  task::Catalog::Loaded loaded = task::Catalog::Load(Files());
  if (!loaded.catalog) return state.SkipWithError(loaded.errors.front().ToError().ToString().c_str());
  auto facts = Must(cedar::Entities::FromJson(Must(json::Parse(ReadFile("facts.json"))), &loaded.catalog->schema()));
  task::TaskRecord record;
  record.id = "tsk_bench";
  record.type = "Work";
  record.actor = kClient.uid;
  record.parameters = json::Object{{"item", json::Object{{"__entity", json::Object{{"type", "Item"}, {"id", "item-1"}}}}}};
  cedar::OverlayEntities entities(facts);
  auto entity = std::make_shared<const cedar::Entity>(task::TaskEntity(*loaded.catalog->FindType("Work"), record, loaded.catalog->schema()));
  entities.Add(entity);
  cedar::Request request{entity->uid, {"Action", "read"}, {"Item", "item-1"}, cedar::Value::FromRecord({})};
  auto none = [](const std::string&) { return 0u; };
  for (auto _ : state) {
    if (task::Decide(*loaded.catalog, request, entities, none, none).verdict != task::Decision::Verdict::kAllow) return state.SkipWithError("denied");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Policies);

}  // namespace
}  // namespace remit::bench

BENCHMARK_MAIN();
