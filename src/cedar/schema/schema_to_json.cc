// Declarations to the JSON form, and the translations that start from text.
#include <fmt/format.h>

#include "cedar/schema.h"
#include "cedar/schema/names.h"
#include "cedar/schema/schema_parser.h"
#include "cedar/schema_json.h"

namespace remit::cedar {
namespace {

using Kind = TypeSyntax::Kind;
using Use = DeclaredNames::Use;

// About how much memory a value takes.
std::size_t BytesOf(const json::Value& value) {
  constexpr std::size_t kValueBytes = 64;
  std::size_t bytes = kValueBytes;
  if (value.IsString()) bytes += value.AsString().size();
  if (value.IsArray()) {
    for (const json::Value& element : value.AsArray()) bytes += BytesOf(element);
  }
  if (value.IsObject()) {
    for (const auto& [name, member] : value.AsObject()) bytes += name.size() + BytesOf(member);
  }
  return bytes;
}

// Writes names as they stand, or, if `resolved`, as what they stand for.
class Writer {
 public:
  Writer(DeclaredNames& names, bool resolved) : names_(names), resolved_(resolved) {}

  Result<json::Value> Fragment(const SchemaFragment& fragment);

 private:
  Result<json::Object> Namespace(const NamespaceDeclaration& space);
  Result<json::Object> Entity(const EntityDeclaration& entity);
  Result<json::Object> Action(const ActionDeclaration& action);
  Result<json::Object> Type(const TypeSyntax& type);
  Result<json::Object> NamedType(const TypeSyntax& type);
  Result<json::Array> EntityNames(const std::vector<DeclaredName>& names);

  static void AddAnnotations(const Annotations& annotations, json::Object& into) {
    if (annotations.empty()) return;
    json::Object object;
    for (const auto& [name, annotation] : annotations) object.Append(name, annotation.value);
    into.Append("annotations", std::move(object));
  }

  // A definition for each of `names`.
  Status AppendEach(const std::vector<DeclaredName>& names, const json::Value& definition, const Span& span, json::Object& into) {
    REMIT_TRY(names_.Share(BytesOf(definition), names.size() - 1, span));
    for (const DeclaredName& name : names) into.Append(name.text, definition);
    return {};
  }

