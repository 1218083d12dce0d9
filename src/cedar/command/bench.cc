// cedar bench: loads once, then measures decisions: each alone for the distribution, whole passes for the mean.
#include <sys/resource.h>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cedar/command/command.h"
#include "cedar/command/decider.h"
#include "cedar/command/inputs.h"
#include "cedar/validator.h"
#include "json/write.h"

namespace remit::cedar::command {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

// Runs `what` some times (once where nothing is to be measured), and notes the best: what a quiet machine needs. Milliseconds.
template <class F>
auto Timed(json::Object& into, std::string_view name, bool once, F what) {
  double best = 1e300;
  auto result = what();
  if (once) return result;
  const Clock::time_point begin = Clock::now();
  for (int i = 0; i < 20 && (i < 2 || Seconds(Clock::now() - begin) < 1); ++i) {
    const Clock::time_point one = Clock::now();
    auto again = what();
    best = std::min(best, Seconds(Clock::now() - one));
    result = std::move(again);
  }
  into.Set(name, best * 1000);
  return result;
}

// How often this thread had to give up its processor.
long Switches() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw + usage.ru_nvcsw;
}

// What two readings of the clock cost, to be taken off each sample. Nanoseconds.
std::int64_t ClockCost() {
  std::vector<std::int64_t> costs(1001);
  for (std::int64_t& cost : costs) {
    const Clock::time_point begin = Clock::now();
    cost = (Clock::now() - begin).count();
  }
  std::ranges::nth_element(costs, costs.begin() + 500);
  return costs[500];
}

// `decide(i)` decides request i.
template <class F>
json::Object Measure(std::size_t requests, double seconds, F decide) {
  const auto pass = [&] {
    for (std::size_t i = 0; i < requests; ++i) decide(i);
  };
  Clock::time_point begin = Clock::now();
  do pass();
  while (Seconds(Clock::now() - begin) < seconds * 0.2);

  const std::int64_t cost = ClockCost();
  std::vector<std::int64_t> samples;
  begin = Clock::now();
  do {
    for (std::size_t i = 0; i < requests; ++i) {
      const Clock::time_point one = Clock::now();
      decide(i);
      samples.push_back(std::max<std::int64_t>((Clock::now() - one).count() - cost, 0));
    }
  } while (Seconds(Clock::now() - begin) < seconds * 0.4);
  std::ranges::sort(samples);
  const auto at = [&](double share) { return samples[static_cast<std::size_t>(static_cast<double>(samples.size() - 1) * share)]; };

  double total = 0, best = 1e300;
  std::int64_t undisturbed = 0, passes = 0;
  begin = Clock::now();
  do {
    const long switches = Switches();
    const Clock::time_point one = Clock::now();
    pass();
    const double took = Seconds(Clock::now() - one);
    best = std::min(best, took);
    ++passes;
    if (Switches() != switches) continue;
    total += took;
    ++undisturbed;
  } while (Seconds(Clock::now() - begin) < seconds * 0.4);
  const double mean = undisturbed > 0 ? total / static_cast<double>(undisturbed) : best;
  return json::Object{{"min_ns", samples.front()},
                      {"median_ns", at(0.5)},
                      {"p90_ns", at(0.9)},
                      {"p99_ns", at(0.99)},
                      {"mean_ns", mean * 1e9 / static_cast<double>(requests)},
                      {"samples", std::ssize(samples)},
                      {"passes", passes},
                      {"undisturbed_passes", undisturbed}};
}

Result<std::vector<Request>> ReadRequests(const std::string& file, const Schema* schema) {
  REMIT_ASSIGN(const json::Value document, ReadJson(file));
  if (!document.IsArray() || document.AsArray().empty())
    return Fail(Error(Code::kInvalidArgument, "bad-requests", "the requests are not a JSON array with members")
                    .At(ShownName(file))
                    .Hint("write [{\"principal\": …, \"action\": …, \"resource\": …, \"context\": {}}]"));
  std::vector<Request> requests;
  for (const json::Value& member : document.AsArray()) {
    auto request = RequestFromJson(member, schema);
    if (!request) return Fail(In(fmt::format("{}/{}", ShownName(file), requests.size()), std::move(request.error())));
    requests.push_back(*std::move(request));
  }
  return requests;
}

std::string DecisionLines(const Decider& decider, std::size_t requests) {
  std::string lines;
  for (std::size_t i = 0; i < requests; ++i) {
    const Response response = decider.Answer(i);
    json::Array failed;
    for (const PolicyError& error : response.errors) failed.push_back(error.policy);
    json::WriteTo(
        json::Object{
            {"decision", response.allowed ? "allow" : "deny"}, {"reason", json::StringArray(response.determining)}, {"errors", std::move(failed)}},
        lines);
    lines += '\n';
  }
  return lines;
}

