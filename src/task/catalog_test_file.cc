// See catalog_test_file.h.
#include "task/catalog_test_file.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/limits.h"
#include "json/object_reader.h"
#include "task/builtin_schema.h"
#include "task/decision.h"
#include "task/implied_entities.h"
#include "task/moment.h"

namespace remit::task {
namespace {

constexpr std::string_view kTestTask = "tsk_00000000000000000000000000";

struct Case {
  std::string name, task, actor, by, action, resource, expect, reason;
  json::Value params = json::Object{}, context = json::Object{}, entities = json::Array{};
  std::map<std::string, std::uint32_t> uses;
  std::uint32_t approvals = 0;
  bool start = false;
  std::optional<Time> time;
};

// When a case says no time: a Monday, twelve o'clock in UTC.
constexpr std::string_view kTestTime = "2026-01-05T12:00:00Z";

std::uint32_t Count(json::ObjectReader& r, std::string_view field, std::int64_t value) {
  if (value < 0 || value > 1'000'000) r.Refuse(field, "is a count from 0 on");
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(value, 0, 1'000'000));
}

Result<Case> ReadCase(const json::Value& value, const std::string& place) {
  json::ObjectReader r(value, place);
  Case c;
  c.name = r.OptionalString("name").value_or("");
  c.task = r.OptionalString("task").value_or("");
  c.actor = r.OptionalString("actor").value_or("");
  c.by = r.OptionalString("by").value_or("");
  c.action = r.OptionalString("action").value_or("");
  c.resource = r.OptionalString("resource").value_or("");
  c.expect = r.RequiredString("expect");
  c.reason = r.OptionalString("reason").value_or("");
  c.start = r.OptionalBool("start").value_or(false);
  if (const auto time = r.OptionalString("time")) {
    const auto parsed = ParseTime(*time);
    if (parsed) c.time = *parsed;
    if (!parsed) r.Refuse("time", parsed.error().message);
  }
  c.approvals = Count(r, "approvals", r.OptionalInt("approvals").value_or(0));
  if (const json::Object* params = r.OptionalObject("params")) c.params = *params;
  if (const json::Object* context = r.OptionalObject("context")) c.context = *context;
  if (const json::Array* entities = r.OptionalArray("entities")) c.entities = *entities;
  if (const json::Object* uses = r.OptionalObject("uses")) {
    for (const auto& [policy, count] : *uses) {
      if (!count.IsInt()) r.Refuse("uses", "maps ids of forbids to counts");
      c.uses[policy] = Count(r, "uses", count.IsInt() ? count.AsInt() : 0);
    }
  }
  if (c.expect != "allow" && c.expect != "deny" && c.expect != "needs-approval") r.Refuse("expect", "is one of `allow`, `deny`, `needs-approval`");
  if (c.start && (!c.by.empty() || !c.action.empty() || !c.resource.empty())) r.Refuse("start", "stands without `by`, `action` and `resource`");
  if (!c.start && c.action.empty()) r.Refuse("action", "is needed, or `start = true`");
  if (c.task.empty() && (c.by.empty() || c.resource.empty())) r.Refuse("task", "is needed, or `by` and `resource`");
  if (!c.task.empty() && c.actor.empty()) r.Refuse("actor", "is needed with `task`");
  if (c.by.empty() && !c.start && c.resource.empty()) r.Refuse("resource", "is needed");
  REMIT_TRY(r.Finish());
  return c;
}

// A whole uid, or a plain name: of an action, of a verb where a caller asks.
Result<cedar::EntityUid> ReadAction(const std::string& text, bool is_verb) {
  if (text.find("::\"") != std::string::npos) return cedar::EntityUid::Parse(text);
  return cedar::EntityUid{is_verb ? std::string(kVerbType) : "Action", text};
}

std::string_view VerdictName(Decision::Verdict verdict) {
  switch (verdict) {
    case Decision::Verdict::kAllow: return "allow";
    case Decision::Verdict::kDeny: return "deny";
    case Decision::Verdict::kNeedsApproval: return "needs-approval";
  }
  return "deny";
}

class Runner {
 public:
  Runner(const Catalog& catalog, const cedar::EntityView& facts) : catalog_(catalog), facts_(facts) {}

  // What came out, or why the case cannot be run.
  Result<Decision> Run(const Case& c, std::set<std::string>& reached) const {
    cedar::OverlayEntities view(facts_);
    REMIT_ASSIGN(const cedar::Entities extra, cedar::Entities::FromJson(c.entities, &catalog_.schema()));
    for (const cedar::Entity* entity : extra.All()) {
      if (catalog_.schema().FindAction(entity->uid) == nullptr) view.Add(std::make_shared<const cedar::Entity>(*entity));
    }
    cedar::Request request;
    std::optional<cedar::EntityUid> task;
    if (!c.task.empty()) {
      REMIT_ASSIGN(const cedar::Entity entity, MakeTask(c, view));
      task = entity.uid;
      view.Add(std::make_shared<const cedar::Entity>(entity));
    }
    const bool by_caller = c.start || !c.by.empty();
    if (by_caller) {
      REMIT_ASSIGN(request.principal, cedar::EntityUid::Parse(c.start ? c.actor : c.by));
    } else {
      request.principal = *task;
    }
    REMIT_ASSIGN(request.action, ReadAction(c.start ? "start" : c.action, by_caller));
    if (c.resource.empty()) {
      request.resource = *task;
    } else {
      REMIT_ASSIGN(request.resource, cedar::EntityUid::Parse(c.resource));
    }
    const cedar::ActionType* action = catalog_.schema().FindAction(request.action);
    if (action == nullptr) return Fail(Code::kInvalidArgument, "unknown-action", fmt::format("there is no action `{}`", request.action.ToString()));
    REMIT_ASSIGN(request.context, MakeContext(c, request, *action->context));
    Reach(request, view, reached);
    return Decide(
        catalog_, request, view, [&](const std::string& policy) { return c.uses.contains(policy) ? c.uses.at(policy) : 0; },
        [&](const std::string&) { return c.approvals; });
  }

