// The machine of partial evaluation: one pass, bottom-up, that knows which conditions have been made sure of on its way.
#pragma once

#include <optional>
#include <vector>

#include "cedar/partial.h"
#include "cedar/partial/partial_types.h"

namespace remit::cedar {

// A literal of any value is known, sets and records too (they are written out when all is done); any other expression is a residual; nothing is an
// error that is certain.
using Reduced = std::optional<ExprPtr>;

class Reducer {
 public:
  Reducer(const PartialRequest& request, const EntityView& entities, const Schema& schema, PartialOptions options)
      : request_(request), entities_(entities), schema_(schema), options_(options), foresight_(request, schema, options.unknowns) {}

  // One expression after the other: what it has learnt of types serves them all.
  Reduced Reduce(const ExprPtr& expr);
  // The residual as others see it: with known sets and records written out.
  std::optional<ExprPtr> Residual(const ExprPtr& expr);

 private:
  // partial.cc: control flow and construction.
  Reduced ReduceVar(const ExprPtr& expr) const;
  Reduced ReduceLogic(const ExprPtr& expr);
  Reduced ReduceLogicTail(const ExprPtr& expr, const ExprPtr& left, Reduced right);
  Reduced ReduceGuarded(const ExprPtr& expr, const Expr& condition);
  Reduced ReduceIf(const ExprPtr& expr);
  Reduced ReduceNot(const ExprPtr& expr);
  Reduced ReduceStrict(const ExprPtr& expr);  // operators that evaluate all their operands
  Reduced ReduceSet(const ExprPtr& expr);
  Reduced ReduceRecord(const ExprPtr& expr);
  Reduced Compute(const Expr& expr, Operands literals) const;

  // partial_entities.cc: what asks entities, sets and types. `expr` is the original node, the operands are reduced.
  Reduced Apply(const ExprPtr& expr, const Operands& operands);
  Reduced ApplyEqual(const ExprPtr& expr, const ExprPtr& left, const ExprPtr& right);
  Reduced ApplyIs(const ExprPtr& expr, const ExprPtr& object);
  Reduced ReduceIsIn(const ExprPtr& expr);
  Reduced ApplyIn(const ExprPtr& expr, const ExprPtr& left, const ExprPtr& right);
  Reduced ApplyContains(const ExprPtr& expr, const ExprPtr& set, const ExprPtr& member);
  Reduced ApplyHas(const ExprPtr& expr, ExprPtr object);
  Reduced ApplyGetAttr(const ExprPtr& expr, const ExprPtr& object);
  Reduced ApplyTag(const ExprPtr& expr, const ExprPtr& object, const ExprPtr& tag);
  std::optional<bool> ActionEquals(const ExprPtr& left, const ExprPtr& right) const;
  std::optional<std::optional<Value>> ContextAttribute(const Expr& object, const std::string& attribute) const;
  Reduced ActionIn(const ExprPtr& expr, const ExprPtr& left, const std::vector<EntityUid>& groups) const;
  Reduced InKnown(const ExprPtr& expr, const EntityUid& uid, const std::vector<EntityUid>& groups) const;
  std::optional<bool> IsIn(const EntityUid& uid, const EntityUid& group) const;  // nothing: an open world may still make it so

  const UnknownParts* UnknownOf(const EntityUid& uid) const;
  bool IsUnknownAttribute(const EntityUid& uid, const std::string& attribute) const;
  bool MayHaveMoreAncestors(const EntityUid& uid) const;
  Prospect Foresee(const ExprPtr& expr) { return foresight_.Of(*expr, guards_); }

  const PartialRequest& request_;
  const EntityView& entities_;
  const Schema& schema_;
  const PartialOptions options_;
  Foresight foresight_;
  Guards guards_;  // what is sure where the reducer stands
};

bool IsLiteral(const ExprPtr& expr);
bool IsLiteralOf(const ExprPtr& expr, Value::Kind kind);

// `expr` with other operands. The node itself where nothing changed.
ExprPtr WithOperands(const ExprPtr& expr, const Operands& operands);
ExprPtr MakeOperation(Op op, Operands operands, const Span& span);
ExprPtr CertainFailure(const Span& span);

}  // namespace remit::cedar
