// Which names a declaration may have.
#include "cedar/schema/declarations.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace remit::cedar {
namespace {

Status Reserved(const DeclaredName& name, std::string message) {
  return Fail(Error(Code::kInvalidArgument, "reserved-name", std::move(message)).At(name.span.ToString()));
}

}  // namespace

Status CheckEntityTypeName(const DeclaredName& name) {
  if (name.text == "__cedar") return Reserved(name, "`__cedar` is reserved and cannot be a name");
  if (name.text == "Action") return Reserved(name, "`Action` is the type of actions and cannot be declared");
  return {};
}

Status CheckCommonTypeName(const DeclaredName& name) {
  constexpr std::array<std::string_view, 8> kWords = {"Bool", "Boolean", "Entity", "Extension", "Long", "Record", "Set", "String"};
  if (name.text == "__cedar") return Reserved(name, "`__cedar` is reserved and cannot be a name");
  if (std::ranges::find(kWords, name.text) == kWords.end()) return {};
  return Reserved(name, fmt::format("`{}` is a word of the language and cannot name a type", name.text));
}

}  // namespace remit::cedar
