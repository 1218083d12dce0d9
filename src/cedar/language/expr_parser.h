// Expressions, by recursive descent: one function for each level of precedence of Cedar's grammar.
#pragma once

#include <array>
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
  Result<std::vector<Node>> ParseList(std::string_view close);
  Result<std::string> ParseKey();

  // Finishes a node of these parts, which began at `first`. Errors: `parse-error` where the tree becomes too high.
  Result<Node> FinishAll(Expr&& expr, std::span<Node> args, const Token& first);
  template <class... Nodes>
  Result<Node> Finish(Expr&& expr, const Token& first, Nodes&&... parts) {
    std::array<Node, sizeof...(parts)> args{std::forward<Nodes>(parts)...};
    return FinishAll(std::move(expr), args, first);
  }

  TokenStream& tokens_;
  std::size_t depth_ = 0;
};

// `A::B::C`. Errors: `parse-error`, also for reserved words.
Result<std::string> ParseTypeName(TokenStream& tokens);

// One identifier that is not reserved. `what` names what it is for.
Result<std::string> ParseIdentifier(TokenStream& tokens, std::string_view what);

// `A::B::"id"`.
Result<EntityUid> ParseEntityUid(TokenStream& tokens);

}  // namespace remit::cedar
