// cedar analyze: what policies allow, for every request at once: with a proof, with an example that the authorizer has answered, or neither.
#include "cedar/analysis.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cedar/command/command.h"
#include "cedar/command/inputs.h"

namespace remit::cedar::command {
namespace {

struct Question {
  std::string_view name;
  bool of_two;
  std::string_view yes, no;
};

constexpr auto kQuestions = std::to_array<Question>({
    {"implies", true, "what the policies allow, the others allow too", "the policies allow this, and the others do not"},
    {"equivalent", true, "both allow the same", "only one of both allows this"},
    {"disjoint", true, "nothing is allowed by both", "both allow this"},
    {"never", false, "nothing is allowed", "this is allowed"},
    {"always", false, "every request of the schema is allowed", "this is not allowed"},
});

AnalysisAnswer Ask(const Question& question, const BoundPolicies& a, const BoundPolicies& b, const Schema& schema, const AnalysisOptions& options) {
  if (question.name == "equivalent") return Equivalent(a, b, schema, options);
  if (question.name == "disjoint") return Disjoint(a, b, schema, options);
  if (question.name == "never") return NeverAllows(a, schema, options);
  if (question.name == "always") return AlwaysAllows(a, schema, options);
  return Implies(a, b, schema, options);
}

json::Object UidToJson(const EntityUid& uid) { return {{"type", uid.type}, {"id", uid.id}}; }

json::Object RecordToJson(const Record& record) {
  json::Object object;
  for (const auto& [name, value] : record) object.Append(name, value.ToJson());
  return object;
}

// In the form of --entities. Actions are the schema's, which whoever reads this has.
json::Array EntitiesToJson(const Entities& entities) {
  json::Array all;
  for (const Entity* entity : entities.All()) {
    if (IsActionType(entity->uid.type)) continue;
    json::Array parents;
    for (const EntityUid& parent : entity->parents) parents.push_back(UidToJson(parent));
    json::Object object{{"uid", UidToJson(entity->uid)}, {"attrs", RecordToJson(entity->attributes)}, {"parents", std::move(parents)}};
    if (!entity->tags.empty()) object.Append("tags", RecordToJson(entity->tags));
    all.push_back(std::move(object));
  }
  return all;
}

// "request" in the form of --request-json, "entities" in that of --entities.
json::Object ExampleToJson(const Counterexample& example) {
  return {{"request", json::Object{{"principal", UidToJson(example.principal)},
                                   {"action", UidToJson(example.action)},
                                   {"resource", UidToJson(example.resource)},
                                   {"context", example.context.ToJson()}}},
          {"entities", EntitiesToJson(example.entities)}};
}

json::Object ToJson(const AnalysisAnswer& answer) {
  const char* verdict = answer.verdict == Verdict::kYes ? "yes" : answer.verdict == Verdict::kNo ? "no" : "unknown";
  json::Array open;
  for (const OpenQuestion& one : answer.open) {
    open.push_back(json::Object{
        {"action", one.action.ToString()}, {"principal_type", one.principal_type}, {"resource_type", one.resource_type}, {"why", one.why}});
  }
  json::Object object{{"verdict", verdict}};
  if (answer.counterexample) object.Append("counterexample", ExampleToJson(*answer.counterexample));
  object.Append("open", std::move(open));
  object.Append("environments", static_cast<std::int64_t>(answer.environments));
  object.Append("work", static_cast<std::int64_t>(answer.work));
  return object;
}

void Print(const AnalysisAnswer& answer, const Question& question) {
  switch (answer.verdict) {
    case Verdict::kYes: PrintLine(fmt::format("YES: {}", question.yes)); return;
    case Verdict::kNo: {
      const Counterexample& example = *answer.counterexample;
      PrintLine(fmt::format("NO: {}", question.no));
      PrintLine("  principal: " + example.principal.ToString());
      PrintLine("  action:    " + example.action.ToString());
      PrintLine("  resource:  " + example.resource.ToString());
      PrintLine("  context:   " + example.context.ToString());
      PrintLine("entities:");
      PrintJson(EntitiesToJson(example.entities));
      return;
    }
    case Verdict::kUnknown:
      PrintLine("CANNOT TELL:");
      for (const OpenQuestion& one : answer.open)
        PrintLine(fmt::format("  {} of a `{}` on a `{}`: {}", one.action.ToString(), one.principal_type, one.resource_type, one.why));
  }
}

struct Inputs {
  PolicyInput policies, others;
  SchemaInput schema;
  EntityInput entities;
  std::optional<std::string> question;
  std::optional<std::int64_t> work;
  bool json = false;
};

Options Declare(Inputs& in) {
  Options options("analyze",
                  "does a set of policies allow only what another allows, for every request that the schema has? exit status 0 for a proof, 2 for a "
                  "request that shows the contrary, 4 where neither was found");
  in.policies.AddTo(options, true);
  std::vector<std::string> questions;
  for (const Question& question : kQuestions) questions.emplace_back(question.name);
  options.Value('\0', "within", in.others.file, "FILE", "the policies to compare with, as --policies reads them")
      .Choice(
          '\0', "question", in.question, std::move(questions),
          "`implies`: what the policies allow, those of --within allow; `equivalent`: both ways; `disjoint`: nothing is allowed by both; `never` and "
          "`always`: of the policies alone; without it: implies");
  in.schema.AddTo(options);
  in.entities.AddTo(options);
  options.Number('\0', "work", in.work, "N", "cases to look into, for each action and pair of types; without it: 20000")
      .Flag('\0', "json", in.json, "one JSON object: verdict, counterexample (request and entities), open, environments, work")
      .Example("cedar analyze --policies new.cedar --within old.cedar --schema schema.cedarschema");
  return options;
}

// Nothing is allowed by policies that are refused by themselves.
Result<BoundPolicies> ReadPolicies(const PolicyInput& input) {
  REMIT_ASSIGN(Policies read, input.Read());
  REMIT_TRY(PolicySet::Build(read.policies));
  return BoundPolicies{std::move(read.policies)};
}

}  // namespace

Result<int> Analyze(Words words) {
  Inputs in;
  Options options = Declare(in);
  REMIT_ASSIGN(const bool run, options.Parse(words));
  if (!run) return kOk;
  ShowErrorsAsJson(in.json);
  const Question& question = *std::ranges::find(kQuestions, std::string_view(in.question.value_or("implies")), &Question::name);
  if (!in.schema.file) return Fail(Code::kInvalidArgument, "usage", "`cedar analyze` needs a schema", "give --schema FILE");
  if (question.of_two != in.others.file.has_value()) {
    return Fail(Code::kInvalidArgument, "usage",
                fmt::format("the question `{}` is about {} of policies", question.name, question.of_two ? "two sets" : "one set"),
                question.of_two ? "give --within FILE" : "leave --within out");
  }
  if (in.work && *in.work < 1) return Fail(Code::kInvalidArgument, "usage", "`--work` is at least 1", "cedar analyze --help");

  REMIT_ASSIGN(const std::optional<Schema> schema, in.schema.Read());
  REMIT_ASSIGN(const BoundPolicies policies, ReadPolicies(in.policies));
  BoundPolicies others;
  if (question.of_two) {
    REMIT_ASSIGN(others, ReadPolicies(in.others));
  }
  REMIT_ASSIGN(const Entities entities, in.entities.Read(&*schema));
  AnalysisOptions limits;
  if (in.entities.file) limits.known = &entities;
  if (in.work) limits.work = static_cast<std::size_t>(*in.work);
  const AnalysisAnswer answer = Ask(question, policies, others, *schema, limits);
  if (in.json)
    PrintJson(ToJson(answer));
  else
    Print(answer, question);
  return answer.verdict == Verdict::kYes ? kOk : answer.verdict == Verdict::kNo ? kDeny : kCannotTell;
}

}  // namespace remit::cedar::command
