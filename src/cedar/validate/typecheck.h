// Types of expressions within one request environment: the rules of Cedar's validator. Booleans that can only have one value are known as
// such, so that what is never evaluated is not checked; capabilities carry what `has` and `hasTag` have made sure of.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cedar/ast.h"
#include "cedar/schema.h"
#include "cedar/schema/types.h"
#include "cedar/source.h"
#include "cedar/validate/capabilities.h"
#include "cedar/validator.h"

namespace remit::cedar {

// One combination that a policy is checked for. Types of slots are "" where the policy is no template.
struct RequestEnvironment {
  const ActionType* action = nullptr;
  std::string_view principal, resource;
  std::string_view principal_slot, resource_slot;
};

// What typing has found out, for who walks the same expression afterwards: the type of each node that is evaluated, and what
// `has` with several attributes means in terms of `&&`.
struct TypedTree {
  std::unordered_map<const Expr*, StaticTypePtr> types;
  std::unordered_map<const Expr*, ExprPtr> expansions;
};

class Typechecker {
 public:
  // All must outlive the checker; `tree` may be null. Findings are appended; their `policy` is left empty.
  Typechecker(const Schema& schema, const RequestEnvironment& environment, ValidationMode mode, TypeCache& cache, std::vector<Diagnostic>& findings,
              TypedTree* tree = nullptr)
      : schema_(schema), environment_(environment), mode_(mode), cache_(cache), findings_(findings), tree_(tree) {}

  // The type of a policy's condition; null where it could not be found, and then there is a finding, or a literal names what the schema
  // does not have (which the caller looks for by itself).
  StaticTypePtr CheckCondition(const Expr& expr);

 private:
  struct Answer {
    StaticTypePtr type;         // null: the expression has an error
    Capabilities capabilities;  // if it is true
  };
  enum class Want { kBool, kLong, kString, kSet, kEntity, kEntityOrRecord, kEntityOrEntities };

  Answer Check(const Expr& expr, const Capabilities& prior);
  Answer CheckNode(const Expr& expr, const Capabilities& prior);
  // The same, with a finding and a null type where the type is not what is wanted.
  Answer Expect(const Expr& expr, const Capabilities& prior, Want want, std::string_view hint = {});
  StaticTypePtr ExpectType(const Expr& expr, const Capabilities& prior, const StaticTypePtr& type);
  StaticTypePtr JoinTypes(const StaticTypePtr& a, const StaticTypePtr& b, std::string* why = nullptr) const { return Join(a, b, why, mode_); }

  // typecheck.cc
  StaticTypePtr CheckLiteral(const Value& literal);
  StaticTypePtr CheckVariable(Var var);
  StaticTypePtr CheckSlot(const Expr& expr);
  Answer CheckAnd(const Expr& expr, const Capabilities& prior);
  Answer CheckOr(const Expr& expr, const Capabilities& prior);
  Answer CheckIf(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckNot(const Expr& operand, const Capabilities& prior);

  // typecheck_access.cc
  Answer CheckHas(const Expr& expr, const Capabilities& prior);
  Answer CheckHasOne(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckGetAttr(const Expr& expr, const Capabilities& prior);
  Answer CheckHasTag(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckGetTag(const Expr& expr, const Capabilities& prior);

  // typecheck_operators.cc
  StaticTypePtr CheckEqual(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckOrder(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckArithmetic(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckIn(const Expr& left, const Expr& right, const Capabilities& prior);
  StaticTypePtr CheckIs(const Expr& expr, const Capabilities& prior);
  static StaticTypePtr TypeOfIs(const StaticTypePtr& operand, const std::string& entity_type);
  StaticTypePtr TypeOfIn(const Expr& left, const StaticTypePtr& left_type, const Expr& right, const Capabilities& prior, std::size_t findings_before);
  StaticTypePtr CheckIsIn(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckContains(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckSetComparison(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckSet(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckRecord(const Expr& expr, const Capabilities& prior);
  StaticTypePtr CheckCall(const Expr& expr, const Capabilities& prior);
  void CheckConstructor(const Expr& expr, const struct ExtensionFunction& function);
  bool MayBeIn(const std::string& left_type, const std::string& right_type) const;
  bool AnyMayBeIn(const StaticType& left, const StaticType& right) const;
  const EntityUid* AsEntityLiteral(const Expr& expr) const;  // also `action`, which each environment knows
  std::optional<std::vector<EntityUid>> AsEntityLiterals(const Expr& expr) const;
  std::optional<bool> CompareLiterals(const Expr& a, const Expr& b) const;        // nothing where one of them is none
  bool Joinable(const Expr& at, const StaticTypePtr& a, const StaticTypePtr& b);  // with a finding where not; permissive: always

  // What the type says of an attribute.
  struct AttributeFound {
    StaticTypePtr type;
    bool required = true;
  };
  std::optional<AttributeFound> FindAttribute(const StaticType& of, const std::string& name);
  bool MayHaveAttribute(const StaticType& of, const std::string& name) const;
  std::vector<std::string> AttributeNames(const StaticType& of) const;
  std::vector<StaticTypePtr> TagTypes(const StaticType& of);  // distinct types of tags of what it may be

  void Report(const Expr& at, std::string_view reason, std::string message, std::string_view hint = {});

  const Schema& schema_;
  const RequestEnvironment& environment_;
  const ValidationMode mode_;
  TypeCache& cache_;
  std::vector<Diagnostic>& findings_;
  TypedTree* const tree_;
  CapabilityNumbers numbers_;
  // INVARIANT: typing takes time linear in the tree. The objects of a chain behind `has` that is being typed stand in each of its steps: they
  // are typed in the first one, and these are the answers (nothing: not yet). What the further steps know besides is of the objects themselves,
  // which do not stand in what they are made of: it cannot change the answer.
  std::unordered_map<const Expr*, std::optional<Answer>> shared_;
};

}  // namespace remit::cedar
