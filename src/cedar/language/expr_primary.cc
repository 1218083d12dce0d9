// Primaries: literals, names, calls, parentheses, sets, records.
#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "cedar/language/expr_parser.h"
#include "cedar/language/ext_functions.h"
#include "cedar/language/operators.h"

namespace remit::cedar {
namespace {

bool IsMethodName(std::string_view name) {
  static constexpr std::string_view kBuiltIn[] = {"contains", "containsAll", "containsAny", "isEmpty", "hasTag", "getTag"};
  if (std::ranges::find(kBuiltIn, name) != std::end(kBuiltIn)) return true;
  const ExtensionFunction* function = FindExtensionFunction(name);
  return function != nullptr && function->method;
}

std::string FunctionHint(const std::string& name) {
  std::vector<std::string> names;
  for (const ExtensionFunction& function : AllExtensionFunctions()) {
    if (!function.method) names.emplace_back(function.name);
  }
  const std::string nearest = Nearest(name, names);
  return nearest.empty() ? "" : fmt::format("did you mean `{}`?", nearest);
}

}  // namespace

Result<std::string_view> ParseIdentifier(TokenStream& tokens, std::string_view what) {
  const Token& token = tokens.Peek();
  if (token.kind != TokenKind::kIdentifier) return tokens.Unexpected(what);
  if (IsReserved(token.text)) return tokens.FailAt(token, fmt::format("this identifier is reserved and cannot be used: `{}`", token.text));
  tokens.Next();
  return token.text;
}

Result<std::string> ParseTypeName(TokenStream& tokens) {
  REMIT_ASSIGN(const std::string_view first, ParseIdentifier(tokens, "an entity type"));
  std::string name(first);
  while (tokens.Peek().Is("::") && tokens.Peek(1).kind != TokenKind::kString) {
    tokens.Next();
    REMIT_ASSIGN(const std::string_view part, ParseIdentifier(tokens, "an entity type"));
    name.append("::").append(part);
  }
  return name;
}

Result<EntityUid> ParseEntityUid(TokenStream& tokens) {
  EntityUid uid;
  REMIT_ASSIGN(uid.type, ParseTypeName(tokens));
  REMIT_TRY(tokens.Expect("::"));
  REMIT_ASSIGN(uid.id, tokens.Unquote(tokens.Next()));  // ParseTypeName stops at `::` only before a string
  return uid;
}

Result<ExprParser::Node> ExprParser::ParsePrimary() {
  const Token& token = tokens_.Peek();
  switch (token.kind) {
    case TokenKind::kString: {
      REMIT_ASSIGN(std::string text, tokens_.Unquote(tokens_.Next()));
      return Node{MakeLiteral(std::move(text), tokens_.SpanOf(token))};
    }
    case TokenKind::kInteger: {
      tokens_.Next();
      std::int64_t number = 0;
      if (std::from_chars(token.text.data(), token.text.data() + token.text.size(), number).ec != std::errc()) {
        return tokens_.FailAt(token, fmt::format("integer literal `{}` is too large", token.text),
                              fmt::format("the maximum allowed is `{}`", INT64_MAX));
      }
      return Node{MakeLiteral(number, tokens_.SpanOf(token))};
    }
    case TokenKind::kIdentifier: return ParseName();
    case TokenKind::kSlot:
      return tokens_.FailAt(token, fmt::format("found template slot `{}` outside of the policy scope", token.text),
                            "slots are allowed in the scope only");
    case TokenKind::kPunctuation: break;
    case TokenKind::kEnd: return tokens_.Unexpected("an expression");
  }
  if (token.Is("[")) return ParseSet();
  if (token.Is("{")) return ParseRecord();
  if (!tokens_.Accept("(")) return tokens_.Unexpected("an expression");
  REMIT_ASSIGN(Node inner, ParseExpr());
  REMIT_TRY(tokens_.Expect(")"));
  return inner;
}

Result<ExprParser::Node> ExprParser::ParseName() {
  const Token& first = tokens_.Peek();
  if (!tokens_.Peek(1).Is("::") && (first.text == "true" || first.text == "false")) {
    tokens_.Next();
    return Node{MakeLiteral(first.text == "true", tokens_.SpanOf(first))};
  }
  REMIT_ASSIGN(std::string name, ParseTypeName(tokens_));
  if (tokens_.Accept("::")) {
    EntityUid uid;
    uid.type = std::move(name);
    REMIT_ASSIGN(uid.id, tokens_.Unquote(tokens_.Next()));
    return Node{MakeLiteral(std::move(uid), tokens_.SpanFrom(first))};
  }
  if (tokens_.Peek().Is("(")) return ParseFunction(name, first);
  const std::optional<Var> var = FindVar(name);
  if (!var) {
    return tokens_.FailAt(first, fmt::format("invalid variable: `{}`", name),
                          "the valid variables are `principal`, `action`, `resource` and `context`; string literals stand in quotes");
  }
  auto expr = std::make_shared<Expr>();
  expr->op = Op::kVar;
  expr->var = *var;
  return Finish(std::move(expr), first);
}

Result<ExprParser::Node> ExprParser::ParseFunction(const std::string& name, const Token& first) {
  const ExtensionFunction* function = FindExtensionFunction(name);
  if (IsMethodName(name)) {
    return tokens_.FailAt(first, fmt::format("`{}` is a method, not a function", name), fmt::format("use a method-style call `e.{}(…)`", name));
  }
  if (function == nullptr) return tokens_.FailAt(first, fmt::format("`{}` is not a valid function", name), FunctionHint(name));
  tokens_.Next();  // the parenthesis
  REMIT_ASSIGN(Nodes args, ParseList(")"));
  auto expr = std::make_shared<Expr>();
  expr->op = Op::kCall;
  expr->name = name;
  return FinishAll(std::move(expr), args, first);
}

// Expressions up to `close`, which is stepped over, behind those that there are; a comma may stand behind the last.
Result<ExprParser::Nodes> ExprParser::ParseList(std::string_view close, Nodes nodes) {
  while (!tokens_.Accept(close)) {
    REMIT_ASSIGN(Node node, ParseExpr());
    nodes.push_back(std::move(node));
    if (!tokens_.Accept(",") && !tokens_.Peek().Is(close)) return tokens_.Unexpected(fmt::format("`,` or `{}`", close));
  }
  return nodes;
}

Result<ExprParser::Node> ExprParser::ParseSet() {
  const Token& first = tokens_.Next();
  REMIT_ASSIGN(Nodes members, ParseList("]"));
  auto expr = std::make_shared<Expr>();
  expr->op = Op::kSet;
  return FinishAll(std::move(expr), members, first);
}

Result<std::string> ExprParser::ParseKey() {
  if (tokens_.Peek().kind == TokenKind::kString) return tokens_.Unquote(tokens_.Next());
  REMIT_ASSIGN(const std::string_view name, ParseIdentifier(tokens_, "an attribute name or `}`"));
  return std::string(name);
}

Result<ExprParser::Node> ExprParser::ParseRecord() {
  const Token& first = tokens_.Next();
  auto expr = std::make_shared<Expr>();
  expr->op = Op::kRecord;
  std::size_t height = 1;
  std::set<std::string, std::less<>> keys;
  while (!tokens_.Accept("}")) {
    const Token& token = tokens_.Peek();
    REMIT_ASSIGN(std::string key, ParseKey());
    if (!keys.insert(key).second) return tokens_.FailAt(token, fmt::format("duplicate key `{}` in record literal", EscapeControl(key)));
    REMIT_TRY(tokens_.Expect(":"));
    REMIT_ASSIGN(Node value, ParseExpr());
    height = std::max(height, value.height + 1);
    expr->fields.emplace_back(std::move(key), std::move(value.expr));
    if (!tokens_.Accept(",") && !tokens_.Peek().Is("}")) return tokens_.Unexpected("`,` or `}`");
  }
  return Finished(std::move(expr), height, first);
}

}  // namespace remit::cedar
