// Random policies for property tests, with every form of the grammar: what is generated is a well-formed tree, as the parser would make
// it, and mostly ill-typed. Tests only.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <rapidcheck.h>

#include "cedar/ast.h"
#include "cedar/language/ext_functions.h"

namespace remit::cedar {

class PolicyGenerator {
 public:
  // Of this height at most (literals and variables have 1).
  static ExprPtr Expression(int height) {
    if (height <= 1) return Leaf();
    auto expr = std::make_shared<Expr>();
    expr->op =
        Pick<Op>({Op::kAnd,       Op::kOr,      Op::kIf,           Op::kNot,    Op::kNegate,   Op::kEqual,       Op::kNotEqual,    Op::kLess,
                  Op::kLessEqual, Op::kGreater, Op::kGreaterEqual, Op::kAdd,    Op::kSubtract, Op::kMultiply,    Op::kIn,          Op::kIs,
                  Op::kIsIn,      Op::kHas,     Op::kGetAttr,      Op::kLike,   Op::kContains, Op::kContainsAll, Op::kContainsAny, Op::kIsEmpty,
                  Op::kHasTag,    Op::kGetTag,  Op::kSet,          Op::kRecord, Op::kCall,     Op::kLiteral});
    std::size_t args = 2;
    switch (expr->op) {
      case Op::kLiteral: return Leaf();
      case Op::kIf: args = 3; break;
      case Op::kNot:
      case Op::kIsEmpty: args = 1; break;
      case Op::kNegate: return Negation(height);
      case Op::kIs: expr->name = TypeName(), args = 1; break;
      case Op::kIsIn: expr->name = TypeName(); break;
      case Op::kHas: expr->path = Path(), args = 1; break;
      case Op::kGetAttr: expr->name = Text(), args = 1; break;
      case Op::kLike: expr->pattern = Pattern(), args = 1; break;
      case Op::kSet: args = Below(4); break;
      case Op::kRecord: return Record(height);
      case Op::kCall: {
        const ExtensionFunction& function = AllExtensionFunctions()[Below(AllExtensionFunctions().size())];
        expr->name = std::string(function.name);
        args = Below(3) + (function.method ? 1u : 0u);
        break;
      }
      default: break;
    }
    for (std::size_t i = 0; i < args; ++i) expr->args.push_back(Expression(height - 1));
    return expr;
  }

  static PolicyPtr Static() { return Make(false); }
  static PolicyPtr Template() { return Make(true); }
  static PolicyPtr Any() { return Make(Below(3) == 0); }

  static EntityUid Uid() { return {TypeName(), Text()}; }
  static EntityUid ActionUid() { return {Pick<std::string>({"Action", "N::Action"}), Text()}; }
  static std::string TypeName() { return Pick<std::string>({"A", "User", "Ns::B", "Ns::Deep::_C1"}); }

  // Identifiers, reserved words, and what needs quotes and escapes.
  static std::string Text() {
    return Pick<std::string>({"a",
                              "b",
                              "name",
                              "if",
                              "in",
                              "__cedar",
                              "true",
                              "",
                              "a b",
                              "*",
                              "\"",
                              "\\",
                              "\n\r\t",
                              "é",
                              "\U0001F600",
                              "\x7f",
                              "//",
                              "\u202e",
                              std::string("\0x", 2),
                              "1"});
  }

 private:
  // Over the whole range from the first case on.
  static std::size_t Below(std::size_t bound) { return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::size_t>(0, bound)); }

  template <class T>
  static T Pick(const std::vector<T>& of) {
    return of[Below(of.size())];
  }

