// One function for each kind of object, strict: a member that the format does not have is refused, as is null where it means nothing.
#include "cedar/schema/schema_json_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "cedar/language/lexer.h"
#include "json/object_reader.h"

namespace remit::cedar {
namespace {

using Kind = TypeSyntax::Kind;

Span SpanOf(PlacePtr place) {
  Span span;
  span.file = std::move(place);
  return span;
}

// One step further. INVARIANT: each place has its own name and no other, so that all places together are not larger than the document.
PlacePtr Inside(const PlacePtr& place, std::string_view member) { return std::make_shared<const Place>(EscapeControl(member), place); }

std::string Shown(const PlacePtr& place) { return place == nullptr ? "" : place->ToString(); }

std::unexpected<Error> Refuse(const PlacePtr& place, std::string message, std::string_view reason = "bad-field") {
  return std::unexpected(Error(Code::kInvalidArgument, reason, std::move(message)).At(Shown(place)));
}

// What the reader of one object found wrong, with the way to the object.
Status Finish(json::ObjectReader& reader, const PlacePtr& place) {
  Status status = reader.Finish();
  if (!status) status.error().place = Shown(place);
  return status;
}

// Identifiers joined by `::`, where `__cedar` may be one of them: it begins the names of the built-in types.
bool IsNameOrBuiltIn(std::string_view name) {
  for (;;) {
    const std::size_t end = name.find("::");
    const std::string_view part = name.substr(0, end);
    if (part != "__cedar" && !IsIdentifier(part)) return false;
    if (end == std::string_view::npos) return true;
    name.remove_prefix(end + 2);
  }
}

Status CheckName(std::string_view name, const PlacePtr& place) {
  if (!IsNameOrBuiltIn(name)) return Refuse(place, fmt::format("`{}` is not the name of a type", EscapeControl(name)));
  return {};
}

// What may stand beside a type in the same object, and where it goes.
struct Beside {
  Annotations* annotations = nullptr;
  bool* required = nullptr;
};

class Reader {
 public:
  Result<NamespaceDeclaration> ReadNamespace(const std::string& name, const json::Value& value, const PlacePtr& place);

 private:
  Result<Annotations> ReadAnnotations(const json::Object* object, const PlacePtr& place);
  Result<EntityDeclaration> ReadEntity(const json::Value& value, DeclaredName name);
  Result<ActionDeclaration> ReadAction(const json::Value& value, DeclaredName name);
  Status ReadAppliesTo(const json::Value& value, const PlacePtr& place, ActionDeclaration& action);
  Result<ActionReference> ReadActionReference(const json::Value& value, const PlacePtr& place);
  Result<std::vector<DeclaredName>> ReadNames(const std::vector<std::string>& names, const PlacePtr& place);

  Result<TypeSyntaxPtr> ReadType(const json::Value& value, const PlacePtr& place, Beside beside = {});
  Status ReadTypeMembers(json::ObjectReader& reader, const std::string& word, const PlacePtr& place, TypeSyntax& type);
  Status ReadAttributes(const json::Object& attributes, const PlacePtr& place, TypeSyntax& type);

