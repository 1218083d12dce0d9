// Policies: annotations, effect, scope and conditions.
#include "cedar/parser.h"

#include <fmt/format.h>

#include "cedar/language/expr_parser.h"
#include "cedar/language/lexer.h"

namespace remit::cedar {
namespace {

class PolicyParser {
 public:
  explicit PolicyParser(TokenStream& tokens) : tokens_(tokens) {}

  Result<PolicyPtr> Parse(std::string id) {
    const Token& first = tokens_.Peek();
    auto policy = std::make_shared<Policy>();
    policy->id = std::move(id);
    REMIT_TRY(ParseAnnotations(*policy));
    REMIT_TRY(ParseEffect(*policy));
    REMIT_TRY(ParseScope(*policy));
    while (!tokens_.Accept(";")) REMIT_TRY(ParseCondition(*policy));
    policy->span = tokens_.SpanFrom(first);
    return policy;
  }

 private:
  Status ParseAnnotations(Policy& policy) {
    while (tokens_.Peek().Is("@")) {
      const Token& at = tokens_.Next();
      const Token& name = tokens_.Peek();
      if (name.kind != TokenKind::kIdentifier) return tokens_.Unexpected("an annotation's name");
      tokens_.Next();
      Annotation annotation;
      annotation.bare = !tokens_.Accept("(");
      if (!annotation.bare) {
        if (tokens_.Peek().kind != TokenKind::kString) return tokens_.Unexpected("a string");
        REMIT_ASSIGN(annotation.value, tokens_.Unquote(tokens_.Next()));
        REMIT_TRY(tokens_.Expect(")"));
      }
      annotation.span = tokens_.SpanFrom(at);
      if (!policy.annotations.emplace(name.text, std::move(annotation)).second) {
        return tokens_.FailAt(name, fmt::format("duplicate annotation: `@{}`", name.text));
      }
    }
    return {};
  }

  Status ParseEffect(Policy& policy) {
    const Token& token = tokens_.Peek();
    if (token.kind != TokenKind::kIdentifier) return tokens_.Unexpected("`permit` or `forbid`");
    if (token.text != "permit" && token.text != "forbid") {
      const bool declares = token.text == "entity" || token.text == "action" || token.text == "type" || token.text == "namespace";
      return tokens_.FailAt(token, fmt::format("invalid policy effect: `{}`", token.text),
                            declares ? "declarations go into a .cedarschema file" : "effect must be either `permit` or `forbid`");
    }
    tokens_.Next();
    policy.effect = token.text == "permit" ? Effect::kPermit : Effect::kForbid;
    return {};
  }

  Status ParseScope(Policy& policy) {
    REMIT_TRY(tokens_.Expect("("));
    REMIT_TRY(ParseConstraint("principal", policy.principal));
    REMIT_TRY(tokens_.Expect(","));
    REMIT_TRY(ParseConstraint("action", policy.action));
    REMIT_TRY(tokens_.Expect(","));
    REMIT_TRY(ParseConstraint("resource", policy.resource));
    tokens_.Accept(",");
    return tokens_.Expect(")");
  }

  Status ParseConstraint(std::string_view variable, ScopeConstraint& constraint) {
    const Token& first = tokens_.Peek();
    if (!tokens_.AcceptWord(variable)) {
      auto error = tokens_.Unexpected(fmt::format("the variable `{}`", variable));
      return Fail(std::move(error.error()).Hint("policy scopes must contain a `principal`, `action`, and `resource` element in that order"));
    }
    using Kind = ScopeConstraint::Kind;
    if (tokens_.Peek().Is(":")) {
      return tokens_.FailAt(tokens_.Peek(), "type constraints using `:` are not supported", fmt::format("try `{} is TypeName`", variable));
    }
    if (tokens_.Accept("==")) {
      constraint.kind = Kind::kEqual;
      REMIT_TRY(ParseTarget(constraint, variable));
    } else if (tokens_.AcceptWord("in")) {
      constraint.kind = Kind::kIn;
      REMIT_TRY(ParseTarget(constraint, variable));
    } else if (tokens_.Peek().IsWord("is")) {
      if (variable == "action")
        return tokens_.FailAt(tokens_.Peek(), "`is` cannot appear in the action scope", "try moving `action is …` into a `when` condition");
      tokens_.Next();
      constraint.kind = Kind::kIs;
      REMIT_ASSIGN(constraint.type, ParseTypeName(tokens_));
      if (tokens_.AcceptWord("in")) {
        constraint.kind = Kind::kIsIn;
        REMIT_TRY(ParseTarget(constraint, variable));
      }
    } else if (tokens_.Peek().kind == TokenKind::kPunctuation && !tokens_.Peek().Is(",") && !tokens_.Peek().Is(")")) {
      return tokens_.FailAt(tokens_.Peek(), fmt::format("not a valid policy scope constraint: `{}`", tokens_.Peek().text),
                            "policy scope constraints must be `==`, `in`, `is`, or `is … in`");
    }
    constraint.span = tokens_.SpanFrom(first);
    return {};
  }

  // Parentheses may stand around any target, as around any expression.
  std::size_t OpenParentheses() {
    std::size_t count = 0;
    while (tokens_.Accept("(")) ++count;
    return count;
  }
  Status CloseParentheses(std::size_t count) {
    for (; count > 0; --count) REMIT_TRY(tokens_.Expect(")"));
    return {};
  }

