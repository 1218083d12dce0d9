// The syntax tree of policies: what the parser makes, the validator checks, and partial evaluation reduces. Nodes are immutable and
// shared, so that a residual can keep the parts of a policy that it did not touch.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "cedar/source.h"
#include "cedar/sparse_vector.h"
#include "cedar/value.h"

namespace remit::cedar {

enum class Var : std::uint8_t { kPrincipal, kAction, kResource, kContext };

enum class Op : std::uint8_t {
  kLiteral,  // literal
  kVar,      // var
  kSlot,     // name: "?principal" | "?resource"
  kUnknown,  // name; only in residuals: a value that is not known yet
  kAnd,
  kOr,  // args[0], args[1]
  kIf,  // args[0] ? args[1] : args[2]
  kNot,
  kNegate,  // args[0]
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAdd,
  kSubtract,
  kMultiply,
  kIn,       // args[0] in args[1] (an entity or a set of entities)
  kIs,       // args[0] is name
  kIsIn,     // args[0] is name in args[1]
  kHas,      // args[0] has path (one or more attributes)
  kGetAttr,  // args[0].name, args[0]["name"]
  kLike,     // args[0] like pattern
  kContains,
  kContainsAll,
  kContainsAny,  // args[0].contains(args[1])
  kIsEmpty,      // args[0].isEmpty()
  kHasTag,
  kGetTag,  // args[0].getTag(args[1])
  kSet,     // args
  kRecord,  // fields
  kCall,    // extension function or method `name` with args (a method's receiver is args[0])
};

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;
using Operands = boost::container::small_vector<ExprPtr, 2>;  // as many as most operators have lie in the node itself

struct PatternPart {  // of `like`: any run of characters, or one literal text
  bool wildcard = false;
  std::string literal;
  std::uint32_t stars = 1;  // of a wildcard: how many the source has in a row; they mean the same as one
  bool operator==(const PatternPart&) const = default;
};

// What every walk over a tree reads stands first, so that it is in one line of the processor's cache.
struct Expr {
  Op op = Op::kLiteral;
  Var var = Var::kPrincipal;
  Operands args;
  SparseVector<std::pair<std::string, ExprPtr>> fields;  // in source order, keys distinct
  std::string name;
  Value literal;
  Span span;
  SparseVector<std::string> path;
  SparseVector<PatternPart> pattern;
};

std::string ToString(const Expr& expr);    // Cedar source that parses to an equal tree
bool Equal(const Expr& a, const Expr& b);  // spans left out

// `operands` joined by && or || (kAnd, kOr): a left-deep tree up to kChainLength operands, a balanced one beyond, so that a chain of
// any length keeps a depth that recursion can take. Evaluates in the order of `operands`. None: the operator's neutral literal.
inline constexpr std::size_t kChainLength = 32;
ExprPtr MakeChain(Op op, const std::vector<ExprPtr>& operands);

ExprPtr MakeLiteral(Value value, Span span = {});

enum class Effect { kPermit, kForbid };

// `principal`, `principal == U`, `principal in U`, `principal is T`, `principal is T in U`; for actions also `in [U, …]`.
struct ScopeConstraint {
  enum class Kind { kAny, kEqual, kIn, kInSet, kIs, kIsIn } kind = Kind::kAny;
  std::string type;                 // kIs, kIsIn
  std::vector<EntityUid> entities;  // one; kInSet: any number
  std::string slot;                 // "?principal" or "?resource" in place of the entity; templates only
  Span span;
};

struct Annotation {
  std::string value;
  Span span;
  bool bare = false;  // without a value, as in `@flag`; the value is then ""
};

struct Policy {
  std::string id;  // "policy0", … in source order, unless @id is used by the host
  Effect effect = Effect::kPermit;
  std::map<std::string, Annotation, std::less<>> annotations;
  ScopeConstraint principal, action, resource;
  struct Condition {
    bool when = true;  // false: unless
    ExprPtr body;
  };
  std::vector<Condition> conditions;
  Span span;

  const Annotation* FindAnnotation(std::string_view name) const;
  bool IsTemplate() const { return !principal.slot.empty() || !resource.slot.empty(); }

  // Scope and conditions as one boolean expression.
  ExprPtr AsExpr() const;
};

using PolicyPtr = std::shared_ptr<const Policy>;

std::string ToString(const Policy& policy);  // Cedar source that parses to an equal policy
std::string ToString(const ScopeConstraint& constraint, std::string_view variable);
bool Equal(const Policy& a, const Policy& b);  // ids and spans left out

}  // namespace remit::cedar
