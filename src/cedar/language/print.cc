// Trees as Cedar source. Parentheses stand where the parser would read another tree without them, and nowhere else.
#include <fmt/format.h>

#include "cedar/ast.h"
#include "cedar/language/escape.h"
#include "cedar/language/ext_functions.h"
#include "cedar/language/lexer.h"
#include "cedar/language/operators.h"
#include "cedar/language/shown.h"

namespace remit::cedar {
namespace {

// How tightly an expression binds, from the grammar: a place for one takes everything that binds at least as tightly.
enum Level { kIfLevel, kOrLevel, kAndLevel, kRelationLevel, kAddLevel, kMultiplyLevel, kUnaryLevel, kMemberLevel };

Level LevelOf(const Expr& expr) {
  switch (expr.op) {
    case Op::kIf: return kIfLevel;
    case Op::kOr: return kOrLevel;
    case Op::kAnd: return kAndLevel;
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
    case Op::kIn:
    case Op::kIs:
    case Op::kIsIn:
    case Op::kLike: return kRelationLevel;
    case Op::kHas: return kRelationLevel;
    case Op::kAdd:
    case Op::kSubtract: return kAddLevel;
    case Op::kMultiply: return kMultiplyLevel;
    case Op::kNot:
    case Op::kNegate: return kUnaryLevel;
    case Op::kLiteral: return expr.literal.Is(Value::Kind::kLong) && expr.literal.AsLong() < 0 ? kUnaryLevel : kMemberLevel;
    default: return kMemberLevel;
  }
}

std::string AttributeName(std::string_view name) { return IsIdentifier(name) ? std::string(name) : Quote(name); }

class Printer {
 public:
  // Writes nothing more once there are more than `most_bytes`.
  explicit Printer(std::size_t most_bytes = std::string::npos) : most_bytes_(most_bytes) {}

  std::string Take() && { return std::move(out_); }

  void Print(const Expr& expr, Level least) {
    if (out_.size() > most_bytes_) return;
    const bool parentheses = LevelOf(expr) < least;
    if (parentheses) out_ += '(';
    PrintBare(expr);
    if (parentheses) out_ += ')';
  }

 private:
  void PrintBare(const Expr& expr) {
    switch (expr.op) {
      case Op::kLiteral: out_ += LiteralText(expr.literal); return;
      case Op::kVar: out_ += VarName(expr.var); return;
      case Op::kSlot: out_ += expr.name; return;
      case Op::kUnknown: out_ += fmt::format("unknown({})", Quote(expr.name)); return;
      case Op::kAnd:
      case Op::kOr: PrintChain(expr); return;
      case Op::kIf: PrintIf(expr); return;
      case Op::kNot: out_ += '!', Print(*expr.args[0], kMemberLevel); return;
      case Op::kNegate: PrintNegate(*expr.args[0]); return;
      case Op::kAdd:
      case Op::kSubtract: PrintBinary(expr, kAddLevel, kMultiplyLevel); return;
      case Op::kMultiply: PrintBinary(expr, kMultiplyLevel, kUnaryLevel); return;
      case Op::kIs:
      case Op::kIsIn: PrintIs(expr); return;
      case Op::kHas: PrintHas(expr); return;
      case Op::kLike: Print(*expr.args[0], kAddLevel), out_ += " like " + QuotePattern(expr.pattern); return;
      case Op::kGetAttr: PrintGetAttr(*expr.args[0], expr.name); return;
      case Op::kSet: out_ += '[', PrintList(expr.args, 0), out_ += ']'; return;
      case Op::kRecord: PrintRecord(expr); return;
      case Op::kCall: PrintCall(expr); return;
      case Op::kContains:
      case Op::kContainsAll:
      case Op::kContainsAny:
      case Op::kIsEmpty:
      case Op::kHasTag:
      case Op::kGetTag: PrintMethod(OperatorText(expr.op), expr.args); return;
      default: PrintBinary(expr, kAddLevel, kAddLevel); return;
    }
  }

  // Long texts are not escaped where only their beginning is shown.
  std::string LiteralText(const Value& value) const {
    if (value.Is(Value::Kind::kString) && value.AsString().size() > most_bytes_) return Quote(Shown(value.AsString(), most_bytes_));
    if (value.Is(Value::Kind::kEntity) && value.AsEntity().id.size() > most_bytes_)
      return EntityUid{value.AsEntity().type, Shown(value.AsEntity().id, most_bytes_)}.ToString();
    return value.ToString();
  }

  // How many operands a chain shows when it is written without parentheses around its left side.
  static std::size_t ChainLength(const Expr& expr, Op op) {
    std::size_t length = 1;
    for (const Expr* e = &expr; e->op == op; e = e->args[0].get()) ++length;
    // Each run of kChainLength is closed off by parentheses, and counts as one operand of what follows.
    return length <= kChainLength ? length : (length - 2) % (kChainLength - 1) + 2;
  }

  // The parser reads a chain of up to kChainLength operands as a left-deep tree, so anything else gets parentheses.
  void PrintChain(const Expr& expr) {
    const Level level = expr.op == Op::kAnd ? kAndLevel : kOrLevel;
    const Level tighter = static_cast<Level>(level + 1);
    const bool closed = expr.args[0]->op == expr.op && ChainLength(*expr.args[0], expr.op) >= kChainLength;
    Print(*expr.args[0], closed ? tighter : level);
    out_ += fmt::format(" {} ", OperatorText(expr.op));
    Print(*expr.args[1], tighter);
  }

