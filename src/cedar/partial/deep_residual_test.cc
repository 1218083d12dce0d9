// Deep expressions over deep values: a residual is no higher than a text may be, or than what it came from.
#include <gtest/gtest.h>

#include "base/limits.h"
#include "cedar/authorizer.h"
#include "cedar/parser.h"
#include "cedar/partial.h"

namespace remit::cedar {
namespace {

// `{x: {x: … 0}}`, and its type.
Value DeepValue(int depth) { return depth == 0 ? Value(0) : Value::FromRecord({{"x", DeepValue(depth - 1)}}); }
std::string DeepType(int depth) { return depth == 0 ? "Long" : "{ x: " + DeepType(depth - 1) + " }"; }

ExprPtr Node(Op op, Operands args) {
  auto expr = std::make_shared<Expr>();
  expr->op = op;
  expr->args = std::move(args);
  return expr;
}

// `expr` at the bottom of `depth` conditions that hold.
ExprPtr Below(int depth, ExprPtr expr) {
  const ExprPtr flag = *ParseExpr("resource.flag");
  for (int i = 0; i < depth; ++i) expr = Node(Op::kIf, {flag, std::move(expr), MakeLiteral(Value(false))});
  return expr;
}

std::size_t HeightOf(const Expr& expr) {
  std::size_t height = 0;
  for (const ExprPtr& arg : expr.args) height = std::max(height, HeightOf(*arg));
  for (const auto& [name, field] : expr.fields) height = std::max(height, HeightOf(*field));
  return height + 1;
}

TEST(DeepResidualTest, IsNoHigherThanATextMayBeOrItsExpression) {
  const auto schema = Schema::Parse({{"s", "entity T = { deep: " + DeepType(150) +
                                               ", set: Set<Long>, flag: Bool };"
                                               "action a appliesTo { principal: T, resource: T };"}});
  ASSERT_TRUE(schema.has_value()) << schema.error().ToString();
  Entity entity{{"T", "1"}, {{"deep", DeepValue(150)}, {"set", Value::Set({Value(1), Value(2)})}, {"flag", Value(true)}}, {}, {}};
  Entity other = entity;
  other.uid.id = "2";
  const Entities entities = *Entities::Build({entity, other});
  PartialRequest request{"T", entity.uid, EntityUid{"Action", "a"}, "T", std::nullopt, Value::FromRecord({})};
  for (const int depth : {0, 60, 150, 196}) {
    for (const char* text :
         {"principal.deep == resource.deep", "principal.set.containsAll(resource.set)", "[principal.deep].contains(resource.deep)"}) {
      const ExprPtr expr = Below(depth, *ParseExpr(text));
      const auto residual = PartialEvaluate(*expr, request, entities, *schema);
      ASSERT_TRUE(residual.has_value());
      EXPECT_LE(HeightOf(**residual), std::max(limits::kCedarDepth, HeightOf(*expr))) << depth << text;
      const Request full{entity.uid, *request.action, other.uid, Value::FromRecord({})};
      EXPECT_EQ(EvaluateExpr(*expr, full, entities).value(), Value(true));
      const auto value = EvaluateExpr(**residual, full, entities);
      EXPECT_TRUE(value.has_value() && *value == Value(true)) << depth << " " << text;
    }
  }
  // As high as a text may be, it is one that can be read.
  const auto shallow = PartialEvaluate(**ParseExpr("principal.set.containsAll(resource.set)"), request, entities, *schema);
  EXPECT_EQ(ToString(**shallow), "[1, 2].containsAll(resource.set)");
}

// What `has` makes sure of is noted and taken back, however long the chain that it stands in.
TEST(LongResidualTest, GuardsHoldBehindTheirConditionOnly) {
  const auto schema =
      Schema::Parse({{"s", "entity O = { x: Long }; entity T = { o?: O, n: Long }; action a appliesTo { principal: T, resource: T };"}});
  ASSERT_TRUE(schema.has_value()) << schema.error().ToString();
  const PartialRequest request{"T", EntityUid{"T", "1"}, EntityUid{"Action", "a"}, "T", std::nullopt, Value::FromRecord({})};
  const auto residual = [&](const std::string& text) {
    const auto reduced = PartialEvaluate(**ParseExpr(text), request, Entities(), *schema);
    return reduced ? ToString(**reduced) : "error";
  };
  EXPECT_EQ(residual("resource has o && resource.o == resource.o"), "resource has o");
  EXPECT_EQ(residual("(resource has o && resource.n == 1) || resource.o == resource.o"),
            "resource has o && resource.n == 1 || resource.o == resource.o");
  EXPECT_EQ(residual("if resource has o then resource.o == resource.o else resource.o == resource.o"),
            "if resource has o then true else resource.o == resource.o");
  EXPECT_EQ(residual("resource has o && (resource has o || resource.n == 1) && resource.o == resource.o"),
            "resource has o && (resource has o || resource.n == 1)");

  std::string chain = "resource.n == 1";
  for (int i = 0; i < 40'000; ++i) chain += " && resource.o has y" + std::to_string(i);
  const std::string reduced = residual(chain + " && resource.n == resource.n");
  EXPECT_NE(reduced.find("resource.o has y39999"), std::string::npos);
  EXPECT_EQ(reduced.find("resource.n == resource.n"), std::string::npos);
}

}  // namespace
}  // namespace remit::cedar
