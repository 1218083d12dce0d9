// What is known to be there once an expression was true: attributes that `has` and tags that `hasTag` has found, each as a number.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cedar/ast.h"

namespace remit::cedar {

using Capability = std::uint32_t;

class Capabilities {
 public:
  bool Contains(Capability capability) const { return std::ranges::binary_search(sorted_, capability); }
  bool IsEmpty() const { return sorted_.empty(); }

  void Add(Capability capability) {
    const auto at = std::ranges::lower_bound(sorted_, capability);
    if (at == sorted_.end() || *at != capability) sorted_.insert(at, capability);
  }

  void Add(const Capabilities& others) {
    if (others.IsEmpty()) return;
    std::vector<Capability> both;
    std::ranges::set_union(sorted_, others.sorted_, std::back_inserter(both));
    sorted_ = std::move(both);
  }

  void KeepOnly(const Capabilities& others) {
    std::erase_if(sorted_, [&](Capability capability) { return !others.Contains(capability); });
  }

 private:
  std::vector<Capability> sorted_;
};

// Numbers for accesses: the same for equal expressions, wherever they stand. Each expression is numbered once, by its operands' numbers.
// The expressions must outlive it, but for accesses of attributes.
class CapabilityNumbers {
 public:
  Capability OfAttribute(const Expr& object, std::string_view attribute) { return NumberOf('.', OfExpr(object), attribute); }
  Capability OfTag(const Expr& object, const Expr& tag) { return NumberOf('#', OfExpr(object), std::to_string(OfExpr(tag))); }

 private:
  std::uint32_t OfExpr(const Expr& expr) {
    constexpr std::uint32_t kVariables = 4;  // numbers below are those of the variables
    if (expr.op == Op::kVar) return static_cast<std::uint32_t>(expr.var);
    if (expr.op == Op::kGetAttr) return kVariables + NumberOf('.', OfExpr(*expr.args[0]), expr.name);
    const auto [known, added] = known_.try_emplace(&expr);
    if (!added) return known->second;
    std::uint32_t& number = known->second;  // stays in place when others are added
    std::string key = std::to_string(static_cast<int>(expr.op));
    const auto add = [&key](std::string_view text) { key += ' ' + std::to_string(text.size()) + ':', key += text; };
    if (expr.op == Op::kLiteral) add(ToString(expr));
    add(expr.name);
    for (const std::string& attribute : expr.path) add(attribute);
    for (const PatternPart& part : expr.pattern) {
      if (part.wildcard) key += '*' + std::to_string(part.stars);
      if (!part.wildcard) add(part.literal);
    }
    for (const ExprPtr& argument : expr.args) key += ' ' + std::to_string(OfExpr(*argument));
    for (const auto& [name, value] : expr.fields) add(name), key += ' ' + std::to_string(OfExpr(*value));
    return number = kVariables + NumberOf('=', 0, key);
  }

  std::uint32_t NumberOf(char what, std::uint32_t object, std::string_view rest) {
    std::string key(1, what);
    key += std::to_string(object);
    key += ' ';
    key += rest;
    return numbers_.try_emplace(std::move(key), static_cast<std::uint32_t>(numbers_.size())).first->second;
  }

  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::unordered_map<const Expr*, std::uint32_t> known_;
};

}  // namespace remit::cedar