  void PrintBinary(const Expr& expr, Level left, Level right) {
    Print(*expr.args[0], left);
    out_ += fmt::format(" {} ", OperatorText(expr.op));
    Print(*expr.args[1], right);
  }

  // -5 is a literal, -(5) a negation.
  void PrintNegate(const Expr& operand) {
    const bool number = operand.op == Op::kLiteral && operand.literal.Is(Value::Kind::kLong);
    out_ += number ? "-(" : "-";
    Print(operand, number ? kIfLevel : kMemberLevel);
    if (number) out_ += ')';
  }

  void PrintIf(const Expr& expr) {
    out_ += "if ", Print(*expr.args[0], kIfLevel);
    out_ += " then ", Print(*expr.args[1], kIfLevel);
    out_ += " else ", Print(*expr.args[2], kIfLevel);
  }

  void PrintIs(const Expr& expr) {
    Print(*expr.args[0], kAddLevel);
    out_ += " is " + expr.name;
    if (expr.op == Op::kIsIn) out_ += " in ", Print(*expr.args[1], kAddLevel);
  }

  void PrintHas(const Expr& expr) {
    Print(*expr.args[0], kAddLevel);
    out_ += " has ";
    for (std::size_t i = 0; i < expr.path.size(); ++i) out_ += (i > 0 ? "." : "") + AttributeName(expr.path[i]);
  }

  void PrintGetAttr(const Expr& receiver, std::string_view name) {
    Print(receiver, kMemberLevel);
    out_ += IsIdentifier(name) ? fmt::format(".{}", name) : fmt::format("[{}]", Quote(name));
  }

  void PrintRecord(const Expr& expr) {
    out_ += '{';
    for (std::size_t i = 0; i < expr.fields.size() && out_.size() <= most_bytes_; ++i) {
      out_ += fmt::format("{}{}: ", i > 0 ? ", " : "", AttributeName(expr.fields[i].first));
      Print(*expr.fields[i].second, kIfLevel);
    }
    out_ += '}';
  }

  void PrintCall(const Expr& expr) {
    const ExtensionFunction* function = FindExtensionFunction(expr.name);
    if (function != nullptr && function->method && !expr.args.empty()) return PrintMethod(expr.name, expr.args);
    out_ += expr.name + "(", PrintList(expr.args, 0), out_ += ')';
  }

  void PrintMethod(std::string_view name, const Operands& args) {
    Print(*args[0], kMemberLevel);
    out_ += fmt::format(".{}(", name);
    PrintList(args, 1);
    out_ += ')';
  }

  void PrintList(const Operands& args, std::size_t first) {
    for (std::size_t i = first; i < args.size() && out_.size() <= most_bytes_; ++i) {
      if (i > first) out_ += ", ";
      Print(*args[i], kIfLevel);
    }
  }

  const std::size_t most_bytes_;
  std::string out_;
};

}  // namespace

std::string ToString(const Expr& expr) {
  Printer printer;
  printer.Print(expr, kIfLevel);
  return std::move(printer).Take();
}

std::string Shown(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return std::string(text.substr(0, bytes)) + "…";
}

std::string Shown(const Expr& expr) {
  constexpr std::size_t kShownBytes = 500;
  Printer printer(kShownBytes);
  printer.Print(expr, kIfLevel);
  return Shown(std::move(printer).Take(), kShownBytes);
}

std::string ToString(const ScopeConstraint& constraint, std::string_view variable) {
  using Kind = ScopeConstraint::Kind;
  const std::string target = !constraint.slot.empty() ? constraint.slot : constraint.entities.empty() ? "" : constraint.entities.front().ToString();
  switch (constraint.kind) {
    case Kind::kAny: return std::string(variable);
    case Kind::kEqual: return fmt::format("{} == {}", variable, target);
    case Kind::kIn: return fmt::format("{} in {}", variable, target);
    case Kind::kIs: return fmt::format("{} is {}", variable, constraint.type);
    case Kind::kIsIn: return fmt::format("{} is {} in {}", variable, constraint.type, target);
    case Kind::kInSet: break;
  }
  std::string members;
  for (const EntityUid& uid : constraint.entities) members += (members.empty() ? "" : ", ") + uid.ToString();
  return fmt::format("{} in [{}]", variable, members);
}

std::string ToString(const Policy& policy) {
  std::string out;
  for (const auto& [name, annotation] : policy.annotations) {
    out += annotation.bare ? fmt::format("@{}\n", name) : fmt::format("@{}({})\n", name, Quote(annotation.value));
  }
  out += policy.effect == Effect::kPermit ? "permit (" : "forbid (";
  out += ToString(policy.principal, "principal") + ", " + ToString(policy.action, "action") + ", " + ToString(policy.resource, "resource") + ")";
  for (const Policy::Condition& condition : policy.conditions)
    out += fmt::format("\n{} {{ {} }}", condition.when ? "when" : "unless", ToString(*condition.body));
  return out + ";";
}

}  // namespace remit::cedar
