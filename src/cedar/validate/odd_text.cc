// Which texts are looked at, and what is said of them; what is odd about characters is in script_tables.h.
#include "cedar/validate/odd_text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "cedar/validate/script_tables.h"

namespace remit::cedar {
namespace {

bool IsPrintableAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

class TextChecker {
 public:
  explicit TextChecker(std::vector<Diagnostic>& findings) : findings_(findings) {}

  void CheckScope(const ScopeConstraint& scope) {
    for (const EntityUid& uid : scope.entities) CheckIdentifier(uid.id, scope.span);
  }

  void Check(const Expr& expr) {
    if (expr.op == Op::kLiteral && expr.literal.Is(Value::Kind::kString)) CheckString(expr.literal.AsString(), expr.span);
    if (expr.op == Op::kLiteral && expr.literal.Is(Value::Kind::kEntity)) CheckIdentifier(expr.literal.AsEntity().id, expr.span);
    if (expr.op == Op::kGetAttr) CheckIdentifier(expr.name, expr.span);
    for (const std::string& attribute : expr.path) CheckIdentifier(attribute, expr.span);
    if (expr.op == Op::kLike) {
      std::string pattern;
      for (const PatternPart& part : expr.pattern) pattern += part.literal;
      CheckString(pattern, expr.span);
    }
    for (const ExprPtr& argument : expr.args) Check(*argument);
    for (const auto& [name, value] : expr.fields) {
      CheckIdentifier(name, expr.span);
      Check(*value);
    }
  }

 private:
  void CheckString(const std::string& text, const Span& span) {
    if (IsPrintableAscii(text)) return;
    if (HasBidiControl(text)) {
      Report(span, "odd-string", fmt::format("string `{}` has characters that change the direction of text", EscapeControl(text)));
    } else if (!IsSingleScript(text)) {
      Report(span, "odd-string", fmt::format("string `{}` mixes several scripts", EscapeControl(text)));
    }
  }

  void CheckIdentifier(const std::string& text, const Span& span) {
    if (IsPrintableAscii(text)) return;
    if (HasBidiControl(text)) {
      Report(span, "odd-identifier", fmt::format("identifier `{}` has characters that change the direction of text", EscapeControl(text)));
      return;
    }
    for (std::string_view rest = text; !rest.empty();) {
      const char32_t character = NextCharacter(rest);
      if (IsAllowedInIdentifier(character)) continue;
      Report(span, "odd-identifier",
             fmt::format("identifier `{}` has the character U+{:04X}, which does not belong into identifiers", EscapeControl(text),
                         static_cast<std::uint32_t>(character)));
      return;
    }
    if (!IsSingleScript(text)) Report(span, "odd-identifier", fmt::format("identifier `{}` mixes several scripts", EscapeControl(text)));
  }

  void Report(const Span& span, std::string_view reason, std::string message) {
    findings_.push_back(Finding(span, reason, std::move(message)));
    findings_.back().severity = Diagnostic::Severity::kWarning;
  }

  std::vector<Diagnostic>& findings_;
};

}  // namespace

void CheckText(const Policy& policy, std::vector<Diagnostic>& findings) {
  TextChecker checker(findings);
  for (const ScopeConstraint* scope : {&policy.principal, &policy.action, &policy.resource}) checker.CheckScope(*scope);
  for (const Policy::Condition& condition : policy.conditions) checker.Check(*condition.body);
}

bool HasBidiControl(std::string_view text) {
  while (!text.empty()) {
    const char32_t character = NextCharacter(text);
    if ((character >= 0x202A && character <= 0x202E) || (character >= 0x2066 && character <= 0x2069)) return true;
  }
  return false;
}

bool IsSingleScript(std::string_view text) {
  ScriptSet common = ScriptSet::All();
  while (!text.empty()) common.KeepOnly(ScriptsOf(NextCharacter(text)));
  return !common.IsEmpty();
}

bool IsAllowedInIdentifier(char32_t character) {
  if (character < 0x80) return character >= ' ' && character <= '~';
  return IsIdentifierStatusAllowed(character);
}

}  // namespace remit::cedar
