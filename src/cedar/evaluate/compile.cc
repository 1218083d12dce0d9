#include "cedar/evaluate/compile.h"

#include <algorithm>

#include "cedar/evaluate/evaluator.h"
#include "cedar/language/hash.h"

namespace remit::cedar {
namespace {

Do OperatorOf(Op op) {
  switch (op) {
    case Op::kAnd: return Do::kAnd;
    case Op::kOr: return Do::kOr;
    case Op::kIf: return Do::kIf;
    case Op::kNot: return Do::kNot;
    case Op::kNegate: return Do::kNegate;
    case Op::kEqual: return Do::kEqual;
    case Op::kNotEqual: return Do::kNotEqual;
    case Op::kLess: return Do::kLess;
    case Op::kLessEqual: return Do::kLessEqual;
    case Op::kGreater: return Do::kGreater;
    case Op::kGreaterEqual: return Do::kGreaterEqual;
    case Op::kAdd: return Do::kAdd;
    case Op::kSubtract: return Do::kSubtract;
    case Op::kMultiply: return Do::kMultiply;
    case Op::kIn: return Do::kIn;
    case Op::kContains: return Do::kContains;
    case Op::kContainsAll: return Do::kContainsAll;
    case Op::kContainsAny: return Do::kContainsAny;
    case Op::kIsEmpty: return Do::kIsEmpty;
    case Op::kHasTag: return Do::kHasTag;
    case Op::kGetTag: return Do::kGetTag;
    default: return Do::kFail;
  }
}

Do VariableOf(Var var) {
  switch (var) {
    case Var::kPrincipal: return Do::kPrincipal;
    case Var::kAction: return Do::kAction;
    case Var::kResource: return Do::kResource;
    case Var::kContext: return Do::kContext;
  }
  Panic("variable of no kind", __FILE__, __LINE__);
}

}  // namespace

std::optional<CodeIndex> Compiler::Conditions(const Policy& policy) {
  std::optional<CodeIndex> all;
  for (const Policy::Condition& condition : policy.conditions) {
    CodeIndex one = Compile(*condition.body, 1);
    if (!condition.when) one = Emit({.what = Do::kNot, .a = one});
    all = all.has_value() ? Emit({.what = Do::kAnd, .a = *all, .b = one}) : one;
  }
  return all;
}

CodeIndex Compiler::Compile(const Expr& expr, std::size_t depth) {
  if (depth > kEvaluationDepth) return Emit({.what = Do::kFail});
  switch (expr.op) {
    case Op::kLiteral: return Literal(expr.literal);
    case Op::kVar: return Emit({.what = VariableOf(expr.var)});
    case Op::kSlot:
    case Op::kUnknown: return Emit({.what = Do::kFail});
    case Op::kIs: {
      to_.types.push_back(&expr.name);
      return Operator(Do::kIs, expr, depth, static_cast<std::uint32_t>(to_.types.size() - 1));
    }
    case Op::kIsIn: {
      const CodeIndex left = Compile(*expr.args[0], depth + 1), right = Compile(*expr.args[1], depth + 1);
      to_.types.push_back(&expr.name);
      return Emit({.what = Do::kIsIn, .a = left, .b = static_cast<std::uint32_t>(to_.types.size() - 1), .c = right});
    }
    case Op::kHas: {
      const CodeIndex receiver = Compile(*expr.args[0], depth + 1);
      const auto first = static_cast<std::uint32_t>(to_.names.size());
      for (const std::string& name : expr.path) NameOf(name);
      return Emit({.what = Do::kHas, .a = receiver, .b = first, .c = static_cast<std::uint32_t>(expr.path.size())});
    }
    case Op::kGetAttr: return Attribute(expr, depth);
    case Op::kLike: {
      to_.patterns.push_back(&expr.pattern);
      return Operator(Do::kLike, expr, depth, static_cast<std::uint32_t>(to_.patterns.size() - 1));
    }
    case Op::kSet: return SetOf(expr, depth);
    case Op::kRecord: return RecordOf(expr, depth);
    case Op::kCall: return Call(expr, depth);
    default: return Operator(OperatorOf(expr.op), expr, depth);
  }
}

// Of up to three operands; `b` stands in for the second where there is only one.
CodeIndex Compiler::Operator(Do what, const Expr& expr, std::size_t depth, std::uint32_t b) {
  Instruction code{.what = what, .b = b};
  code.a = Compile(*expr.args[0], depth + 1);
  if (expr.args.size() > 1) code.b = Compile(*expr.args[1], depth + 1);
  if (expr.args.size() > 2) code.c = Compile(*expr.args[2], depth + 1);
  return Emit(code);
}

CodeIndex Compiler::Attribute(const Expr& expr, std::size_t depth) {
  const CodeIndex owner = Compile(*expr.args[0], depth + 1);
  const Do what = to_.code[owner].what;
  if (what > Do::kResource) return Emit({.what = Do::kGetAttribute, .a = owner, .b = NameOf(expr.name)});
  to_.code.pop_back();
  return Emit({.what = Do::kAttributeOf, .a = static_cast<std::uint32_t>(what), .b = NameOf(expr.name)});
}

CodeIndex Compiler::Literal(const Value& value) {
  literals_.push_back(&value);
  const auto literal = static_cast<std::uint32_t>(literals_.size() - 1);
  if (value.Is(Value::Kind::kEntity)) {
    to_.uids.push_back({.uid = &value.AsEntity(), .hash = HashUid(value.AsEntity())});
    return Emit({.what = Do::kUid, .a = static_cast<std::uint32_t>(to_.uids.size() - 1), .b = literal});
  }
  Datum datum = Datum::Of(value);
  if (value.Is(Value::Kind::kSet)) {
    const std::vector<Value>& members = value.AsSet();
    if (!members.empty() && std::ranges::all_of(members, [](const Value& member) { return member.Is(Value::Kind::kEntity); })) {
      const auto begin = static_cast<std::uint32_t>(to_.uids.size());
      for (const Value& member : members) to_.uids.push_back({.uid = &member.AsEntity(), .hash = HashUid(member.AsEntity())});
      to_.uid_sets.push_back({.begin = begin, .end = static_cast<std::uint32_t>(to_.uids.size())});
      datum.members = Datum::Members::kHashed, datum.number = static_cast<std::uint32_t>(to_.uid_sets.size() - 1);
    }
  }
  to_.constants.push_back(datum);
  return Emit({.what = Do::kConstant, .a = static_cast<std::uint32_t>(to_.constants.size() - 1), .b = literal});
}

CodeIndex Compiler::SetOf(const Expr& expr, std::size_t depth) {
  const auto start = static_cast<CodeIndex>(to_.code.size());
  const std::vector<CodeIndex> operands = Operands(expr, depth);
  if (const auto literals = Literals(operands)) {
    std::vector<Value> members;
    members.reserve(literals->size());
    for (const Value* literal : *literals) members.push_back(*literal);
    return Folded(start, Value::Set(std::move(members)));
  }
  return Emit({.what = Do::kSet, .a = Keep(operands), .c = static_cast<std::uint32_t>(operands.size())});
}

CodeIndex Compiler::RecordOf(const Expr& expr, std::size_t depth) {
  const auto start = static_cast<CodeIndex>(to_.code.size());
  std::vector<CodeIndex> operands;
  for (const auto& [name, field] : expr.fields) operands.push_back(Compile(*field, depth + 1));
  if (const auto literals = Literals(operands)) {
    Record record;
    for (std::size_t i = 0; i < operands.size(); ++i) record.insert_or_assign(expr.fields[i].first, *(*literals)[i]);
    return Folded(start, Value::FromRecord(std::move(record)));
  }
  const auto first = static_cast<std::uint32_t>(to_.names.size());
  for (const auto& [name, field] : expr.fields) NameOf(name);
  return Emit({.what = Do::kRecord, .a = Keep(operands), .b = first, .c = static_cast<std::uint32_t>(operands.size())});
}

CodeIndex Compiler::Call(const Expr& expr, std::size_t depth) {
  const ExtensionFunction* function = FindExtensionFunction(expr.name);
  if (function == nullptr || expr.args.size() != function->parameters.size()) return Emit({.what = Do::kFail});
  const auto start = static_cast<CodeIndex>(to_.code.size());
  const std::vector<CodeIndex> operands = Operands(expr, depth);
  if (const auto literals = Literals(operands)) {
    if (auto value = CallExtension(*function, *literals)) return Folded(start, std::move(*value));
  }
  to_.functions.push_back(function);
  return Emit({.what = Do::kCall,
               .a = Keep(operands),
               .b = static_cast<std::uint32_t>(to_.functions.size() - 1),
               .c = static_cast<std::uint32_t>(operands.size())});
}

CodeIndex Compiler::Emit(Instruction code) {
  to_.code.push_back(code);
  return static_cast<CodeIndex>(to_.code.size() - 1);
}

std::uint32_t Compiler::NameOf(const std::string& text) {
  to_.names.emplace_back(text);
  return static_cast<std::uint32_t>(to_.names.size() - 1);
}

std::uint32_t Compiler::Uids(const std::vector<EntityUid>& uids) {
  const auto first = static_cast<std::uint32_t>(to_.uids.size());
  for (const EntityUid& uid : uids) to_.uids.push_back({.uid = &uid, .hash = HashUid(uid)});
  return first;
}

std::vector<CodeIndex> Compiler::Operands(const Expr& expr, std::size_t depth) {
  std::vector<CodeIndex> operands;
  operands.reserve(expr.args.size());
  for (const ExprPtr& arg : expr.args) operands.push_back(Compile(*arg, depth + 1));
  return operands;
}

std::uint32_t Compiler::Keep(const std::vector<CodeIndex>& operands) {
  const auto first = static_cast<std::uint32_t>(to_.operands.size());
  to_.operands.insert(to_.operands.end(), operands.begin(), operands.end());
  return first;
}

std::optional<std::vector<const Value*>> Compiler::Literals(const std::vector<CodeIndex>& operands) const {
  std::vector<const Value*> values;
  for (const CodeIndex operand : operands) {
    const Instruction& code = to_.code[operand];
    if (code.what != Do::kConstant && code.what != Do::kUid) return std::nullopt;
    values.push_back(literals_[code.b]);
  }
  return values;
}

CodeIndex Compiler::Folded(CodeIndex start, Value value) {
  to_.code.resize(start);
  return Literal(to_.values.emplace_back(std::move(value)));
}

}  // namespace remit::cedar
