// A schema as text: one way to write each schema, sorted by name, with everything that common types stood for written out.
#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "cedar/language/lexer.h"
#include "cedar/schema.h"

namespace remit::cedar {
namespace {

std::string NamespaceOf(std::string_view name) {
  const std::size_t at = name.rfind("::");
  return at == std::string_view::npos ? "" : std::string(name.substr(0, at));
}

std::string BaseOf(std::string_view name) {
  const std::size_t at = name.rfind("::");
  return std::string(at == std::string_view::npos ? name : name.substr(at + 2));
}

std::string NameOrString(std::string_view name) { return IsIdentifier(name) ? std::string(name) : Quote(name); }

bool HasActions(const Schema& schema, const std::string& action_type) {
  const auto it = schema.actions().lower_bound(EntityUid{action_type, ""});
  return it != schema.actions().end() && it->first.type == action_type;
}

// A name that no entity type has in any namespace.
std::string OuterActionAlias(const Schema& schema) {
  std::string alias = "OuterAction";
  const auto taken = [&] { return std::ranges::any_of(schema.entity_types(), [&](const auto& entry) { return BaseOf(entry.first) == alias; }); };
  while (taken()) alias += "_";
  return alias;
}

class Printer {
 public:
  // `schema` may be null: then built-in types are written by their short names. `alias` is what the outer `Action` is called where it is hidden.
  Printer(const Schema* schema, std::string name_space, std::string_view alias = {})
      : schema_(schema), space_(std::move(name_space)), alias_(alias) {}

  // Whether what was printed refers to the alias of outer actions.
  bool UsedAlias() const { return used_alias_; }

  std::string TypeText(const Type& type, int indent) const;
  std::string RecordText(const std::map<std::string, AttributeType, std::less<>>& attributes, const std::vector<std::string>& order,
                         int indent) const;
  std::string EntityText(const EntityType& type) const;
  std::string ActionText(const ActionType& action) const;

 private:
  static constexpr int kOneLine = -1;  // an indent that asks for no line breaks

  std::string Margin() const { return space_.empty() ? "" : "  "; }

  // Inside a namespace that has actions, `Action` means its own; the outer one can then be had through a common type only.
  std::string EntityName(const std::string& name) const {
    const bool hidden = schema_ != nullptr && name == "Action" && !space_.empty() && HasActions(*schema_, space_ + "::Action");
    if (!hidden) return name;
    used_alias_ = true;
    return std::string(alias_);
  }

  // A built-in type, with its namespace where an entity type has taken the short name.
  std::string BuiltInText(const std::string& name) const {
    if (schema_ == nullptr) return name;
    const bool taken = schema_->FindEntityType(name) != nullptr || schema_->FindEntityType(fmt::format("{}::{}", space_, name)) != nullptr;
    return taken ? "__cedar::" + name : name;
  }

  static std::string AnnotationsText(const std::map<std::string, Annotation, std::less<>>& annotations, std::string_view between) {
    std::string text;
    for (const auto& [name, annotation] : annotations) {
      text += annotation.value.empty() ? fmt::format("@{}{}", name, between) : fmt::format("@{}({}){}", name, Quote(annotation.value), between);
    }
    return text;
  }

