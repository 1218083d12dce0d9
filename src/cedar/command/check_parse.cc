// cedar check-parse: whether what is named can be read.
#include "cedar/command/command.h"
#include "cedar/command/inputs.h"
#include "cedar/parser.h"

namespace remit::cedar::command {
namespace {

// Every error of a text, not the first alone. True: there is none.
bool FineText(const PolicyInput& input) {
  const std::string name = input.file.value_or("-");
  const auto text = ReadText(name);
  if (!text) return PrintError(text.error()), false;
  const ParsedPolicies parsed = ParseAllPolicies(*text, ShownName(name));
  for (const Diagnostic& error : parsed.errors) PrintFinding(error);
  return parsed.errors.empty();
}

// Prints the error, if there is one. True: there is none.
template <class T>
bool Fine(const Result<T>& result) {
  if (!result) PrintError(result.error());
  return result.has_value();
}

}  // namespace

Result<int> CheckParse(Words words) {
  PolicyInput policy_input;
  SchemaInput schema_input;
  EntityInput entity_input;
  std::optional<std::string> expression;
  bool json = false;
  Options options("check-parse", "says whether policies, a schema, entities or an expression can be read; exit status 1 if not");
  policy_input.AddTo(options, true);
  options.Value('\0', "expression", expression, "TEXT", "an expression");
  schema_input.AddTo(options);
  entity_input.AddTo(options);
  options.Flag('\0', "json", json, "errors as JSON").Example("cedar check-parse --policies policies.cedar\ncedar check-parse < policies.cedar");
  REMIT_ASSIGN(const bool run, options.Parse(words));
  if (!run) return kOk;
  ShowErrorsAsJson(json);

  bool fine = true;
  if (policy_input.file || !(schema_input.file || entity_input.file || expression)) {
    const bool standard_input = policy_input.file.value_or("-") == "-";  // which can be read once only
    const bool text_alone = policy_input.IsText() && !policy_input.links;
    fine &= !text_alone || FineText(policy_input);
    if (fine && !(text_alone && standard_input)) fine &= Fine(policy_input.Read());
  }
  if (expression) fine &= Fine(ParseExpr(*expression));
  const auto schema = schema_input.Read();
  fine &= Fine(schema);
  const Schema* known = schema && *schema ? &**schema : nullptr;
  if (entity_input.file) fine &= Fine(entity_input.Read(known));
  return fine ? kOk : kFailure;
}

}  // namespace remit::cedar::command
