// Expressions, by recursive descent: one function for each level of precedence of Cedar's grammar.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cedar/ast.h"
#include "cedar/language/lexer.h"

namespace remit::cedar {

// The height of what MakeChain makes of operands this high; at least one.
std::size_t ChainHeight(std::span<const std::size_t> heights);

// Parses expressions off a stream. INVARIANT: neither the parser's recursion nor the height of any tree that it makes exceeds
// limits::kCedarDepth (but for the few levels of a balanced chain), so that whoever walks a tree may recurse.
class ExprParser {
 public:
  explicit ExprParser(TokenStream& tokens) : tokens_(tokens) {}

  Result<ExprPtr> Parse();

 private:
  using NewExpr = std::shared_ptr<Expr>;  // not shared with anybody yet
  struct Node {
    ExprPtr expr;
    std::size_t height = 1;
  };

  Result<Node> ParseExpr();
  Result<Node> ParseIf();
  Result<Node> ParseChain(Op op);
  Result<Node> ParseRelation();
  Result<Node> ParseHas(Node left, const Token& first);
  Result<Node> ParseLike(Node left, const Token& first);
  Result<Node> ParseIs(Node left, const Token& first);
  Result<Node> ParseAdd();
  Result<Node> ParseMultiply();
  Result<Node> ParseUnary();
  Result<Node> ParseNegation(std::size_t dashes, const Token& first);
  Result<Node> ParseMember();
  Result<Node> ParseMethod(Node receiver, const Token& name, const Token& first);
  Result<Node> ParsePrimary();
  Result<Node> ParseName();
  Result<Node> ParseFunction(const std::string& name, const Token& first);
  Result<Node> ParseSet();
  Result<Node> ParseRecord();
  using Nodes = boost::container::small_vector<Node, 4>;
  Result<Nodes> ParseList(std::string_view close, Nodes nodes = {});
  Result<std::string> ParseKey();

  // Finishes a node of these parts, which began at `first`. Errors: `parse-error` where the tree becomes too high.
  template <class... Parts>
  Result<Node> Finish(NewExpr expr, const Token& first, Parts&&... parts) {
    (expr->args.push_back(std::move(parts.expr)), ...);
    return Finished(std::move(expr), std::max({std::size_t{1}, parts.height + 1 ...}), first);
  }
  Result<Node> FinishAll(NewExpr expr, std::span<Node> parts, const Token& first);
  Result<Node> Finished(NewExpr expr, std::size_t height, const Token& first);

  TokenStream& tokens_;
  std::size_t depth_ = 0;
};

// `A::B::C`. Errors: `parse-error`, also for reserved words.
Result<std::string> ParseTypeName(TokenStream& tokens);

// One identifier that is not reserved, a part of the source. `what` names what it is for.
Result<std::string_view> ParseIdentifier(TokenStream& tokens, std::string_view what);

// `A::B::"id"`.
Result<EntityUid> ParseEntityUid(TokenStream& tokens);

}  // namespace remit::cedar
