// The policy engine by itself: decisions of three applications at three sizes, policy sets in which few or all policies match, and loading.
//
//   bench_cedar [Google Benchmark's options]    times
//   bench_cedar --once NAME                     one benchmark's decisions in one pass of MeasuredPass(), and how many they are: for
//                                               valgrind --tool=callgrind --toggle-collect='remit::bench::MeasuredPass*'
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <vector>

#include <fmt/format.h>

#include "cedar/authorizer.h"
#include "cedar/parser.h"
#include "json/read.h"

namespace remit::bench {

namespace {

template <class T>
T Must(Result<T> result) {
  if (!result) {
    fmt::print(stderr, "error: {}\n", result.error().ToString());
    std::exit(1);
  }
  return *std::move(result);
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::filesystem::path Folder(const std::string& app) {
  return std::filesystem::path(REMIT_SOURCE_DIR).parent_path() / "shared/data/cedar/bench" / app;
}

cedar::EntityUid Uid(const json::Value& value) { return Must(cedar::EntityUidFromJson(value)); }

// The groups that the schema declares for actions of the empty namespace.
void AddActions(const json::Value& schema, json::Array& entities) {
  for (const auto& [name, action] : schema.Find("")->Find("actions")->AsObject()) {
    json::Array parents;
    if (const json::Value* groups = action.Find("memberOf"); groups != nullptr && groups->IsArray()) {
      for (const json::Value& group : groups->AsArray()) parents.push_back(json::Object{{"type", "Action"}, {"id", *group.FindString("id")}});
    }
    entities.push_back(
        json::Object{{"uid", json::Object{{"type", "Action"}, {"id", name}}}, {"attrs", json::Object{}}, {"parents", std::move(parents)}});
  }
}

struct World {
  cedar::PolicySet policies;
  cedar::Entities entities;
  std::vector<cedar::Request> requests;
  std::vector<std::pair<std::shared_ptr<const cedar::Entity>, std::shared_ptr<const cedar::Entity>>> on_top;  // principal and resource of each
};

// As a broker asks: the task and what is vouched for of the resource stand on top of the store.
World WithOnTop(World world) {
  auto copy = [&](const cedar::EntityUid& uid) {
    const cedar::Entity* known = world.entities.Find(uid);
    return std::make_shared<const cedar::Entity>(known != nullptr ? *known : cedar::Entity{uid, {}, {}, {}});
  };
  for (const cedar::Request& request : world.requests) world.on_top.emplace_back(copy(request.principal), copy(request.resource));
  return world;
}

World Application(const std::string& app, int size) {
  const auto folder = Folder(app);
  World world;
  world.policies = Must(cedar::PolicySet::Build(Must(cedar::ParsePolicies(ReadFile(folder / "policies.cedar"), "policies.cedar"))));
  json::Value document = Must(json::Parse(ReadFile(folder / fmt::format("entities_{}.json", size))));
  AddActions(Must(json::Parse(ReadFile(folder / "schema.json"))), document.AsArray());
  world.entities = Must(cedar::Entities::FromJson(document, nullptr));
  const json::Value requests = Must(json::Parse(ReadFile(folder / fmt::format("requests_{}.json", size))));
  for (const json::Value& request : requests.AsArray()) {
    world.requests.push_back({Uid(*request.Find("principal")), Uid(*request.Find("action")), Uid(*request.Find("resource"))});
  }
  return world;
}

// Users u0 … in groups g0 …, ten a group; documents d0 … in folders f0 …, ten a folder.
cedar::Entities Hierarchy(int count) {
  std::vector<cedar::Entity> entities;
  for (int i = 0; i < count; ++i) {
    entities.push_back({.uid = {"User", fmt::format("u{}", i)},
                        .attributes = {{"level", i % 10}, {"dept", fmt::format("dept{}", i % 7)}},
                        .tags = {},
                        .parents = {{"Group", fmt::format("g{}", i / 10)}}});
    entities.push_back({.uid = {"Doc", fmt::format("d{}", i)},
                        .attributes = {{"owner", cedar::EntityUid{"User", fmt::format("u{}", i)}}, {"public", i % 2 == 0}},
                        .tags = {},
                        .parents = {{"Folder", fmt::format("f{}", i / 10)}}});
  }
  return Must(cedar::Entities::Build(std::move(entities)));
}

// Parsed in pieces, as one text may not be as long as all.
cedar::PolicySet Set(int count, const std::function<std::string(int)>& policy) {
  std::vector<cedar::PolicyPtr> all;
  for (int i = 0; i < count;) {
    const std::string prefix = fmt::format("{}_", i / 10'000);
    std::string text;
    do text += policy(i);
    while (++i < count && i % 10'000 != 0);
    for (cedar::PolicyPtr& parsed : Must(cedar::ParsePolicies(text, "bench.cedar", prefix))) all.push_back(std::move(parsed));
  }
  return Must(cedar::PolicySet::Build(std::move(all)));
}

// `count` policies, of which a request meets as many at any count: one by its user, one by its group, one by its document.
World Selective(int count) {
  auto policy = [](int i) {
    switch (i % 3) {
      case 0: return fmt::format("permit(principal == User::\"u{}\", action == Action::\"read\", resource);\n", i / 3);
      case 1: return fmt::format("permit(principal in Group::\"g{}\", action == Action::\"read\", resource) when {{ resource.public }};\n", i / 3);
      default:
        return fmt::format(
            "forbid(principal, action in [Action::\"read\", Action::\"write\"], resource == Doc::\"d{}\") when {{ principal.level == 9 }};\n", i / 3);
    }
  };
  World world;
  world.policies = Set(count, policy);
  world.entities = Hierarchy(200);
  for (int i = 0; i < 30; ++i)
    world.requests.push_back({{"User", fmt::format("u{}", i)}, {"Action", i % 7 == 0 ? "delete" : "read"}, {"Doc", fmt::format("d{}", i * 7 % 30)}});
  return world;
}

// Every scope matches, and every other condition holds.
World Conditions(int count) {
  World world;
  world.policies = Set(count, [](int i) {
    return fmt::format("permit(principal, action == Action::\"read\", resource) when {{ principal.level {} {} && resource.owner == principal }};\n",
                       i % 2 == 0 ? "<" : ">", 5 + i % 5);
  });
  world.entities = Hierarchy(200);
  for (int i = 0; i < 5; ++i) world.requests.push_back({{"User", fmt::format("u{}", i)}, {"Action", "read"}, {"Doc", fmt::format("d{}", i)}});
  return world;
}

}  // namespace

// All requests once; how many were allowed.
[[gnu::noinline]] std::size_t MeasuredPass(const World& world, std::string_view way) {
  std::size_t allowed = 0;
  if (way == "alone") {
    for (const cedar::Request& request : world.requests) allowed += world.policies.IsAllowed(request, world.entities);
  } else if (way == "reused") {
    cedar::Answer answer;
    for (const cedar::Request& request : world.requests) world.policies.Decide(request, world.entities, answer), allowed += answer.allowed;
  } else if (way == "overlay") {
    const cedar::OverlayEntities view(world.entities);
    for (const cedar::Request& request : world.requests) allowed += world.policies.IsAuthorized(request, view).allowed;
  } else if (way == "on-top") {
    for (std::size_t i = 0; i < world.requests.size(); ++i) {
      cedar::OverlayEntities view(world.entities);
      view.Add(world.on_top[i].first), view.Add(world.on_top[i].second);
      allowed += world.policies.IsAuthorized(world.requests[i], view).allowed;
    }
  } else {
    for (const cedar::Request& request : world.requests) allowed += world.policies.IsAuthorized(request, world.entities).allowed;
  }
  return allowed;
}

namespace {

// With everything in the answer; the same in an answer that is used again; the decision alone; everything, over a view; and over one that has
// principal and resource on top of the store.
constexpr std::string_view kWays[] = {"full", "reused", "alone", "overlay", "on-top"};

void Run(benchmark::State& state, const std::function<World()>& make, std::string_view way) {
  const World world = WithOnTop(make());
  for (auto _ : state) benchmark::DoNotOptimize(MeasuredPass(world, way));
  state.counters["decision"] =
      benchmark::Counter(static_cast<double>(world.requests.size()), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

std::vector<std::pair<std::string, std::function<World()>>> Worlds() {
  std::vector<std::pair<std::string, std::function<World()>>> worlds;
  for (const char* app : {"gdrive", "github", "tinytodo"}) {
    for (const int size : {5, 20, 50}) worlds.emplace_back(fmt::format("{}/{}", app, size), [=] { return Application(app, size); });
  }
  for (const int count : {10, 100, 1'000, 10'000, 100'000}) worlds.emplace_back(fmt::format("selective/{}", count), [=] { return Selective(count); });
  for (const int count : {1'000}) worlds.emplace_back(fmt::format("conditions/{}", count), [=] { return Conditions(count); });
  return worlds;
}

int Once(std::string_view name) {
  for (const auto& [world_name, make] : Worlds()) {
    for (const std::string_view way : kWays) {
      if (fmt::format("{}/{}", world_name, way) != name) continue;
      const World world = WithOnTop(make());
      const std::size_t allowed = MeasuredPass(world, way);
      fmt::print("{}: {} decisions, {} allowed\n", name, world.requests.size(), allowed);
      return 0;
    }
  }
  fmt::print(stderr, "error: no benchmark `{}`\n", name);
  return 1;
}

}  // namespace
}  // namespace remit::bench

int main(int argc, char** argv) {
  using namespace remit::bench;
  if (argc == 3 && std::string_view(argv[1]) == "--once") return Once(argv[2]);
  for (const auto& [name, make] : Worlds()) {
    for (const std::string_view way : kWays)
      benchmark::RegisterBenchmark(fmt::format("{}/{}", name, way).c_str(), [make, way](benchmark::State& state) { Run(state, make, way); });
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