  std::size_t depth_ = 0;
};

Result<Annotations> Reader::ReadAnnotations(const json::Object* object, const PlacePtr& place) {
  Annotations annotations;
  if (object == nullptr) return annotations;
  for (const auto& [name, value] : *object) {
    if (!IsIdentifier(name) && !IsReserved(name)) return Refuse(place, fmt::format("`{}` is not the name of an annotation", EscapeControl(name)));
    if (!value.IsString() && !value.IsNull()) return Refuse(Inside(place, name), fmt::format("expected a string, found {}", value.TypeName()));
    annotations[name] = {value.IsNull() ? "" : value.AsString(), SpanOf(Inside(place, name))};
  }
  return annotations;
}

Result<NamespaceDeclaration> Reader::ReadNamespace(const std::string& name, const json::Value& value, const PlacePtr& place) {
  NamespaceDeclaration space;
  space.name = name;
  space.span = SpanOf(place);
  json::ObjectReader reader(value, "");
  const json::Object* types = reader.OptionalObject("commonTypes");
  const json::Object& entities = reader.RequiredObject("entityTypes");
  const json::Object& actions = reader.RequiredObject("actions");
  const json::Object* annotations = reader.OptionalObject("annotations");
  REMIT_TRY(Finish(reader, place));
  REMIT_ASSIGN(space.annotations, ReadAnnotations(annotations, Inside(place, "annotations")));
  if (name.empty() && !space.annotations.empty()) {
    return Refuse(place, "what stands outside of all namespaces has no annotations of its own");
  }
  const auto declared = [&](std::string_view list, const std::string& declaration) -> Result<DeclaredName> {
    DeclaredName of{declaration, SpanOf(Inside(Inside(place, list), declaration))};
    if (list != "actions") REMIT_TRY(CheckName(declaration, of.span.file));
    if (list != "actions" && declaration.contains("::")) return Refuse(of.span.file, "a declared name has no `::`; the namespace stands outside");
    return of;
  };
  if (types != nullptr) {
    for (const auto& [type, definition] : *types) {
      CommonTypeDeclaration declaration;
      REMIT_ASSIGN(declaration.name, declared("commonTypes", type));
      REMIT_TRY(CheckCommonTypeName(declaration.name));
      const Beside beside{.annotations = &declaration.annotations};
      REMIT_ASSIGN(declaration.type, ReadType(definition, declaration.name.span.file, beside));
      space.types.push_back(std::move(declaration));
    }
  }
  for (const auto& [entity, definition] : entities) {
    REMIT_ASSIGN(DeclaredName own, declared("entityTypes", entity));
    REMIT_TRY(CheckEntityTypeName(own));
    REMIT_ASSIGN(EntityDeclaration declaration, ReadEntity(definition, std::move(own)));
    space.entities.push_back(std::move(declaration));
  }
  for (const auto& [action, definition] : actions) {
    REMIT_ASSIGN(DeclaredName own, declared("actions", action));
    REMIT_ASSIGN(ActionDeclaration declaration, ReadAction(definition, std::move(own)));
    space.actions.push_back(std::move(declaration));
  }
  return space;
}

Result<std::vector<DeclaredName>> Reader::ReadNames(const std::vector<std::string>& names, const PlacePtr& place) {
  std::vector<DeclaredName> read;
  for (const std::string& name : names) {
    REMIT_TRY(CheckName(name, place));
    read.push_back({name, SpanOf(place)});
  }
  return read;
}

Result<EntityDeclaration> Reader::ReadEntity(const json::Value& value, DeclaredName name) {
  EntityDeclaration entity;
  const PlacePtr place = name.span.file;
  entity.span = name.span;
  json::ObjectReader reader(value, "");
  const auto parents = reader.OptionalStrings("memberOfTypes");
  const json::Value* shape = reader.OptionalValue("shape");
  const json::Value* tags = reader.OptionalValue("tags");
  const auto choices = reader.OptionalStrings("enum");
  const json::Object* annotations = reader.OptionalObject("annotations");
  REMIT_TRY(Finish(reader, place));
  REMIT_ASSIGN(entity.annotations, ReadAnnotations(annotations, Inside(place, "annotations")));
  if (choices) {
    if (choices->empty()) return Refuse(Inside(place, "enum"), "an enumeration needs at least one id");
    if (parents || shape != nullptr || tags != nullptr) {
      return Refuse(place, "an enumerated entity type has no `memberOfTypes`, no `shape` and no `tags`");
    }
    entity.enumeration = *choices;
  }
  if (parents) {
    REMIT_ASSIGN(entity.parents, ReadNames(*parents, Inside(place, "memberOfTypes")));
  }
  if (shape != nullptr) {
    REMIT_ASSIGN(entity.shape, ReadType(*shape, Inside(place, "shape")));
  }
  if (tags != nullptr) {
    REMIT_ASSIGN(entity.tags, ReadType(*tags, Inside(place, "tags")));
  }
  entity.names.push_back(std::move(name));
  return entity;
}

Result<ActionDeclaration> Reader::ReadAction(const json::Value& value, DeclaredName name) {
  ActionDeclaration action;
  const PlacePtr place = name.span.file;
  action.span = name.span;
  const auto present = [](const json::Value* member) { return member != nullptr && !member->IsNull(); };
  json::ObjectReader reader(value, "");
  const json::Value* attributes = reader.OptionalValue("attributes");
  const json::Value* applies_to = reader.OptionalValue("appliesTo");
  const json::Value* parents = reader.OptionalValue("memberOf");
  const json::Object* annotations = reader.OptionalObject("annotations");
  REMIT_TRY(Finish(reader, place));
  if (present(attributes)) {
    return Fail(Error(Code::kUnsupported, "not-supported", "actions have no attributes").At(Shown(Inside(place, "attributes"))));
  }
  REMIT_ASSIGN(action.annotations, ReadAnnotations(annotations, Inside(place, "annotations")));
  if (present(applies_to)) REMIT_TRY(ReadAppliesTo(*applies_to, Inside(place, "appliesTo"), action));
  if (present(parents)) {
    const PlacePtr inside = Inside(place, "memberOf");
    if (!parents->IsArray()) return Refuse(inside, fmt::format("expected an array, found {}", parents->TypeName()));
    for (const json::Value& parent : parents->AsArray()) {
      REMIT_ASSIGN(ActionReference reference, ReadActionReference(parent, inside));
      action.parents.push_back(std::move(reference));
    }
  }
  action.names.push_back(std::move(name));
  return action;
}

Status Reader::ReadAppliesTo(const json::Value& value, const PlacePtr& place, ActionDeclaration& action) {
  json::ObjectReader reader(value, "");
  const auto principals = reader.RequiredStrings("principalTypes");
  const auto resources = reader.RequiredStrings("resourceTypes");
  const json::Value* context = reader.OptionalValue("context");
  REMIT_TRY(Finish(reader, place));
  REMIT_ASSIGN(action.principals, ReadNames(principals, Inside(place, "principalTypes")));
  REMIT_ASSIGN(action.resources, ReadNames(resources, Inside(place, "resourceTypes")));
  if (context != nullptr) {
    REMIT_ASSIGN(action.context, ReadType(*context, Inside(place, "context")));
  }
  return {};
}

Result<ActionReference> Reader::ReadActionReference(const json::Value& value, const PlacePtr& place) {
  json::ObjectReader reader(value, "");
  ActionReference reference;
  reference.id = reader.RequiredString("id");
  reference.span = SpanOf(place);
  const json::Value* type = reader.OptionalValue("type");
  REMIT_TRY(Finish(reader, place));
  if (type == nullptr || type->IsNull()) return reference;
  if (!type->IsString()) return Refuse(Inside(place, "type"), fmt::format("expected a string, found {}", type->TypeName()));
  REMIT_TRY(CheckName(type->AsString(), Inside(place, "type")));
  reference.type = type->AsString();
  return reference;
}

Result<TypeSyntaxPtr> Reader::ReadType(const json::Value& value, const PlacePtr& place, Beside beside) {
  if (++depth_ > limits::kCedarDepth) return Refuse(place, "types are nested too deeply", "type-too-large");
  auto type = std::make_shared<TypeSyntax>();
  type->span = SpanOf(place);
  json::ObjectReader reader(value, "");
  const std::string word = reader.RequiredString("type");
  const json::Object* annotations = beside.annotations != nullptr ? reader.OptionalObject("annotations") : nullptr;
  const std::optional<bool> required = beside.required != nullptr ? reader.OptionalBool("required") : std::nullopt;
  if (reader.ok()) REMIT_TRY(ReadTypeMembers(reader, word, place, *type));
  REMIT_TRY(Finish(reader, place));
  if (beside.annotations != nullptr) {
    REMIT_ASSIGN(*beside.annotations, ReadAnnotations(annotations, Inside(place, "annotations")));
  }
  if (beside.required != nullptr) *beside.required = required.value_or(true);
  --depth_;
  return type;
}

Status Reader::ReadTypeMembers(json::ObjectReader& reader, const std::string& word, const PlacePtr& place, TypeSyntax& type) {
  static const std::map<std::string, Kind, std::less<>> kWords = {
      {"Boolean", Kind::kBool},  {"Long", Kind::kLong},     {"String", Kind::kString},       {"Set", Kind::kSet},
      {"Record", Kind::kRecord}, {"Entity", Kind::kEntity}, {"EntityOrCommon", Kind::kName}, {"Extension", Kind::kExtension},
  };
  const auto known = kWords.find(word);
  type.kind = known == kWords.end() ? Kind::kCommon : known->second;
  switch (type.kind) {
    case Kind::kBool:
    case Kind::kLong:
    case Kind::kString: return {};
    case Kind::kCommon: type.name = word; return CheckName(word, place);
    case Kind::kSet: {
      const json::Value& element = reader.RequiredValue("element");
      if (!reader.ok()) return {};
      REMIT_ASSIGN(type.element, ReadType(element, Inside(place, "element")));
      return {};
    }
    case Kind::kRecord: {
      const json::Object& attributes = reader.RequiredObject("attributes");
      type.open = reader.OptionalBool("additionalAttributes").value_or(false);
      return reader.ok() ? ReadAttributes(attributes, Inside(place, "attributes"), type) : Status();
    }
    case Kind::kName:
    case Kind::kEntity:
    case Kind::kExtension: break;
  }
  type.name = reader.RequiredString("name");
  if (!reader.ok()) return {};
  if (type.kind == Kind::kExtension && !IsIdentifier(type.name)) {
    return Refuse(place, fmt::format("`{}` is not the name of an extension type", EscapeControl(type.name)));
  }
  return CheckName(type.name, place);
}

Status Reader::ReadAttributes(const json::Object& attributes, const PlacePtr& place, TypeSyntax& type) {
  for (const auto& [name, value] : attributes) {
    AttributeSyntax attribute;
    attribute.name = {name, SpanOf(Inside(place, name))};
    const Beside beside{&attribute.annotations, &attribute.required};
    REMIT_ASSIGN(attribute.type, ReadType(value, attribute.name.span.file, beside));
    type.attributes.push_back(std::move(attribute));
  }
  return {};
}

}  // namespace

Result<SchemaFragment> ReadSchemaFragment(const json::Value& document, std::string_view place) {
  const PlacePtr file = place.empty() ? nullptr : std::make_shared<const Place>(std::string(place), nullptr);
  if (!document.IsObject()) {
    return Refuse(file, fmt::format("a schema must be an object with its namespaces, found {}", document.TypeName()), "not-an-object");
  }
  SchemaFragment fragment;
  for (const auto& [name, value] : document.AsObject()) {
    const PlacePtr inside = Inside(file, name.empty() ? "\"\"" : name);
    if (!name.empty() && !IsTypeName(name)) return Refuse(inside, fmt::format("`{}` is not the name of a namespace", EscapeControl(name)));
    REMIT_ASSIGN(NamespaceDeclaration space, Reader().ReadNamespace(name, value, inside));
    fragment.push_back(std::move(space));
  }
  return fragment;
}

}  // namespace remit::cedar
