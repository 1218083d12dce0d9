// One table, read in both directions.
#include "cedar/language/operators.h"

#include <algorithm>
#include <utility>

namespace remit::cedar {
namespace {

constexpr std::pair<std::string_view, Op> kBinary[] = {
    {"&&", Op::kAnd},
    {"||", Op::kOr},
    {"==", Op::kEqual},
    {"!=", Op::kNotEqual},
    {"<", Op::kLess},
    {"<=", Op::kLessEqual},
    {">", Op::kGreater},
    {">=", Op::kGreaterEqual},
    {"+", Op::kAdd},
    {"-", Op::kSubtract},
    {"*", Op::kMultiply},
    {"in", Op::kIn},
    {"contains", Op::kContains},
    {"containsAll", Op::kContainsAll},
    {"containsAny", Op::kContainsAny},
    {"hasTag", Op::kHasTag},
    {"getTag", Op::kGetTag},
};

constexpr std::pair<std::string_view, Var> kVars[] = {
    {"principal", Var::kPrincipal}, {"action", Var::kAction}, {"resource", Var::kResource}, {"context", Var::kContext}};

}  // namespace

std::string_view OperatorText(Op op) {
  if (op == Op::kIsEmpty) return "isEmpty";
  const auto found = std::ranges::find(kBinary, op, &std::pair<std::string_view, Op>::second);
  return found == std::end(kBinary) ? "" : found->first;
}

std::optional<Op> BinaryOperator(std::string_view text) {
  const auto found = std::ranges::find(kBinary, text, &std::pair<std::string_view, Op>::first);
  return found == std::end(kBinary) ? std::nullopt : std::optional(found->second);
}

std::string_view VarName(Var var) { return std::ranges::find(kVars, var, &std::pair<std::string_view, Var>::second)->first; }

std::optional<Var> FindVar(std::string_view name) {
  const auto found = std::ranges::find(kVars, name, &std::pair<std::string_view, Var>::first);
  return found == std::end(kVars) ? std::nullopt : std::optional(found->second);
}

}  // namespace remit::cedar
