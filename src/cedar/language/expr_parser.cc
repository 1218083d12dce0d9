// The levels of precedence, loosest first: if, ||, &&, relations, + -, *, ! -, member access. Primaries are expr_primary.cc's.
#include "cedar/language/expr_parser.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <span>

#include <fmt/format.h>

#include "base/limits.h"
#include "cedar/language/escape.h"
#include "cedar/language/ext_functions.h"

namespace remit::cedar {
namespace {

constexpr std::size_t kUnaryOperators = 4;  // in a row, as in the reference grammar

bool IsRelation(const Token& token, Op& op) {
  static constexpr std::pair<std::string_view, Op> kRelations[] = {{"==", Op::kEqual},     {"!=", Op::kNotEqual}, {"<", Op::kLess},
                                                                   {"<=", Op::kLessEqual}, {">", Op::kGreater},   {">=", Op::kGreaterEqual}};
  if (token.IsWord("in")) return op = Op::kIn, true;
  if (token.kind != TokenKind::kPunctuation || std::string_view("=!<>").find(token.text.front()) == std::string_view::npos) return false;
  for (const auto& [text, relation] : kRelations) {
    if (token.Is(text)) return op = relation, true;
  }
  return false;
}

struct Method {
  std::string_view name;
  Op op;
  std::size_t arguments;
};
constexpr Method kMethods[] = {{"contains", Op::kContains, 1}, {"containsAll", Op::kContainsAll, 1}, {"containsAny", Op::kContainsAny, 1},
                               {"isEmpty", Op::kIsEmpty, 0},   {"hasTag", Op::kHasTag, 1},           {"getTag", Op::kGetTag, 1}};

std::shared_ptr<Expr> WithOp(Op op) {
  auto expr = std::make_shared<Expr>();
  expr->op = op;
  return expr;
}

}  // namespace

std::size_t ChainHeight(std::span<const std::size_t> heights) {
  if (heights.size() > kChainLength) {
    const std::size_t half = heights.size() / 2;
    return 1 + std::max(ChainHeight(heights.first(half)), ChainHeight(heights.subspan(half)));
  }
  std::size_t height = heights.front();
  for (const std::size_t next : heights.subspan(1)) height = 1 + std::max(height, next);
  return height;
}

Result<ExprPtr> ExprParser::Parse() {
  REMIT_ASSIGN(Node node, ParseExpr());
  return node.expr;
}

Result<ExprParser::Node> ExprParser::FinishAll(NewExpr expr, std::span<Node> parts, const Token& first) {
  std::size_t height = 1;
  expr->args.reserve(parts.size());
  for (Node& part : parts) {
    height = std::max(height, part.height + 1);
    expr->args.push_back(std::move(part.expr));
  }
  return Finished(std::move(expr), height, first);
}

Result<ExprParser::Node> ExprParser::Finished(NewExpr expr, std::size_t height, const Token& first) {
  if (height > limits::kCedarDepth) {
    return tokens_.FailAt(first, fmt::format("expression is nested too deeply, at most {} levels are allowed", limits::kCedarDepth));
  }
  expr->span = tokens_.SpanFrom(first);
  return Node{std::move(expr), height};
}

Result<ExprParser::Node> ExprParser::ParseExpr() {
  if (depth_ >= limits::kCedarDepth) {
    return tokens_.FailAt(tokens_.Peek(), fmt::format("expression is nested too deeply, at most {} levels are allowed", limits::kCedarDepth));
  }
  ++depth_;
  auto node = tokens_.Peek().IsWord("if") && !tokens_.Peek(1).Is("::") ? ParseIf() : ParseChain(Op::kOr);
  --depth_;
  return node;
}

Result<ExprParser::Node> ExprParser::ParseIf() {
  const Token& first = tokens_.Next();
  REMIT_ASSIGN(Node test, ParseExpr());
  if (!tokens_.AcceptWord("then")) return tokens_.Unexpected("`then`");
  REMIT_ASSIGN(Node yes, ParseExpr());
  if (!tokens_.AcceptWord("else")) return tokens_.Unexpected("`else`");
  REMIT_ASSIGN(Node no, ParseExpr());
  return Finish(WithOp(Op::kIf), first, std::move(test), std::move(yes), std::move(no));
}

Result<ExprParser::Node> ExprParser::ParseChain(Op op) {
  const std::string_view sign = op == Op::kOr ? "||" : "&&";
  const Token& first = tokens_.Peek();
  const auto next = [&] { return op == Op::kOr ? ParseChain(Op::kAnd) : ParseRelation(); };
  auto leading = next();
  if (!leading || !tokens_.Accept(sign)) return leading;
  std::vector<ExprPtr> operands{std::move(leading->expr)};
  std::vector<std::size_t> heights{leading->height};
  do {
    REMIT_ASSIGN(Node operand, next());
    heights.push_back(operand.height);
    operands.push_back(std::move(operand.expr));
  } while (tokens_.Accept(sign));
  const std::size_t height = ChainHeight(heights);
  if (height > limits::kCedarDepth) {
    return tokens_.FailAt(first, fmt::format("expression is nested too deeply, at most {} levels are allowed", limits::kCedarDepth));
  }
  return Node{MakeChain(op, operands), height};
}

Result<ExprParser::Node> ExprParser::ParseRelation() {
  const Token& first = tokens_.Peek();
  REMIT_ASSIGN(Node left, ParseAdd());
  if (tokens_.AcceptWord("has")) return ParseHas(std::move(left), first);
  if (tokens_.AcceptWord("like")) return ParseLike(std::move(left), first);
  if (tokens_.AcceptWord("is")) return ParseIs(std::move(left), first);
  Op op;
  if (tokens_.Peek().Is("=")) return tokens_.FailAt(tokens_.Peek(), "`=` is not a valid operator in Cedar", "try using `==` instead");
  if (!IsRelation(tokens_.Peek(), op)) return left;
  tokens_.Next();
  REMIT_ASSIGN(Node right, ParseAdd());
  Op again;
  const Token& next = tokens_.Peek();
  if (IsRelation(next, again) || next.IsWord("has") || next.IsWord("like") || next.IsWord("is")) {
    return tokens_.FailAt(next,
                          "multiple relational operators (`==`, `<`, `in`, `has`, …) must be used with parentheses to make their order explicit");
  }
  return Finish(WithOp(op), first, std::move(left), std::move(right));
}

Result<ExprParser::Node> ExprParser::ParseHas(Node left, const Token& first) {
  NewExpr expr = WithOp(Op::kHas);
  if (tokens_.Peek().kind == TokenKind::kString) {
    REMIT_ASSIGN(std::string name, tokens_.Unquote(tokens_.Next()));
    expr->path.push_back(std::move(name));
  } else {
    do {
      REMIT_ASSIGN(const std::string_view name, ParseIdentifier(tokens_, "an attribute name"));
      expr->path.emplace_back(name);
      // A chain stands for one test a step, and whoever rewrites it as such nests that deep.
      if (left.height + expr->path.size() > limits::kCedarDepth) return tokens_.FailAt(first, "expression is nested too deeply");
    } while (tokens_.Accept("."));
  }
  return Finish(std::move(expr), first, std::move(left));
}

Result<ExprParser::Node> ExprParser::ParseLike(Node left, const Token& first) {
  const Token& token = tokens_.Peek();
  if (token.kind != TokenKind::kString) return tokens_.Unexpected("a pattern in quotes behind `like`");
  tokens_.Next();
  auto pattern = UnescapePattern(token.text.substr(1, token.text.size() - 2));
  if (!pattern) return tokens_.FailAt(token, pattern.error().message);
  NewExpr expr = WithOp(Op::kLike);
  expr->pattern = std::move(*pattern);
  return Finish(std::move(expr), first, std::move(left));
}

Result<ExprParser::Node> ExprParser::ParseIs(Node left, const Token& first) {
  NewExpr expr = WithOp(Op::kIs);
  REMIT_ASSIGN(expr->name, ParseTypeName(tokens_));
  if (!tokens_.AcceptWord("in")) return Finish(std::move(expr), first, std::move(left));
  expr->op = Op::kIsIn;
  REMIT_ASSIGN(Node right, ParseAdd());
  return Finish(std::move(expr), first, std::move(left), std::move(right));
}

Result<ExprParser::Node> ExprParser::ParseAdd() {
  const Token& first = tokens_.Peek();
  REMIT_ASSIGN(Node left, ParseMultiply());
  for (;;) {
    Op op = Op::kAdd;
    if (tokens_.Accept("-"))
      op = Op::kSubtract;
    else if (!tokens_.Accept("+"))
      return left;
    REMIT_ASSIGN(Node right, ParseMultiply());
    REMIT_ASSIGN(left, Finish(WithOp(op), first, std::move(left), std::move(right)));
  }
}

Result<ExprParser::Node> ExprParser::ParseMultiply() {
  const Token& first = tokens_.Peek();
  REMIT_ASSIGN(Node left, ParseUnary());
  for (;;) {
    const Token& sign = tokens_.Peek();
    if (sign.Is("/")) return tokens_.FailAt(sign, "division is not supported");
    if (sign.Is("%")) return tokens_.FailAt(sign, "remainder/modulo is not supported");
    if (!tokens_.Accept("*")) return left;
    REMIT_ASSIGN(Node right, ParseUnary());
    REMIT_ASSIGN(left, Finish(WithOp(Op::kMultiply), first, std::move(left), std::move(right)));
  }
}

Result<ExprParser::Node> ExprParser::ParseUnary() {
  const Token& first = tokens_.Peek();
  const bool bang = first.Is("!");
  if (!bang && !first.Is("-")) return ParseMember();
  std::size_t count = 0;
  while (tokens_.Accept(first.text)) {
    if (++count > kUnaryOperators)
      return tokens_.FailAt(first, fmt::format("too many occurrences of `{}`, at most {} in a row are allowed", first.text, kUnaryOperators));
  }
  if (!bang) return ParseNegation(count, first);
  REMIT_ASSIGN(Node node, ParseMember());
  for (; count > 0; --count) {
    REMIT_ASSIGN(node, Finish(WithOp(Op::kNot), first, std::move(node)));
  }
  return node;
}

// The last dash before a bare number belongs to the number: only so can the smallest long be written.
Result<ExprParser::Node> ExprParser::ParseNegation(std::size_t dashes, const Token& first) {
  const Token& token = tokens_.Peek();
  const Token& behind = tokens_.Peek(1);
  Node node;
  if (token.kind == TokenKind::kInteger && !behind.Is(".") && !behind.Is("[") && !behind.Is("(")) {
    tokens_.Next();
    std::uint64_t size = 0;
    const auto read = std::from_chars(token.text.data(), token.text.data() + token.text.size(), size);
    if (read.ec != std::errc() || size > static_cast<std::uint64_t>(INT64_MAX) + 1) {
      return tokens_.FailAt(token, fmt::format("integer literal `-{}` is too small", token.text),
                            fmt::format("the minimum allowed is `{}`", INT64_MIN));
    }
    node.expr = MakeLiteral(Value(static_cast<std::int64_t>(0 - size)), tokens_.SpanFrom(first));
    --dashes;
  } else {
    REMIT_ASSIGN(node, ParseMember());
  }
  for (; dashes > 0; --dashes) {
    REMIT_ASSIGN(node, Finish(WithOp(Op::kNegate), first, std::move(node)));
  }
  return node;
}

Result<ExprParser::Node> ExprParser::ParseMember() {
  const Token& first = tokens_.Peek();
  REMIT_ASSIGN(Node node, ParsePrimary());
  for (;;) {
    if (const Token& next = tokens_.Peek(); !next.Is(".") && !next.Is("[") && !next.Is("(")) return node;
    NewExpr expr;
    if (tokens_.Accept(".")) {
      const Token& token = tokens_.Peek();
      REMIT_ASSIGN(const std::string_view name, ParseIdentifier(tokens_, "an attribute or method name"));
      if (tokens_.Peek().Is("(")) {
        REMIT_ASSIGN(node, ParseMethod(std::move(node), token, first));
        continue;
      }
      expr = WithOp(Op::kGetAttr);
      expr->name = name;
    } else if (tokens_.Accept("[")) {
      if (tokens_.Peek().kind != TokenKind::kString) return tokens_.Unexpected("an attribute name in quotes");
      expr = WithOp(Op::kGetAttr);
      REMIT_ASSIGN(expr->name, tokens_.Unquote(tokens_.Next()));
      REMIT_TRY(tokens_.Expect("]"));
    } else {
      return tokens_.FailAt(tokens_.Peek(), "only functions and methods can be called");
    }
    REMIT_ASSIGN(node, Finish(std::move(expr), first, std::move(node)));
  }
}

Result<ExprParser::Node> ExprParser::ParseMethod(Node receiver, const Token& name, const Token& first) {
  tokens_.Next();  // the parenthesis
  Nodes operands;
  operands.push_back(std::move(receiver));
  REMIT_ASSIGN(operands, ParseList(")", std::move(operands)));
  const std::size_t count = operands.size() - 1;
  const auto method = std::ranges::find(kMethods, name.text, &Method::name);
  if (method != std::end(kMethods)) {
    if (count != method->arguments) {
      return tokens_.FailAt(name, fmt::format("call to `{}` requires exactly {} argument{}, but got {}", name.text, method->arguments,
                                              method->arguments == 1 ? "" : "s", count));
    }
    return FinishAll(WithOp(method->op), operands, first);
  }
  const ExtensionFunction* function = FindExtensionFunction(name.text);
  if (function == nullptr) return tokens_.FailAt(name, fmt::format("`{}` is not a valid method", name.text));
  if (!function->method) {
    return tokens_.FailAt(name, fmt::format("`{}` is a function, not a method", name.text),
                          fmt::format("use a function-style call `{}(…)`", name.text));
  }
  NewExpr expr = WithOp(Op::kCall);
  expr->name = name.text;
  return FinishAll(std::move(expr), operands, first);
}

}  // namespace remit::cedar