struct Inputs {
  PolicyInput policies;
  SchemaInput schema;
  EntityInput entities;
  std::optional<std::string> requests, decisions;
  std::optional<std::int64_t> seconds, passes;
};

Result<int> RunBench(const Inputs& inputs) {
  json::Object load;
  const bool once = inputs.passes.has_value();
  const auto schema = Timed(load, "schema_ms", once, [&] { return inputs.schema.Read(); });
  if (!schema) return std::unexpected(schema.error());
  const Schema* known = *schema ? &**schema : nullptr;
  if (known == nullptr) load.Erase("schema_ms");
  REMIT_ASSIGN(const std::string policy_text, inputs.policies.Text());
  auto policies = Timed(load, "parse_ms", once, [&] { return inputs.policies.ReadFrom(policy_text); });
  if (!policies) return std::unexpected(policies.error());
  if (known != nullptr) {
    const std::vector<Diagnostic> findings = Timed(load, "validate_ms", once, [&] { return Validate(*known, policies->policies); });
    for (const Diagnostic& finding : findings) PrintFinding(finding);
  }
  const auto set = Timed(load, "compile_ms", once, [&] { return PolicySet::Build(policies->policies); });
  if (!set) return std::unexpected(set.error());
  REMIT_ASSIGN(const std::string entity_text, inputs.entities.Text());
  const auto entities = Timed(load, "entities_ms", once, [&] { return inputs.entities.ReadFrom(entity_text, known); });
  if (!entities) return std::unexpected(entities.error());
  REMIT_ASSIGN(std::vector<Request> requests, ReadRequests(*inputs.requests, known));
  const std::size_t count = requests.size();
  Decider decider(*set, *entities, std::move(requests));
  if (inputs.decisions) REMIT_TRY(WriteText(*inputs.decisions, DecisionLines(decider, count)));

  json::Object report{
      {"engine", "remit"}, {"policies", std::ssize(set->policies())}, {"entities", entities->size()}, {"requests", count}, {"load", std::move(load)}};
  if (inputs.passes) {
    for (std::int64_t pass = 0; pass < *inputs.passes; ++pass) {
      for (std::size_t i = 0; i < count; ++i) decider.Full(i);
    }
    return PrintJson(report), kOk;
  }
  const double seconds = static_cast<double>(inputs.seconds.value_or(2));
  report.Set("full", Measure(count, seconds, [&](std::size_t i) { decider.Full(i); }));
  report.Set("copied", Measure(count, seconds, [&](std::size_t i) { decider.Copied(i); }));
  report.Set("decision_only", Measure(count, seconds, [&](std::size_t i) { decider.DecisionOnly(i); }));
  return PrintJson(report), kOk;
}

}  // namespace

Result<int> Bench(Words words) {
  Inputs inputs;
  Options options("bench", "measures decisions: minimum, median, p90, p99, mean, and load times, as JSON");
  inputs.policies.AddTo(options, false);
  inputs.schema.AddTo(options);
  inputs.entities.AddTo(options);
  options.Value('\0', "requests", inputs.requests, "FILE", "a JSON array of {\"principal\", \"action\", \"resource\", \"context\"}")
      .Value('\0', "decisions", inputs.decisions, "FILE", "write decision, reason and errors of each request there, a line each")
      .Number('\0', "seconds", inputs.seconds, "N", "how long to measure each way to ask; without it: 2")
      .Number('\0', "passes", inputs.passes, "N", "no clock: decide all requests N times, for a profiler")
      .Example("cedar bench --policies policies.cedar --schema schema.json --entities entities_20.json --requests requests_20.json");
  REMIT_ASSIGN(const bool run, options.Parse(words));
  if (!run) return kOk;
  ShowErrorsAsJson(false);
  if (!inputs.policies.file || !inputs.requests)
    return Fail(Code::kInvalidArgument, "usage", "`cedar bench` needs --policies and --requests", "cedar bench --help");
  for (const std::optional<std::string>* file : {&inputs.policies.file, &inputs.policies.links, &inputs.schema.file, &inputs.entities.file}) {
    if (*file == "-" && !inputs.passes)
      return Fail(Code::kInvalidArgument, "usage", "`cedar bench` reads its inputs more than once, and standard input can be read once",
                  "name a file for all but --requests");
  }
  return RunBench(inputs);
}

}  // namespace remit::cedar::command
