// Types of expressions within one request environment: the rules of Cedar's strict validator. Booleans that can only have one value are
// known as such, so that what is never evaluated is not checked; capabilities carry what `has` and `hasTag` have made sure of.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "cedar/ast.h"
#include "cedar/schema.h"
#include "cedar/source.h"
#include "cedar/schema/types.h"

namespace remit::cedar {

// One combination that a policy is checked for. Types of slots are "" where the policy is no template.
struct RequestEnvironment {
  const ActionType* action = nullptr;
  std::string principal, resource;
  std::string principal_slot, resource_slot;
};

class Typechecker {
 public:
  // All must outlive the checker. Findings are appended; their `policy` is left empty.
  Typechecker(const Schema& schema, const RequestEnvironment& environment, TypeCache& cache, std::vector<Diagnostic>& findings)
      : schema_(schema), environment_(environment), cache_(cache), findings_(findings) {}

  // The type of a policy's condition; null where it could not be found, and then there is a finding, or a literal names what the schema
  // does not have (which the caller looks for by itself).
  StaticTypePtr CheckCondition(const Expr& expr);

 private:
  // What is known to be there once an expression was true: attributes and tags, named by the text of the access.
  using Capabilities = std::set<std::string>;
  struct Answer {
    StaticTypePtr type;         // null: the expression has an error
    Capabilities capabilities;  // if it is true
  };
  enum class Want { kBool, kLong, kString, kSet, kEntity, kEntityOrRecord, kEntityOrEntities };

  Answer Check(const Expr& expr, const Capabilities& prior);
  // The same, with a finding and a null type where the type is not what is wanted.
  Answer Expect(const Expr& expr, const Capabilities& prior, Want want, std::string_view hint = {});
  StaticTypePtr ExpectType(const Expr& expr, const Capabilities& prior, const StaticTypePtr& type);

  // typecheck.cc
  StaticTypePtr CheckLiteral(const Value& literal) const;
  StaticTypePtr CheckVariable(Var var);
  StaticTypePtr CheckSlot(const Expr& expr);
  Answer CheckAnd(const Expr& expr, const Capabilities& prior);
  Answer CheckOr(const Expr& expr, const Capabilities& prior);
  Answer CheckIf(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckNot(const Expr& operand, const Capabilities& prior);
  Answer CheckHas(const Expr& expr, const Capabilities& prior);
  Answer CheckHasOne(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckGetAttr(const Expr& expr, const Capabilities& prior);
  Answer CheckHasTag(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckGetTag(const Expr& expr, const Capabilities& prior);

  // typecheck_operators.cc
  StaticTypePtr CheckEqual(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckOrder(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckArithmetic(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckIn(const Expr& expr, const Expr& left, const Expr& right, const Capabilities& prior);
  StaticTypePtr CheckIs(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckIsIn(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckContains(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckSetComparison(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckSet(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckRecord(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckCall(const Expr& expr, const Capabilities& prior);
  bool MayBeIn(const std::string& left_type, const std::string& right_type) const;
  const EntityUid* AsEntityLiteral(const Expr& expr) const;  // also `action`, which each environment knows
  std::optional<std::vector<EntityUid>> AsEntityLiterals(const Expr& expr) const;
  bool Joinable(const Expr& at, const StaticTypePtr& a, const StaticTypePtr& b);  // with a finding where not

  // What the type says of an attribute; null: nothing.
  struct AttributeFound {
    StaticTypePtr type;
    bool required = true;
  };
  std::optional<AttributeFound> FindAttribute(const StaticType& of, const std::string& name);
  std::vector<std::string> AttributeNames(const StaticType& of) const;
  StaticTypePtr TagType(const std::string& entity_type);

  void Report(const Expr& at, std::string_view reason, std::string message, std::string_view hint = {});

  const Schema& schema_;
  const RequestEnvironment& environment_;
  TypeCache& cache_;
  std::vector<Diagnostic>& findings_;
};

}  // namespace remit::cedar
