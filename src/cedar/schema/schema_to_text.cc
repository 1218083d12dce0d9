// Declarations to the human syntax, in their order: common types, entity types and actions of each namespace.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "cedar/language/lexer.h"
#include "cedar/schema/schema_json_reader.h"
#include "cedar/schema_json.h"

namespace remit::cedar {
namespace {

using Kind = TypeSyntax::Kind;

std::string NameOrString(std::string_view name) { return IsIdentifier(name) ? std::string(name) : Quote(name); }

std::string List(const std::vector<DeclaredName>& names) {
  std::string text;
  for (const DeclaredName& name : names) text += (text.empty() ? "" : ", ") + name.text;
  return fmt::format("[{}]", text);
}

class Printer {
 public:
  explicit Printer(const NamespaceDeclaration& space) : space_(space), indent_(space.name.empty() ? 0 : 2) {
    for (const EntityDeclaration& entity : space.entities) {
      for (const DeclaredName& name : entity.names) entities_.insert(name.text);
    }
  }

  std::string Print() {
    for (const CommonTypeDeclaration& type : space_.types) {
      Begin(type.annotations, "type", type.name.text);
      text_ += " = ";
      PrintType(*type.type, indent_);
      text_ += ";\n";
    }
    for (const EntityDeclaration& entity : space_.entities) PrintEntity(entity);
    for (const ActionDeclaration& action : space_.actions) PrintAction(action);
    return std::move(text_);
  }

 private:
  void PrintAnnotations(const Annotations& annotations, std::size_t indent, std::string_view between) {
    for (const auto& [name, annotation] : annotations) {
      text_ += annotation.value.empty() ? fmt::format("@{}", name) : fmt::format("@{}({})", name, Quote(annotation.value));
      text_ += between;
      if (between == "\n") text_.append(indent, ' ');
    }
  }

  void Begin(const Annotations& annotations, std::string_view word, std::string_view name) {
    text_.append(indent_, ' ');
    PrintAnnotations(annotations, indent_, "\n");
    text_ += fmt::format("{} {}", word, name);
  }

  void PrintEntity(const EntityDeclaration& entity) {
    std::string names;
    for (const DeclaredName& name : entity.names) names += (names.empty() ? "" : ", ") + name.text;
    Begin(entity.annotations, "entity", names);
    if (!entity.enumeration.empty()) {
      text_ += " enum [";
      for (std::size_t i = 0; i < entity.enumeration.size(); ++i) text_ += (i == 0 ? "" : ", ") + Quote(entity.enumeration[i]);
      text_ += "]";
    }
    if (!entity.parents.empty()) text_ += " in " + List(entity.parents);
    if (entity.shape != nullptr && !entity.shape->attributes.empty()) {
      text_ += " = ";
      PrintType(*entity.shape, indent_);
    }
    if (entity.tags != nullptr) {
      text_ += " tags ";
      PrintType(*entity.tags, indent_);
    }
    text_ += ";\n";
  }

  void PrintAction(const ActionDeclaration& action) {
    std::string names;
    for (const DeclaredName& name : action.names) names += (names.empty() ? "" : ", ") + NameOrString(name.text);
    Begin(action.annotations, "action", names);
    for (std::size_t i = 0; i < action.parents.size(); ++i) {
      const ActionReference& parent = action.parents[i];
      text_ += i == 0 ? " in [" : ", ";
      text_ += parent.type.empty() ? NameOrString(parent.id) : fmt::format("{}::{}", parent.type, Quote(parent.id));
    }
    if (!action.parents.empty()) text_ += "]";
    // With one of the lists empty the action applies to nothing, which the syntax says by leaving out the whole.
    if (!action.principals.empty() && !action.resources.empty()) PrintAppliesTo(action);
    text_ += ";\n";
  }

  void PrintAppliesTo(const ActionDeclaration& action) {
    const std::string margin(indent_ + 2, ' ');
    text_ += fmt::format(" appliesTo {{\n{0}principal: {1},\n{0}resource: {2},\n", margin, List(action.principals), List(action.resources));
    if (action.context != nullptr && (action.context->kind != Kind::kRecord || !action.context->attributes.empty())) {
      text_ += margin + "context: ";
      PrintType(*action.context, indent_ + 2);
      text_ += ",\n";
    }
    text_.append(indent_, ' ');
    text_ += "}";
  }

  void PrintType(const TypeSyntax& type, std::size_t indent) {
    switch (type.kind) {
      case Kind::kBool: text_ += "__cedar::Bool"; return;
      case Kind::kLong: text_ += "__cedar::Long"; return;
      case Kind::kString: text_ += "__cedar::String"; return;
      case Kind::kExtension: text_ += "__cedar::" + type.name; return;
      case Kind::kCommon: PrintCommonType(type.name); return;
      case Kind::kName:
      case Kind::kEntity: text_ += type.name; return;
      case Kind::kSet:
        text_ += "Set<";
        PrintType(*type.element, indent);
        text_ += ">";
        return;
      case Kind::kRecord: break;
    }
    text_ += "{";
    for (const AttributeSyntax& attribute : type.attributes) {
      text_ += "\n" + std::string(indent + 2, ' ');
      PrintAnnotations(attribute.annotations, indent + 2, " ");
      text_ += NameOrString(attribute.name.text) + (attribute.required ? ": " : "?: ");
      PrintType(*attribute.type, indent + 2);
      text_ += ",";
    }
    if (!type.attributes.empty()) text_ += "\n" + std::string(indent, ' ');
    text_ += "}";
  }