  static ExprPtr Leaf() {
    if (Below(3) == 0) {
      auto var = std::make_shared<Expr>();
      var->op = Op::kVar;
      var->var = Pick<Var>({Var::kPrincipal, Var::kAction, Var::kResource, Var::kContext});
      return var;
    }
    switch (Below(4)) {
      case 0: return MakeLiteral(Below(2) == 0);
      case 1: return MakeLiteral(Pick<std::int64_t>({0, 1, -1, 42, INT64_MAX, INT64_MIN}));
      case 2: return MakeLiteral(Text());
      default: return MakeLiteral(Uid());
    }
  }

  static ExprPtr Negation(int height) {
    auto expr = std::make_shared<Expr>();
    expr->op = Op::kNegate;
    expr->args = {Expression(height - 1)};
    return expr;
  }

  static ExprPtr Record(int height) {
    auto expr = std::make_shared<Expr>();
    expr->op = Op::kRecord;
    std::set<std::string> names;
    for (std::size_t count = Below(4); count > 0; --count) {
      std::string name = Text();
      if (names.insert(name).second) expr->fields.emplace_back(std::move(name), Expression(height - 1));
    }
    return expr;
  }

  static std::vector<std::string> Path() {
    std::vector<std::string> path{Text()};
    if (Below(2) == 0) return path;
    for (std::size_t count = 1 + Below(3); path.size() <= count;) path.push_back(Pick<std::string>({"a", "b", "name"}));
    path.front() = "a";  // only identifiers can be chained
    return path;
  }

  static std::vector<PatternPart> Pattern() {
    std::vector<PatternPart> pattern;
    for (std::size_t count = Below(4); count > 0; --count) {
      const bool wildcard = pattern.empty() ? Below(2) == 0 : !pattern.back().wildcard;
      if (wildcard)
        pattern.push_back({.wildcard = true, .literal = "", .stars = static_cast<std::uint32_t>(1 + Below(2))});
      else if (std::string text = Text(); !text.empty())
        pattern.push_back({.wildcard = false, .literal = std::move(text)});
    }
    return pattern;
  }

  static ScopeConstraint Scope(bool action, std::string_view slot) {
    using Kind = ScopeConstraint::Kind;
    ScopeConstraint scope;
    scope.kind = action ? Pick<Kind>({Kind::kAny, Kind::kEqual, Kind::kIn, Kind::kInSet})
                        : Pick<Kind>({Kind::kAny, Kind::kEqual, Kind::kIn, Kind::kIs, Kind::kIsIn});
    if (!slot.empty()) scope.kind = Pick<Kind>({Kind::kEqual, Kind::kIn, Kind::kIsIn});
    if (scope.kind == Kind::kIs || scope.kind == Kind::kIsIn) scope.type = TypeName();
    if (scope.kind == Kind::kAny || scope.kind == Kind::kIs) return scope;
    scope.slot = slot;
    if (!slot.empty()) return scope;
    const std::size_t count = scope.kind == Kind::kInSet ? Below(4) : 1;
    for (std::size_t i = 0; i < count; ++i) scope.entities.push_back(action ? ActionUid() : Uid());
    return scope;
  }

  static PolicyPtr Make(bool is_template) {
    auto policy = std::make_shared<Policy>();
    policy->id = "random";
    policy->effect = Pick<Effect>({Effect::kPermit, Effect::kForbid});
    for (std::size_t count = Below(3); count > 0; --count) {
      Annotation annotation;
      annotation.bare = Below(3) == 0;
      if (!annotation.bare) annotation.value = Text();
      policy->annotations.emplace(Pick<std::string>({"id", "a", "if", "__cedar"}), std::move(annotation));
    }
    const std::size_t slots = is_template ? 1 + Below(3) : 0;  // bits: principal, resource
    policy->principal = Scope(false, (slots & 1) != 0 ? "?principal" : "");
    policy->action = Scope(true, "");
    policy->resource = Scope(false, (slots & 2) != 0 ? "?resource" : "");
    for (std::size_t count = Below(3); count > 0; --count) policy->conditions.push_back({Below(2) == 0, Expression(4)});
    return policy;
  }
};

}  // namespace remit::cedar
