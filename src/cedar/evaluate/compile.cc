#include "cedar/evaluate/compile.h"

#include <algorithm>

#include "cedar/evaluate/evaluator.h"

namespace remit::cedar {
namespace {

// Of operators that take all their operands from the stack and need nothing else.
Do InstructionOf(Op op) {
  switch (op) {
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

bool IsComparison(Op op) {
  return op == Op::kEqual || op == Op::kNotEqual || op == Op::kLess || op == Op::kLessEqual || op == Op::kGreater || op == Op::kGreaterEqual;
}

// Whether it comes to a truth, if it does not fail.
bool IsTruth(const Expr& expr) {
  switch (expr.op) {
    case Op::kAnd:
    case Op::kOr:
    case Op::kNot:
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
    case Op::kIn:
    case Op::kIs:
    case Op::kIsIn:
    case Op::kHas:
    case Op::kLike:
    case Op::kContains:
    case Op::kContainsAll:
    case Op::kContainsAny:
    case Op::kIsEmpty:
    case Op::kHasTag: return true;
    default: return false;
  }
}

template <class List, class... Arguments>
std::uint32_t AddTo(List& list, Arguments&&... arguments) {
  list.emplace_back(std::forward<Arguments>(arguments)...);
  return static_cast<std::uint32_t>(list.size() - 1);
}

}  // namespace

std::optional<CodeIndex> Compiler::Conditions(const Policy& policy) {
  if (policy.conditions.empty()) return std::nullopt;
  const CodeIndex start = Here();
  std::vector<CodeIndex> ends;  // of conditions that do not hold
  for (const Policy::Condition& condition : policy.conditions) {
    if (&condition != &policy.conditions.front()) ends.push_back(Emit({.what = Do::kAnd}, 1, 0));
    Compile(*condition.body, 1);
    if (!condition.when) Emit({.what = Do::kNot}, 1);
  }
  for (const CodeIndex end : ends) LandHere(end);
  Emit({.what = Do::kReturn}, 1, 0);
  Shorten(start);
  return start;
}

void Compiler::Shorten(CodeIndex start) {
  using Then = Instruction::Then;
  for (CodeIndex at = start; at + 1 < Here(); ++at) {
    Instruction& now = to_.code[at];
    const bool compares = now.what >= Do::kEqual && now.what <= Do::kGreaterEqual;
    const Do does = !compares ? now.what : now.then == Then::kAnd ? Do::kAnd : now.then == Then::kOr ? Do::kOr : Do::kFail;
    if (does == Do::kAnd || does == Do::kOr) {
      // Whoever jumps leaves the truth on the stack by which the next of its kind would jump as well.
      while (to_.code[now.a].what == does) now.a = to_.code[now.a].a;
      if (compares && to_.code[now.a].what == Do::kReturn) now.then = does == Do::kAnd ? Then::kReturnIfFalse : Then::kReturnIfTrue;
    }
    if (compares && now.then == Then::kPush && to_.code[at + 1].what == Do::kReturn) now.then = Then::kReturn;
  }
}

void Compiler::Compile(const Expr& expr, std::size_t depth) {
  if (depth > kEvaluationDepth) {
    Emit({.what = Do::kFail}, 0);
    return;
  }
  switch (expr.op) {
    case Op::kLiteral: return Literal(expr.literal);
    case Op::kVar:
      if (expr.var == Var::kContext)
        Emit({.what = Do::kContext}, 0);
      else
        Emit({.what = Do::kSubject, .a = static_cast<std::uint32_t>(expr.var)}, 0);
      return;
    case Op::kSlot:
    case Op::kUnknown: Emit({.what = Do::kFail}, 0); return;
    case Op::kAnd: return Chain(Do::kAnd, expr, depth);
    case Op::kOr: return Chain(Do::kOr, expr, depth);
    case Op::kIf: return If(expr, depth);
    case Op::kIs:
    case Op::kIsIn: return Is(expr, depth);
    case Op::kHas: {
      Compile(*expr.args[0], depth + 1);
      const auto first = static_cast<std::uint32_t>(to_.names.size());
      for (const std::string& name : expr.path) to_.names.emplace_back(name);
      Emit({.what = Do::kHas, .a = static_cast<std::uint32_t>(expr.path.size()), .b = first}, 1);
      return;
    }
    case Op::kGetAttr: return Attribute(expr, depth);
    case Op::kLike:
      Compile(*expr.args[0], depth + 1);
      Emit({.what = Do::kLike, .b = AddTo(to_.patterns, &expr.pattern.items())}, 1);
      return;
    case Op::kSet: return SetOf(expr, depth);
    case Op::kRecord: return RecordOf(expr, depth);
    case Op::kCall: return Call(expr, depth);
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply: return Binary(expr, depth);
    default:
      for (const ExprPtr& arg : expr.args) Compile(*arg, depth + 1);
      Emit({.what = InstructionOf(expr.op)}, expr.args.size());
  }
}

void Compiler::Literal(const Value& value) {
  const std::uint32_t literal = AddTo(literals_, &value);
  if (value.Is(Value::Kind::kEntity)) {
    Emit({.what = Do::kUid, .a = AddTo(to_.uids, &value.AsEntity(), HashUid(value.AsEntity())), .b = literal}, 0);
    return;
  }
  Datum datum = Datum::Of(value);
  if (value.Is(Value::Kind::kSet)) {
    const std::vector<Value>& members = value.AsSet();
    if (!members.empty() && std::ranges::all_of(members, [](const Value& member) { return member.Is(Value::Kind::kEntity); })) {
      const auto begin = static_cast<std::uint32_t>(to_.uids.size());
      for (const Value& member : members) AddTo(to_.uids, &member.AsEntity(), HashUid(member.AsEntity()));
      datum.members = Datum::Members::kHashed;
      datum.number = AddTo(to_.uid_sets, begin, static_cast<std::uint32_t>(to_.uids.size()));
    }
  }
  Emit({.what = Do::kConstant, .a = AddTo(to_.constants, datum), .b = literal}, 0);
}

void Compiler::Chain(Do what, const Expr& expr, std::size_t depth) {
  Compile(*expr.args[0], depth + 1);
  CodeIndex jump = Here() - 1;
  if (IsComparison(expr.args[0]->op) && to_.code[jump].what != Do::kFail) {
    // The comparison itself jumps: nothing else lands between it and what comes next.
    to_.code[jump].then = what == Do::kAnd ? Instruction::Then::kAnd : Instruction::Then::kOr;
    --height_;
  } else {
    jump = Emit({.what = what}, 1, 0);
  }
  Compile(*expr.args[1], depth + 1);
  if (!IsTruth(*expr.args[1])) Emit({.what = Do::kCheck}, 1);
  LandHere(jump);
}

void Compiler::Binary(const Expr& expr, std::size_t depth) {
  Compile(*expr.args[0], depth + 1);
  const CodeIndex start = Here();
  Compile(*expr.args[1], depth + 1);
  const Instruction right = to_.code.back();
  if (Here() != start + 1 || right.what != Do::kConstant) {
    Emit({.what = InstructionOf(expr.op)}, 2);
    return;
  }
  to_.code.pop_back();
  Emit({.what = InstructionOf(expr.op), .b = right.a}, 2);
}

void Compiler::If(const Expr& expr, std::size_t depth) {
  Compile(*expr.args[0], depth + 1);
  const CodeIndex to_else = Emit({.what = Do::kUnless}, 1, 0);
  Compile(*expr.args[1], depth + 1);
  const CodeIndex to_end = Emit({.what = Do::kJump}, 1, 0);  // of the two values one is pushed
  LandHere(to_else);
  Compile(*expr.args[2], depth + 1);
  LandHere(to_end);
}

void Compiler::Is(const Expr& expr, std::size_t depth) {
  Compile(*expr.args[0], depth + 1);
  const std::uint32_t type = AddTo(to_.types, &expr.name);
  if (expr.op == Op::kIs) {
    Emit({.what = Do::kIs, .b = type}, 1);
    return;
  }
  const CodeIndex jump = Emit({.what = Do::kIsIn, .b = type}, 1);
  Compile(*expr.args[1], depth + 1);
  Emit({.what = Do::kIn}, 2);
  LandHere(jump);
}

void Compiler::Attribute(const Expr& expr, std::size_t depth) {
  const CodeIndex start = Here();
  Compile(*expr.args[0], depth + 1);
  const Instruction owner = to_.code.back();
  const std::uint32_t name = AddTo(to_.names, expr.name);
  const bool of_subject = owner.what == Do::kSubject, of_context = owner.what == Do::kContext;
  if (Here() != start + 1 || !(of_subject || of_context)) {
    Emit({.what = Do::kAttribute, .b = name}, 1);
    return;
  }
  to_.code.pop_back();
  Emit({.what = of_subject ? Do::kAttributeOf : Do::kContextField, .a = owner.a, .b = name}, 1);
}

void Compiler::SetOf(const Expr& expr, std::size_t depth) {
  const CodeIndex start = Here();
  for (const ExprPtr& arg : expr.args) Compile(*arg, depth + 1);
  if (const auto literals = LiteralsSince(start, expr.args.size())) {
    std::vector<Value> members;
    members.reserve(literals->size());
    for (const Value* literal : *literals) members.push_back(*literal);
    return Fold(start, literals->size(), Value::Set(std::move(members)));
  }
  Emit({.what = Do::kSet, .a = static_cast<std::uint32_t>(expr.args.size())}, expr.args.size());
}

void Compiler::RecordOf(const Expr& expr, std::size_t depth) {
  const CodeIndex start = Here();
  for (const auto& [name, field] : expr.fields) Compile(*field, depth + 1);
  if (const auto literals = LiteralsSince(start, expr.fields.size())) {
    Record record;
    for (std::size_t i = 0; i < literals->size(); ++i) record.insert_or_assign(expr.fields[i].first, *(*literals)[i]);
    return Fold(start, literals->size(), Value::FromRecord(std::move(record)));
  }
  const auto first = static_cast<std::uint32_t>(to_.names.size());
  for (const auto& [name, field] : expr.fields) to_.names.emplace_back(name);
  Emit({.what = Do::kRecord, .a = static_cast<std::uint32_t>(expr.fields.size()), .b = first}, expr.fields.size());
}

void Compiler::Call(const Expr& expr, std::size_t depth) {
  const ExtensionFunction* function = FindExtensionFunction(expr.name);
  if (function == nullptr || expr.args.size() != function->parameters.size()) {
    Emit({.what = Do::kFail}, 0);
    return;
  }
  const CodeIndex start = Here();
  for (const ExprPtr& arg : expr.args) Compile(*arg, depth + 1);
  if (const auto literals = LiteralsSince(start, expr.args.size())) {
    if (auto value = CallExtension(*function, *literals)) return Fold(start, literals->size(), std::move(*value));
  }
  Emit({.what = Do::kCall, .a = static_cast<std::uint32_t>(expr.args.size()), .b = AddTo(to_.functions, function)}, expr.args.size());
}

CodeIndex Compiler::Emit(Instruction instruction, std::size_t taken, std::size_t pushed) {
  height_ = height_ - taken + pushed;
  to_.stack = std::max(to_.stack, height_);
  to_.code.push_back(instruction);
  return Here() - 1;
}

std::uint32_t Compiler::Uids(const std::vector<EntityUid>& uids) {
  const auto first = static_cast<std::uint32_t>(to_.uids.size());
  for (const EntityUid& uid : uids) AddTo(to_.uids, &uid, HashUid(uid));
  return first;
}

std::optional<std::vector<const Value*>> Compiler::LiteralsSince(CodeIndex start, std::size_t count) const {
  if (Here() - start != count) return std::nullopt;
  std::vector<const Value*> values;
  values.reserve(count);
  for (CodeIndex at = start; at < Here(); ++at) {
    const Instruction& instruction = to_.code[at];
    if (instruction.what != Do::kConstant && instruction.what != Do::kUid) return std::nullopt;
    values.push_back(literals_[instruction.b]);
  }
  return values;
}

void Compiler::Fold(CodeIndex start, std::size_t count, Value value) {
  to_.code.resize(start);
  height_ -= count;
  Literal(to_.values.emplace_back(std::move(value)));
}

}  // namespace remit::cedar