 private:
  // What the case gives, and what Remit fills.
  Result<cedar::Value> MakeContext(const Case& c, const cedar::Request& request, const cedar::Type& declared) const {
    const TaskType* type = catalog_.FindType(catalog_.FindType(request.principal.type) != nullptr ? request.principal.type : request.resource.type);
    cedar::Record filled;
    FillMoment(declared, type == nullptr ? nullptr : type->timezone.get(), c.time.value_or(*ParseTime(kTestTime)), filled);
    if (request.action.type == kVerbType && declared.attributes.contains("open_reviews")) filled["open_reviews"] = 0;
    json::Object context = c.context.AsObject();
    for (const auto& [name, value] : filled) {
      if (!context.Contains(name)) {
        context.Set(name, value.ToJson());
      } else if (c.time && name != "open_reviews") {
        return Fail(Code::kInvalidArgument, "bad-context", fmt::format("the context gives `{}`, which `time` gives too", name));
      }
    }
    return catalog_.schema().ReadValue(context, declared);
  }

  Result<cedar::Entity> MakeTask(const Case& c, const cedar::EntityView& view) const {
    const TaskType* type = catalog_.FindType(c.task);
    if (type == nullptr) return Fail(Code::kInvalidArgument, "unknown-type", fmt::format("there is no task type `{}`", c.task));
    TaskRecord record;
    record.id = kTestTask;
    record.ttl = type->ttl;
    REMIT_ASSIGN(record.actor, cedar::EntityUid::Parse(c.actor));
    REMIT_TRY(CheckActor(*type, record.actor));
    REMIT_ASSIGN(cedar::Record bound, BindParameters(catalog_, *type, c.params, view));
    record.parameters = cedar::Value::FromRecord(std::move(bound)).ToJson();
    return TaskEntity(*type, record, catalog_.schema());
  }

  void Reach(const cedar::Request& request, const cedar::EntityView& view, std::set<std::string>& reached) const {
    if (!catalog_.schema().ValidateRequest(request)) return;
    const cedar::Evaluation found = catalog_.policies().Evaluate(request, ImpliedEntities(view, catalog_.schema()));
    for (const cedar::Policy* policy : found.permits) reached.insert(policy->id);
    for (const cedar::Policy* policy : found.forbids) reached.insert(policy->id);
  }

  const Catalog& catalog_;
  const cedar::EntityView& facts_;
};

std::string Difference(const Case& c, const Decision& d) {
  const std::string_view verdict = VerdictName(d.verdict);
  if (verdict == c.expect && (c.reason.empty() || c.reason == d.reason)) return {};
  std::string message =
      fmt::format("expected {}{}, got {} ({})", c.expect, c.reason.empty() ? "" : fmt::format(" ({})", c.reason), verdict, d.reason);
  for (const std::string& policy : d.policies) message += fmt::format(" by `{}`", policy);
  for (const std::string& error : d.errors) message += fmt::format("; {}", error);
  return message;
}

}  // namespace

void CatalogTestReport::Add(CatalogTestReport other) {
  passed += other.passed;
  for (Failure& failure : other.failures) failures.push_back(std::move(failure));
  reached.merge(other.reached);
}

Result<CatalogTestReport> RunCatalogTests(const Catalog& catalog, const json::Value& document, std::string_view file_name,
                                          const cedar::EntityView& facts) {
  json::ObjectReader r(document, file_name);
  const json::Array& cases = r.RequiredArray("case");
  if (cases.size() > limits::kCatalogTestCases) r.Refuse("case", fmt::format("there are more than {}", limits::kCatalogTestCases));
  REMIT_TRY(r.Finish());
  CatalogTestReport report;
  const Runner runner(catalog, facts);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    std::string place = fmt::format("{}: case {}", file_name, i + 1);
    REMIT_ASSIGN(const Case c, ReadCase(cases[i], place));
    if (!c.name.empty()) place += fmt::format(" `{}`", c.name);
    const auto decision = runner.Run(c, report.reached);
    const std::string difference = decision ? Difference(c, *decision) : decision.error().message;
    if (difference.empty()) {
      ++report.passed;
    } else {
      report.failures.push_back({std::move(place), difference});
    }
  }
  return report;
}

std::vector<cedar::PolicyPtr> Unreached(const Catalog& catalog, const CatalogTestReport& report) {
  std::vector<cedar::PolicyPtr> unreached;
  for (const cedar::PolicyPtr& policy : catalog.policies().policies()) {
    if (!report.reached.contains(policy->id)) unreached.push_back(policy);
  }
  return unreached;
}

}  // namespace remit::task
