// cedar evaluate: the value of one expression.
#include <fmt/format.h>

#include <algorithm>

#include "cedar/authorizer.h"
#include "cedar/command/command.h"
#include "cedar/command/inputs.h"
#include "cedar/parser.h"

namespace remit::cedar::command {
namespace {

bool Mentions(const Expr& expr, Var var) {
  const auto deep = [&](const ExprPtr& part) { return Mentions(*part, var); };
  return (expr.op == Op::kVar && expr.var == var) || std::ranges::any_of(expr.args, deep) ||
         std::ranges::any_of(expr.fields, [&](const auto& field) { return deep(field.second); });
}

// An expression over no variable needs no request, and one over the context alone no entities: what is not asked for is filled in.
Status FillIn(const Expr& expr, std::optional<std::string>& part, Var var, std::string_view name) {
  if (part) return {};
  if (Mentions(expr, var)) {
    return Fail(Code::kInvalidArgument, "missing-request", fmt::format("the expression asks for `{}`, and none is given", name),
                fmt::format("give --{} 'Type::\"id\"'", name));
  }
  part = R"(Nobody::"")";
  return {};
}

}  // namespace

Result<int> Evaluate(Words words) {
  RequestInput request_input;
  SchemaInput schema_input;
  EntityInput entity_input;
  std::optional<std::string> text;
  bool json = false;
  Options options("evaluate", "the value of one expression");
  request_input.AddTo(options);
  schema_input.AddTo(options);
  entity_input.AddTo(options);
  options.Argument("EXPRESSION", text, "e.g. '1 + 2 == 3'; `-` reads it from standard input")
      .Flag('\0', "json", json, "the value in the form of entities JSON")
      .Example(
          "cedar evaluate '[1, 2].contains(context.n)' --context context.json\ncedar evaluate 'principal in Group::\"staff\"' --entities "
          "entities.json --principal 'User::\"alice\"' \\\n  --action 'Action::\"view\"' --resource 'Photo::\"pic\"'");
  REMIT_ASSIGN(const bool run, options.Parse(words));
  if (!run) return kOk;
  ShowErrorsAsJson(json);
  if (!text) return Fail(Code::kInvalidArgument, "usage", "`cedar evaluate` needs an expression", "cedar evaluate '1 + 2 == 3'");
  if (*text == "-") {
    REMIT_ASSIGN(text, ReadText("-"));
  }

  REMIT_ASSIGN(const std::optional<Schema> schema, schema_input.Read());
  const Schema* known = schema ? &*schema : nullptr;
  REMIT_ASSIGN(const ExprPtr expr, ParseExpr(*text));
  REMIT_ASSIGN(const Entities entities, entity_input.Read(known));
  RequestInput filled = request_input;
  const bool partly = !filled.json && (!filled.principal || !filled.action || !filled.resource);
  if (partly) {
    REMIT_TRY(FillIn(*expr, filled.principal, Var::kPrincipal, "principal"));
    REMIT_TRY(FillIn(*expr, filled.action, Var::kAction, "action"));
    REMIT_TRY(FillIn(*expr, filled.resource, Var::kResource, "resource"));
    filled.validation = "false";
  }
  REMIT_ASSIGN(const Request request, filled.Read(partly ? nullptr : known));
  REMIT_ASSIGN(const Value value, EvaluateExpr(*expr, request, entities));
  if (json) return PrintJson(value.ToJson()), kOk;
  return PrintLine(value.ToString()), kOk;
}

}  // namespace remit::cedar::command