  DeclaredNames& names_;
  const bool resolved_;
  std::string space_;
};

Result<json::Value> Writer::Fragment(const SchemaFragment& fragment) {
  json::Object document;
  for (const NamespaceDeclaration& space : fragment) {
    if (space.name.empty() && space.IsEmpty()) continue;
    space_ = space.name;
    REMIT_ASSIGN(json::Object written, Namespace(space));
    document.Append(space.name, std::move(written));
  }
  return json::Value(std::move(document));
}

Result<json::Object> Writer::Namespace(const NamespaceDeclaration& space) {
  json::Object types, entities, actions, written;
  for (const CommonTypeDeclaration& type : space.types) {
    REMIT_ASSIGN(json::Object definition, Type(*type.type));
    AddAnnotations(type.annotations, definition);
    types.Append(type.name.text, std::move(definition));
  }
  for (const EntityDeclaration& entity : space.entities) {
    REMIT_ASSIGN(json::Object definition, Entity(entity));
    REMIT_TRY(AppendEach(entity.names, std::move(definition), entity.span, entities));
  }
  for (const ActionDeclaration& action : space.actions) {
    REMIT_ASSIGN(json::Object definition, Action(action));
    REMIT_TRY(AppendEach(action.names, std::move(definition), action.span, actions));
  }
  if (!types.empty()) written.Append("commonTypes", std::move(types));
  written.Append("entityTypes", std::move(entities));
  written.Append("actions", std::move(actions));
  AddAnnotations(space.annotations, written);
  return written;
}

Result<json::Array> Writer::EntityNames(const std::vector<DeclaredName>& names) {
  json::Array array;
  for (const DeclaredName& name : names) {
    std::string text = name.text;
    if (resolved_) {
      REMIT_TRY(names_.Share(space_.size(), 1, name.span));
      REMIT_ASSIGN(text, names_.FindEntityType(space_, name));
    }
    array.emplace_back(std::move(text));
  }
  return array;
}

Result<json::Object> Writer::Entity(const EntityDeclaration& entity) {
  json::Object written;
  if (!entity.enumeration.empty()) written.Append("enum", json::StringArray(entity.enumeration));
  if (!entity.parents.empty()) {
    REMIT_ASSIGN(json::Array parents, EntityNames(entity.parents));
    written.Append("memberOfTypes", std::move(parents));
  }
  if (entity.shape != nullptr && !entity.shape->attributes.empty()) {
    REMIT_ASSIGN(json::Object shape, Type(*entity.shape));
    written.Append("shape", std::move(shape));
  }
  if (entity.tags != nullptr) {
    REMIT_ASSIGN(json::Object tags, Type(*entity.tags));
    written.Append("tags", std::move(tags));
  }
  AddAnnotations(entity.annotations, written);
  return written;
}

Result<json::Object> Writer::Action(const ActionDeclaration& action) {
  json::Object written, applies_to;
  REMIT_ASSIGN(json::Array resources, EntityNames(action.resources));
  REMIT_ASSIGN(json::Array principals, EntityNames(action.principals));
  applies_to.Append("resourceTypes", std::move(resources));
  applies_to.Append("principalTypes", std::move(principals));
  const bool empty_context = action.context == nullptr || (action.context->kind == Kind::kRecord && action.context->attributes.empty());
  if (!empty_context) {
    REMIT_ASSIGN(json::Object context, Type(*action.context));
    applies_to.Append("context", std::move(context));
  }
  written.Append("appliesTo", std::move(applies_to));
  if (!action.parents.empty()) {
    json::Array parents;
    for (const ActionReference& parent : action.parents) {
      std::string type = parent.type;
      if (resolved_) {
        REMIT_TRY(names_.Share(space_.size(), 1, parent.span));
        REMIT_ASSIGN(EntityUid uid, names_.FindAction(space_, parent));
        type = std::move(uid.type);
      }
      json::Object reference{{"id", parent.id}};
      if (!type.empty()) reference.Append("type", std::move(type));
      parents.emplace_back(std::move(reference));
    }
    written.Append("memberOf", std::move(parents));
  }
  AddAnnotations(action.annotations, written);
  return written;
}

Result<json::Object> Writer::Type(const TypeSyntax& type) {
  switch (type.kind) {
    case Kind::kBool: return json::Object{{"type", "Boolean"}};
    case Kind::kLong: return json::Object{{"type", "Long"}};
    case Kind::kString: return json::Object{{"type", "String"}};
    case Kind::kExtension: return json::Object{{"type", "Extension"}, {"name", type.name}};
    case Kind::kSet: {
      REMIT_ASSIGN(json::Object element, Type(*type.element));
      return json::Object{{"type", "Set"}, {"element", std::move(element)}};
    }
    case Kind::kName:
    case Kind::kCommon:
    case Kind::kEntity: return NamedType(type);
    case Kind::kRecord: break;
  }
  json::Object attributes;
  for (const AttributeSyntax& attribute : type.attributes) {
    REMIT_ASSIGN(json::Object written, Type(*attribute.type));
    AddAnnotations(attribute.annotations, written);
    if (!attribute.required) written.Append("required", false);
    attributes.Append(attribute.name.text, std::move(written));
  }
  return json::Object{{"type", "Record"}, {"attributes", std::move(attributes)}};
}

Result<json::Object> Writer::NamedType(const TypeSyntax& type) {
  const auto entity = [](const std::string& name) { return json::Object{{"type", "Entity"}, {"name", name}}; };
  if (resolved_) {
    REMIT_TRY(names_.Share(space_.size(), 1, type.span));
    const Use use = type.kind == Kind::kName ? Use::kEither : type.kind == Kind::kCommon ? Use::kCommon : Use::kEntity;
    REMIT_ASSIGN(DeclaredNames::Found found, names_.FindType(space_, type.name, use, type.span));
    if (found.kind == DeclaredNames::Found::Kind::kEntity) return entity(found.name);
    // A built-in type keeps the name that it was called by.
    const bool built_in = found.kind == DeclaredNames::Found::Kind::kBuiltIn;
    return json::Object{{"type", built_in ? type.name : found.name}};
  }
  if (type.kind == Kind::kCommon) return json::Object{{"type", type.name}};
  return type.kind == Kind::kEntity ? entity(type.name) : json::Object{{"type", "EntityOrCommon"}, {"name", type.name}};
}

}  // namespace

Result<json::Value> SchemaTextToJson(std::string_view text, std::string_view file_name) {
  REMIT_ASSIGN(const SchemaFragment fragment, ParseSchemaFragment(text, file_name));
  DeclaredNames names;  // for duplicates, which a JSON object cannot say
  for (const NamespaceDeclaration& space : fragment) REMIT_TRY(names.Add(space));
  return Writer(names, false).Fragment(fragment);
}

Result<json::Value> SchemaTextToResolvedJson(std::string_view text, std::string_view file_name) {
  REMIT_TRY(Schema::Parse({{std::string(file_name), std::string(text)}}));
  REMIT_ASSIGN(const SchemaFragment fragment, ParseSchemaFragment(text, file_name));
  DeclaredNames names;
  for (const NamespaceDeclaration& space : fragment) REMIT_TRY(names.Add(space));
  return Writer(names, true).Fragment(fragment);
}

}  // namespace remit::cedar