  // The short name of a built-in type would mean the entity type that the namespace has of that name.
  void PrintCommonType(const std::string& name) {
    static const std::set<std::string, std::less<>> kBuiltIn = {"Bool", "Long", "String", "decimal", "ipaddr", "datetime", "duration"};
    if (!space_.name.empty() && entities_.contains(name) && kBuiltIn.contains(name)) text_ += "__cedar::";
    text_ += name;
  }

  const NamespaceDeclaration& space_;
  std::set<std::string, std::less<>> entities_;
  std::size_t indent_;
  std::string text_;
};

// What only the JSON form can say.
class SayableCheck {
 public:
  Status Check(const SchemaFragment& fragment) {
    for (const NamespaceDeclaration& space : fragment) FindTwice(space);
    for (const NamespaceDeclaration& space : fragment) REMIT_TRY(CheckNamespace(space));
    return {};
  }

 private:
  // Outside of namespaces an entity type and a common type may share a name, as long as nothing asks for the entity type by it.
  void FindTwice(const NamespaceDeclaration& space) {
    if (!space.name.empty()) return;
    std::set<std::string, std::less<>> types;
    for (const CommonTypeDeclaration& type : space.types) types.insert(type.name.text);
    for (const EntityDeclaration& entity : space.entities) {
      if (types.contains(entity.names.front().text)) twice_.insert(entity.names.front().text);
    }
  }

  Status CheckNamespace(const NamespaceDeclaration& space) const {
    std::set<std::string, std::less<>> types;
    for (const CommonTypeDeclaration& type : space.types) {
      types.insert(type.name.text);
      REMIT_TRY(CheckType(*type.type));
    }
    for (const EntityDeclaration& entity : space.entities) {
      const DeclaredName& name = entity.names.front();
      if (!space.name.empty() && types.contains(name.text)) return Hidden(name.text, name.span);
      if (entity.shape != nullptr && entity.shape->kind != Kind::kRecord) {
        return CannotSay(entity.shape->span, fmt::format("the shape of entity type `{}` is not written out as a record", name.text));
      }
      if (entity.shape != nullptr) REMIT_TRY(CheckType(*entity.shape));
      if (entity.tags != nullptr) REMIT_TRY(CheckType(*entity.tags));
    }
    for (const ActionDeclaration& action : space.actions) {
      if (action.context == nullptr) continue;
      const Kind kind = action.context->kind;
      if (kind != Kind::kRecord && kind != Kind::kCommon && kind != Kind::kName) {
        return CannotSay(action.context->span, "the context is neither a record nor the name of a common type");
      }
      REMIT_TRY(CheckType(*action.context));
    }
    return {};
  }

  Status CheckType(const TypeSyntax& type) const {
    if (type.kind == Kind::kEntity && twice_.contains(type.name)) return Hidden(type.name, type.span);
    if (type.element != nullptr) REMIT_TRY(CheckType(*type.element));
    for (const AttributeSyntax& attribute : type.attributes) REMIT_TRY(CheckType(*attribute.type));
    return {};
  }

  static std::unexpected<Error> Hidden(const std::string& name, const Span& span) {
    return CannotSay(span, fmt::format("`{}` is both an entity type and a common type: in text the name means the common type only", name));
  }
  static std::unexpected<Error> CannotSay(const Span& span, std::string message) {
    return Fail(Error(Code::kUnsupported, "not-supported", std::move(message)).At(span.ToString()));
  }

  std::set<std::string, std::less<>> twice_;
};

}  // namespace

std::string ToText(const SchemaFragment& fragment) {
  std::string text;
  for (const NamespaceDeclaration& space : fragment) {
    if (space.name.empty() && space.IsEmpty()) continue;
    if (!text.empty()) text += "\n";
    const std::string inside = Printer(space).Print();
    if (space.name.empty()) {
      text += inside;
      continue;
    }
    for (const auto& [name, annotation] : space.annotations) {
      text += annotation.value.empty() ? fmt::format("@{}\n", name) : fmt::format("@{}({})\n", name, Quote(annotation.value));
    }
    text += fmt::format("namespace {} {{\n{}}}\n", space.name, inside);
  }
  return text;
}

Result<std::string> SchemaJsonToText(const json::Value& document) {
  REMIT_ASSIGN(const SchemaFragment fragment, ReadSchemaFragment(document, ""));
  REMIT_TRY(SayableCheck().Check(fragment));
  return ToText(fragment);
}

}  // namespace remit::cedar