  const Schema* schema_;
  std::string space_;
  std::string_view alias_;
  mutable bool used_alias_ = false;
};

std::string Printer::TypeText(const Type& type, int indent) const {
  switch (type.kind) {
    case Type::Kind::kBool: return BuiltInText("Bool");
    case Type::Kind::kLong: return BuiltInText("Long");
    case Type::Kind::kString: return BuiltInText("String");
    case Type::Kind::kExtension: return BuiltInText(type.name);
    case Type::Kind::kEntity: return EntityName(type.name);
    case Type::Kind::kSet: return fmt::format("Set<{}>", TypeText(*type.element, indent));
    case Type::Kind::kRecord: return RecordText(type.attributes, {}, indent);
  }
  return "";
}

std::string Printer::RecordText(const std::map<std::string, AttributeType, std::less<>>& attributes, const std::vector<std::string>& order,
                                int indent) const {
  if (attributes.empty()) return "{}";
  std::vector<std::string> names = order;
  if (names.empty()) {
    for (const auto& [name, attribute] : attributes) names.push_back(name);
  }
  const bool one_line = indent == kOneLine;
  const std::string margin = one_line ? "" : "\n" + std::string(static_cast<std::size_t>(indent) + 2, ' ');
  std::string text = "{";
  bool first = true;
  for (const std::string& name : names) {
    const AttributeType& attribute = attributes.at(name);
    if (one_line && !first) text += ", ";
    first = false;
    text += margin;
    if (!one_line) text += AnnotationsText(attribute.annotations, " ");
    text += fmt::format("{}{}: {}", NameOrString(name), attribute.required ? "" : "?", TypeText(*attribute.type, one_line ? kOneLine : indent + 2));
    if (!one_line) text += ",";
  }
  return text + (one_line ? "}" : "\n" + std::string(static_cast<std::size_t>(indent), ' ') + "}");
}

std::string Printer::EntityText(const EntityType& type) const {
  const std::string margin = Margin();
  std::string text = margin + AnnotationsText(type.annotations, "\n" + margin) + "entity " + BaseOf(type.name);
  if (!type.enumeration.empty()) {
    text += " enum [";
    for (std::size_t i = 0; i < type.enumeration.size(); ++i) text += (i == 0 ? "" : ", ") + Quote(type.enumeration[i]);
    return text + "];\n";
  }
  if (!type.member_of.empty()) text += fmt::format(" in [{}]", fmt::join(type.member_of, ", "));
  if (!type.attributes.empty()) text += " = " + RecordText(type.attributes, type.attribute_order, static_cast<int>(margin.size()));
  if (type.tags != nullptr) text += " tags " + TypeText(*type.tags, static_cast<int>(margin.size()));
  return text + ";\n";
}

std::string Printer::ActionText(const ActionType& action) const {
  const std::string margin = Margin();
  std::string text = margin + AnnotationsText(action.annotations, "\n" + margin) + "action " + NameOrString(action.uid.id);
  for (std::size_t i = 0; i < action.member_of.size(); ++i) text += (i == 0 ? " in [" : ", ") + action.member_of[i].ToString();
  if (!action.member_of.empty()) text += "]";
  if (action.principals.empty() || action.resources.empty()) return text + ";\n";
  text += fmt::format(" appliesTo {{\n{0}  principal: [{1}],\n{0}  resource: [{2}],\n", margin, fmt::join(action.principals, ", "),
                      fmt::join(action.resources, ", "));
  if (!action.context->attributes.empty()) {
    text += fmt::format("{}  context: {},\n", margin, TypeText(*action.context, static_cast<int>(margin.size()) + 2));
  }
  return text + margin + "};\n";
}

}  // namespace

std::string Type::ToString() const { return Printer(nullptr, "").TypeText(*this, -1); }

Result<std::string> Schema::ToText() const {
  std::map<std::string, std::string> spaces;
  const std::string alias = OuterActionAlias(*this);
  std::size_t bytes = 0;
  bool aliased = false;
  // False beyond the limit: a declaration alone is bounded by those of its types.
  const auto add = [&](const std::string& space, const auto& text_of) {
    const Printer printer(this, space, alias);
    const std::string text = text_of(printer);
    spaces[space] += text;
    bytes += text.size();
    aliased = aliased || printer.UsedAlias();
    return bytes <= limits::kCedarSchemaTextBytes;
  };
  const auto too_large = [] {
    return Fail(Code::kInvalidArgument, "schema-too-large",
                fmt::format("the schema is longer than {} bytes when its common types are written out", limits::kCedarSchemaTextBytes));
  };
  for (const auto& [name, type] : entity_types_)
    if (!add(NamespaceOf(name), [&](const Printer& printer) { return printer.EntityText(type); })) return too_large();
  for (const auto& [uid, action] : actions_)
    if (!add(NamespaceOf(uid.type), [&](const Printer& printer) { return printer.ActionText(action); })) return too_large();
  std::string text = aliased ? fmt::format("type {} = Action;\n", alias) : "";
  for (const auto& [space, declarations] : spaces) {
    if (!text.empty()) text += "\n";
    text += space.empty() ? declarations : fmt::format("namespace {} {{\n{}}}\n", space, declarations);
  }
  return text;
}

}  // namespace remit::cedar
