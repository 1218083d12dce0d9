// Trees to JSON. Values are moved into their parents, never copied: trees are high.
#include <fmt/format.h>

#include <span>

#include "base/limits.h"
#include "base/text.h"
#include "cedar/language/operators.h"
#include "cedar/policy_json.h"

namespace remit::cedar {
namespace {

using json::Array;
using json::Object;

Object One(std::string_view name, json::Value value) {
  Object object;
  object.Append(std::string(name), std::move(value));
  return object;
}

Object Two(std::string_view first, json::Value a, std::string_view second, json::Value b) {
  Object object = One(first, std::move(a));
  object.Append(std::string(second), std::move(b));
  return object;
}

json::Value Binary(std::string_view op, json::Value left, json::Value right) {
  return One(op, Two("left", std::move(left), "right", std::move(right)));
}

json::Value UidJson(const EntityUid& uid) { return Object{{"type", uid.type}, {"id", uid.id}}; }

// The values in `value`, counted up to a little over `limit`.
std::size_t CountValues(const json::Value& value, std::size_t limit) {
  std::size_t count = 1;
  if (value.IsArray()) {
    for (std::size_t i = 0; i < value.AsArray().size() && count <= limit; ++i) count += CountValues(value.AsArray()[i], limit - count);
  } else if (value.IsObject()) {
    for (auto at = value.AsObject().begin(); at != value.AsObject().end() && count <= limit; ++at) count += CountValues(at->value, limit - count);
  }
  return count;
}

std::size_t CountOperands(const Expr& expr, Op op) { return expr.op == op ? CountOperands(*expr.args[0], op) + CountOperands(*expr.args[1], op) : 1; }

// Whether MakeChain makes a tree of this shape of `count` operands.
bool IsChainOf(const Expr& expr, Op op, std::size_t count) {
  if (count == 1) return expr.op != op;
  if (expr.op != op) return false;
  if (count <= kChainLength) return IsChainOf(*expr.args[0], op, count - 1) && IsChainOf(*expr.args[1], op, 1);
  return IsChainOf(*expr.args[0], op, count / 2) && IsChainOf(*expr.args[1], op, count - count / 2);
}

void Operands(const Expr& expr, Op op, std::vector<const Expr*>& out) {
  if (expr.op != op) return out.push_back(&expr);
  Operands(*expr.args[0], op, out);
  Operands(*expr.args[1], op, out);
}

// A character at a time, as the reference has it.
void AppendLiterals(std::string_view text, Array& out) {
  while (!text.empty()) out.push_back(One("Literal", TakeCharacter(text)));
}

json::Value PatternJson(const std::vector<PatternPart>& pattern) {
  Array out;
  for (const PatternPart& part : pattern) {
    if (part.wildcard)
      out.insert(out.end(), part.stars, "Wildcard");
    else
      AppendLiterals(part.literal, out);
  }
  return out;
}

class Writer {
 public:
  json::Value Write(const Expr& expr) {
    switch (expr.op) {
      case Op::kLiteral: return One("Value", expr.literal.ToJson());
      case Op::kVar: return One("Var", VarName(expr.var));
      case Op::kSlot: return One("Slot", expr.name);
      case Op::kUnknown: return One("unknown", Array{One("Value", expr.name)});
      case Op::kAnd:
      case Op::kOr: return WriteChain(expr);
      case Op::kIf: return WriteIf(expr);
      case Op::kNot: return One("!", One("arg", Write(*expr.args[0])));
      case Op::kNegate: return One("neg", One("arg", Write(*expr.args[0])));
      case Op::kIsEmpty: return One("isEmpty", One("arg", Write(*expr.args[0])));
      case Op::kIs:
      case Op::kIsIn: return WriteIs(expr);
      case Op::kHas: return WriteHas(expr);
      case Op::kGetAttr: return One(".", Two("left", Write(*expr.args[0]), "attr", expr.name));
      case Op::kLike: return One("like", Two("left", Write(*expr.args[0]), "pattern", PatternJson(expr.pattern)));
      case Op::kSet: return One("Set", WriteList(expr.args));
      case Op::kCall: return One(expr.name, WriteList(expr.args));
      case Op::kRecord: return WriteRecord(expr);
      default: return Binary(OperatorText(expr.op), Write(*expr.args[0]), Write(*expr.args[1]));
    }
  }