  Status ParseTarget(ScopeConstraint& constraint, std::string_view variable) {
    const std::size_t parentheses = OpenParentheses();
    const bool set = constraint.kind == ScopeConstraint::Kind::kIn && variable == "action" && tokens_.Peek().Is("[");
    REMIT_TRY(set ? ParseActions(constraint) : ParseEntityOrSlot(constraint, variable));
    return CloseParentheses(parentheses);
  }

  // An entity, or a template's slot of the same name as the variable.
  Status ParseEntityOrSlot(ScopeConstraint& constraint, std::string_view variable) {
    const Token& token = tokens_.Peek();
    if (token.kind == TokenKind::kSlot) {
      if (variable == "action" || token.text.substr(1) != variable) {
        return tokens_.FailAt(token, fmt::format("template slot `{}` cannot stand for the {}", token.text, variable));
      }
      constraint.slot = std::string(tokens_.Next().text);
      return {};
    }
    REMIT_ASSIGN(EntityUid uid, variable == "action" ? ParseAction() : ParseEntityUid(tokens_));
    constraint.entities.push_back(std::move(uid));
    return {};
  }

  Status ParseActions(ScopeConstraint& constraint) {
    constraint.kind = ScopeConstraint::Kind::kInSet;
    tokens_.Next();  // the bracket
    while (!tokens_.Accept("]")) {
      const std::size_t parentheses = OpenParentheses();
      REMIT_ASSIGN(EntityUid uid, ParseAction());
      REMIT_TRY(CloseParentheses(parentheses));
      constraint.entities.push_back(std::move(uid));
      if (!tokens_.Accept(",") && !tokens_.Peek().Is("]")) return tokens_.Unexpected("`,` or `]`");
    }
    return {};
  }

  Result<EntityUid> ParseAction() {
    const Token& first = tokens_.Peek();
    REMIT_ASSIGN(EntityUid uid, ParseEntityUid(tokens_));
    if (uid.type != "Action" && !uid.type.ends_with("::Action")) {
      return tokens_.FailAt(first, fmt::format("expected an entity uid with type `Action` but got `{}`", uid.ToString()),
                            "action entities must have type `Action`, optionally in a namespace");
    }
    return uid;
  }

  Status ParseCondition(Policy& policy) {
    Policy::Condition condition;
    const Token& token = tokens_.Peek();
    condition.when = token.IsWord("when");
    if (!condition.when && !token.IsWord("unless")) return tokens_.Unexpected("`when`, `unless` or `;`");
    tokens_.Next();
    REMIT_TRY(tokens_.Expect("{"));
    if (tokens_.Peek().Is("}")) return tokens_.FailAt(token, fmt::format("`{}` condition clause cannot be empty", token.text));
    REMIT_ASSIGN(condition.body, ExprParser(tokens_).Parse());
    REMIT_TRY(tokens_.Expect("}"));
    policy.conditions.push_back(std::move(condition));
    return {};
  }

  TokenStream& tokens_;
};

}  // namespace

Result<std::vector<PolicyPtr>> ParsePolicies(std::string_view text, std::string_view file_name, std::string_view id_prefix, std::size_t most_bytes) {
  REMIT_ASSIGN(TokenStream tokens, TokenStream::Read(text, file_name, nullptr, most_bytes));
  std::vector<PolicyPtr> policies;
  while (!tokens.AtEnd()) {
    REMIT_ASSIGN(PolicyPtr policy, PolicyParser(tokens).Parse(std::string(id_prefix) + std::to_string(policies.size())));
    policies.push_back(std::move(policy));
  }
  return policies;
}

ParsedPolicies ParseAllPolicies(std::string_view text, std::string_view file_name, std::string_view id_prefix) {
  ParsedPolicies parsed;
  Span failure;
  auto report = [&](const Error& error, std::string id) {
    Diagnostic& finding = parsed.errors.emplace_back();
    finding.reason = error.reason;
    finding.message = error.message;
    finding.hint = error.hint;
    finding.policy = std::move(id);
    finding.span = failure;
  };
  auto tokens = TokenStream::Read(text, file_name, &failure);
  if (!tokens) return report(tokens.error(), ""), parsed;
  for (std::size_t index = 0; !tokens->AtEnd() && parsed.errors.size() < limits::kCedarParseErrors; ++index) {
    std::string id = fmt::format("{}{}", id_prefix, index);
    auto policy = PolicyParser(*tokens).Parse(id);
    if (policy) {
      parsed.policies.push_back(std::move(*policy));
      continue;
    }
    failure = tokens->last_failure();
    report(policy.error(), std::move(id));
    while (!tokens->AtEnd() && !tokens->Accept(";")) tokens->Next();  // stands nowhere but at the end of a policy
  }
  return parsed;
}

Result<ExprPtr> ParseExpr(std::string_view text, std::string_view file_name) {
  REMIT_ASSIGN(TokenStream tokens, TokenStream::Read(text, file_name));
  REMIT_ASSIGN(ExprPtr expr, ExprParser(tokens).Parse());
  if (!tokens.AtEnd()) return tokens.Unexpected("an operator or the end");
  return expr;
}

}  // namespace remit::cedar