 private:
  // The balanced tree of a long chain becomes the left-deep one that it stands for, as long as readers take it: see kPolicyJsonLimits.
  json::Value WriteChain(const Expr& expr) {
    const std::size_t count = CountOperands(expr, expr.op);
    if (count <= kChainLength || count > limits::kCedarJsonChain - chain_levels_ || !IsChainOf(expr, expr.op, count))
      return Binary(OperatorText(expr.op), Write(*expr.args[0]), Write(*expr.args[1]));
    std::vector<const Expr*> operands;
    Operands(expr, expr.op, operands);
    const auto write = [&](std::size_t i, std::size_t levels) {
      chain_levels_ += levels;
      json::Value operand = Write(*operands[i]);
      chain_levels_ -= levels;
      return operand;
    };
    json::Value chain = write(0, count - 1);
    for (std::size_t i = 1; i < count; ++i) chain = Binary(OperatorText(expr.op), std::move(chain), write(i, count - i));
    return chain;
  }

  json::Value WriteIf(const Expr& expr) {
    Object parts = Two("if", Write(*expr.args[0]), "then", Write(*expr.args[1]));
    parts.Append("else", Write(*expr.args[2]));
    return One("if-then-else", std::move(parts));
  }

  json::Value WriteIs(const Expr& expr) {
    Object parts = Two("left", Write(*expr.args[0]), "entity_type", expr.name);
    if (expr.op == Op::kIsIn) parts.Append("in", Write(*expr.args[1]));
    return One("is", std::move(parts));
  }

  // `x has a.b` is written `x has a && x.a has b`.
  json::Value WriteHas(const Expr& expr) {
    const std::size_t steps = expr.path.size();
    if (steps == 1) return One("has", Two("left", Write(*expr.args[0]), "attr", expr.path.front()));
    json::Value receiver = Write(*expr.args[0]);
    const std::size_t values = steps * (CountValues(receiver, has_values_) + steps);
    if (values > has_values_) return One("has", Two("left", std::move(receiver), "attr", json::StringArray(expr.path)));
    has_values_ -= values;
    json::Value chain = One("has", Two("left", receiver, "attr", expr.path.front()));
    for (std::size_t i = 1; i < steps; ++i) {
      receiver = One(".", Two("left", std::move(receiver), "attr", expr.path[i - 1]));
      chain = Binary("&&", std::move(chain), One("has", Two("left", receiver, "attr", expr.path[i])));
    }
    return chain;
  }

  Array WriteList(std::span<const ExprPtr> args) {
    Array out;
    for (const ExprPtr& arg : args) out.push_back(Write(*arg));
    return out;
  }

  json::Value WriteRecord(const Expr& expr) {
    Object out;
    for (const auto& [key, field] : expr.fields) out.Append(key, Write(*field));
    return One("Record", std::move(out));
  }

  std::size_t chain_levels_ = 0;  // of the left-deep chains around what is being written, together at most limits::kCedarJsonChain
  // How many values the chains behind `has` may still add when they are written out: each step repeats what stands before it, and one chain may
  // stand before another. Beyond that a chain is written as a list, which readers know too.
  std::size_t has_values_ = limits::kCedarHasValues;
};

json::Value ScopeJson(const ScopeConstraint& constraint) {
  using Kind = ScopeConstraint::Kind;
  Object target;
  if (!constraint.slot.empty()) target.Append("slot", constraint.slot);
  if (constraint.entities.size() == 1) target.Append("entity", UidJson(constraint.entities.front()));
  Object out;
  switch (constraint.kind) {
    case Kind::kAny: return One("op", "All");
    case Kind::kEqual: out = One("op", "=="); break;
    case Kind::kIn: out = One("op", "in"); break;
    case Kind::kInSet: {
      out = One("op", "in");
      if (constraint.entities.size() == 1) break;
      Array entities;
      for (const EntityUid& uid : constraint.entities) entities.push_back(UidJson(uid));
      target.Append("entities", std::move(entities));
      break;
    }
    case Kind::kIs: return Two("op", "is", "entity_type", constraint.type);
    case Kind::kIsIn: {
      out = Two("op", "is", "entity_type", constraint.type);
      out.Append("in", std::move(target));
      return out;
    }
  }
  for (auto& [name, value] : target) out.Append(name, std::move(value));
  return out;
}

}  // namespace

json::Value ExprToJson(const Expr& expr) { return Writer().Write(expr); }

json::Value PolicyToJson(const Policy& policy) {
  Object out = One("effect", policy.effect == Effect::kPermit ? "permit" : "forbid");
  out.Append("principal", ScopeJson(policy.principal));
  out.Append("action", ScopeJson(policy.action));
  out.Append("resource", ScopeJson(policy.resource));
  Writer writer;
  Array conditions;
  for (const Policy::Condition& condition : policy.conditions)
    conditions.push_back(Two("kind", condition.when ? "when" : "unless", "body", writer.Write(*condition.body)));
  out.Append("conditions", std::move(conditions));
  if (!policy.annotations.empty()) {
    Object annotations;
    for (const auto& [name, annotation] : policy.annotations)
      annotations.Append(name, annotation.bare ? json::Value() : json::Value(annotation.value));
    out.Append("annotations", std::move(annotations));
  }
  return out;
}

}  // namespace remit::cedar
