// Declarations to a schema: looks up every name, writes common types out, refuses what is declared twice, unknown, shadowing or cyclic.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/limits.h"
#include "cedar/schema.h"
#include "cedar/schema/names.h"
#include "cedar/schema/schema_json_reader.h"
#include "cedar/schema/schema_parser.h"
#include "cedar/schema_json.h"
#include "json/read.h"

namespace remit::cedar {
namespace {

std::unexpected<Error> FailAt(const Span& span, std::string_view reason, std::string message, std::string hint = {}) {
  return std::unexpected(Error(Code::kInvalidArgument, reason, std::move(message)).At(span.ToString()).Hint(std::move(hint)));
}

TypePtr MakeType(Type::Kind kind, std::string name = {}) {
  auto type = std::make_shared<Type>();
  type->kind = kind;
  type->name = std::move(name);
  return type;
}

// Null where there is no such built-in type.
TypePtr BuiltIn(std::string_view name) {
  static const std::map<std::string, TypePtr, std::less<>> kTypes = {
      {"Bool", MakeType(Type::Kind::kBool)},
      {"Long", MakeType(Type::Kind::kLong)},
      {"String", MakeType(Type::Kind::kString)},
      {"decimal", MakeType(Type::Kind::kExtension, "decimal")},
      {"ipaddr", MakeType(Type::Kind::kExtension, "ipaddr")},
      {"datetime", MakeType(Type::Kind::kExtension, "datetime")},
      {"duration", MakeType(Type::Kind::kExtension, "duration")},
  };
  const auto it = kTypes.find(name);
  return it == kTypes.end() ? nullptr : it->second;
}

// What a name can stand for, with its size when written out. Limiting both keeps everything that walks types within its stack and time.
struct Resolved {
  TypePtr type;
  std::size_t nodes = 1;
  std::size_t depth = 1;  // nested sets and records, and steps from one common type to the next
};

std::unexpected<Error> TooLarge(const Span& span) {
  return FailAt(span, "type-too-large", "type is too large, or nested too deeply, when its common types are written out");
}

// About how much memory a part of a declaration takes, besides the texts that it holds.
constexpr std::size_t kPartBytes = 64;

std::size_t BytesOf(std::string_view text) { return kPartBytes + text.size(); }
std::size_t BytesOf(const EntityUid& uid) { return kPartBytes + uid.type.size() + uid.id.size(); }

std::size_t BytesOf(const std::map<std::string, Annotation, std::less<>>& annotations) {
  std::size_t bytes = 0;
  for (const auto& [name, annotation] : annotations) bytes += kPartBytes + name.size() + annotation.value.size();
  return bytes;
}

template <class Texts>
std::size_t BytesOfAll(const Texts& texts) {
  std::size_t bytes = 0;
  for (const auto& text : texts) bytes += BytesOf(text);
  return bytes;
}

// What each name of a declaration holds for itself. Types below are shared.
std::size_t BytesOf(const EntityType& type) {
  std::size_t bytes = kPartBytes + BytesOf(type.annotations) + BytesOfAll(type.member_of) + BytesOfAll(type.attribute_order);
  bytes += BytesOfAll(type.enumeration);
  for (const auto& [name, attribute] : type.attributes) bytes += BytesOf(name) + BytesOf(attribute.annotations);
  return bytes;
}

std::size_t BytesOf(const ActionType& action) {
  return kPartBytes + BytesOf(action.annotations) + BytesOfAll(action.member_of) + BytesOfAll(action.principals) + BytesOfAll(action.resources);
}

// Adds everything that can be reached from `from`, itself only where a cycle leads back to it; counts what was added. False beyond the limit.
// The closures are written out, and each entry is a name: long ones count for several.
template <class Map, class Node, class Set>
bool Close(const Map& declarations, const Node& from, Set& reached, std::size_t& entries) {
  std::vector<const Node*> open{&from};
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    for (const Node& parent : declarations.at(*node).member_of) {
      if (!reached.insert(parent).second) continue;
      entries += BytesOf(parent) / kPartBytes;
      if (entries > limits::kCedarClosureEntries) return false;
      open.push_back(&parent);
    }
  }
  return true;
}

}  // namespace

class SchemaBuilder {
 public:
  Result<Schema> Build(const SchemaFragment& namespaces);

 private:
  struct CommonType {
    const CommonTypeDeclaration* declaration = nullptr;
    std::string name_space;
    bool resolving = false;
    Resolved resolved;  // type is null until it is resolved
  };

  Status ResolveEntity(const std::string& space, const EntityDeclaration& declaration);
  Status ResolveAction(const std::string& space, const ActionDeclaration& declaration);
  Status CheckActionCycles() const;

  Result<Resolved> ResolveType(const std::string& space, const TypeSyntax& syntax);
  Result<Resolved> ResolveSet(const std::string& space, const TypeSyntax& syntax);
  Result<Resolved> ResolveRecord(const std::string& space, const TypeSyntax& syntax);
  Result<Resolved> ResolveName(const std::string& space, const TypeSyntax& syntax, DeclaredNames::Use use);
  Result<Resolved> ResolveCommonType(CommonType& common, const Span& use);

  Schema schema_;
  DeclaredNames names_;
  std::unordered_map<std::string, CommonType> common_types_;
  std::unordered_map<std::string, TypePtr> entities_;  // one type for all that name it
  std::size_t depth_ = 0;
};

Result<Schema> SchemaBuilder::Build(const SchemaFragment& namespaces) {
  for (const NamespaceDeclaration& space : namespaces) REMIT_TRY(names_.Add(space));
  for (const NamespaceDeclaration& space : namespaces) {
    REMIT_TRY(names_.CheckShadowing(space));
    for (const CommonTypeDeclaration& type : space.types) common_types_[Qualify(space.name, type.name.text)] = {&type, space.name, false, {}};
  }
  for (auto& [name, common] : common_types_) REMIT_TRY(ResolveCommonType(common, common.declaration->name.span));
  for (const NamespaceDeclaration& space : namespaces) {
    for (const EntityDeclaration& entity : space.entities) REMIT_TRY(ResolveEntity(space.name, entity));
    for (const ActionDeclaration& action : space.actions) REMIT_TRY(ResolveAction(space.name, action));
  }
  std::size_t entries = 0;
  const auto too_large = [](const Span& span) {
    return FailAt(span, "hierarchy-too-large", fmt::format("the types or actions have more than {} ancestors in all", limits::kCedarClosureEntries),
                  "make the hierarchy flatter");
  };
  for (const auto& [name, type] : schema_.entity_types_) {
    if (!Close(schema_.entity_types_, name, schema_.type_ancestors_[name], entries)) return too_large(type.span);
  }
  for (const auto& [uid, action] : schema_.actions_) {
    if (!Close(schema_.actions_, uid, schema_.action_ancestors_[uid], entries)) return too_large(action.span);
  }
  REMIT_TRY(CheckActionCycles());
  return std::move(schema_);
}

Status SchemaBuilder::ResolveEntity(const std::string& space, const EntityDeclaration& declaration) {
  EntityType resolved;
  REMIT_TRY(names_.Share(space.size(), declaration.parents.size(), declaration.span));
  for (const DeclaredName& parent : declaration.parents) {
    REMIT_ASSIGN(std::string name, names_.FindEntityType(space, parent));
    resolved.member_of.insert(std::move(name));
  }
  if (declaration.shape != nullptr) {
    REMIT_ASSIGN(Resolved shape, ResolveType(space, *declaration.shape));
    if (shape.type->kind != Type::Kind::kRecord) {
      return FailAt(declaration.shape->span, "shape-not-record",
                    fmt::format("shape of entity type `{}` is `{}`, not a record", declaration.names.front().text, shape.type->ToString()));
    }
    resolved.attributes = shape.type->attributes;
    for (const AttributeSyntax& attribute : declaration.shape->attributes) resolved.attribute_order.push_back(attribute.name.text);
  }
  if (declaration.tags != nullptr) {
    REMIT_ASSIGN(Resolved tags, ResolveType(space, *declaration.tags));
    resolved.tags = std::move(tags.type);
  }
  resolved.enumeration = declaration.enumeration;
  resolved.annotations = declaration.annotations;
  resolved.span = declaration.span;
  // A shape that is only named, as in JSON, is written elsewhere: there each declaration's is a further one.
  const bool written = declaration.shape == nullptr || declaration.shape->kind == TypeSyntax::Kind::kRecord;
  REMIT_TRY(names_.Share(BytesOf(resolved), declaration.names.size() - (written ? 1u : 0u), declaration.span));
  for (const DeclaredName& name : declaration.names) {
    resolved.name = Qualify(space, name.text);
    schema_.entity_types_[resolved.name] = resolved;
  }
  return {};
}

Status SchemaBuilder::ResolveAction(const std::string& space, const ActionDeclaration& declaration) {
  ActionType resolved;
  const std::size_t names = declaration.parents.size() + declaration.principals.size() + declaration.resources.size();
  REMIT_TRY(names_.Share(space.size(), names, declaration.span));
  std::set<EntityUid> parents;
  for (const ActionReference& parent : declaration.parents) {
    REMIT_ASSIGN(EntityUid uid, names_.FindAction(space, parent));
    if (parents.insert(uid).second) resolved.member_of.push_back(std::move(uid));
  }
  for (const DeclaredName& principal : declaration.principals) {
    REMIT_ASSIGN(std::string name, names_.FindEntityType(space, principal));
    resolved.principals.insert(std::move(name));
  }
  for (const DeclaredName& resource : declaration.resources) {
    REMIT_ASSIGN(std::string name, names_.FindEntityType(space, resource));
    resolved.resources.insert(std::move(name));
  }
  if (declaration.context == nullptr) {
    resolved.context = MakeType(Type::Kind::kRecord);
  } else {
    REMIT_ASSIGN(Resolved context, ResolveType(space, *declaration.context));
    if (context.type->kind != Type::Kind::kRecord) {
      return FailAt(declaration.context->span, "context-not-record",
                    fmt::format("context of action `{}` is `{}`, not a record", declaration.names.front().text, context.type->ToString()));
    }
    resolved.context = std::move(context.type);
  }
  resolved.annotations = declaration.annotations;
  resolved.span = declaration.span;
  REMIT_TRY(names_.Share(BytesOf(resolved), declaration.names.size() - 1, declaration.span));
  for (const DeclaredName& name : declaration.names) {
    resolved.uid = EntityUid{Qualify(space, "Action"), name.text};
    schema_.actions_[resolved.uid] = resolved;
  }
  return {};
}

Status SchemaBuilder::CheckActionCycles() const {
  for (const auto& [uid, ancestors] : schema_.action_ancestors_) {
    if (!ancestors.contains(uid)) continue;
    return FailAt(schema_.actions_.at(uid).span, "action-cycle", fmt::format("action `{}` is a member of itself", uid.ToString()));
  }
  return {};
}

// INVARIANT: what is accepted does not depend on the order of resolution: a type is refused if and only if its own depth is over the
// limit, whether that shows on the way down (depth_) or on the way up (Resolved::depth).
Result<Resolved> SchemaBuilder::ResolveType(const std::string& space, const TypeSyntax& syntax) {
  switch (syntax.kind) {
    case TypeSyntax::Kind::kName: return ResolveName(space, syntax, DeclaredNames::Use::kEither);
    case TypeSyntax::Kind::kCommon: return ResolveName(space, syntax, DeclaredNames::Use::kCommon);
    case TypeSyntax::Kind::kEntity: return ResolveName(space, syntax, DeclaredNames::Use::kEntity);
    case TypeSyntax::Kind::kSet: return ResolveSet(space, syntax);
    case TypeSyntax::Kind::kRecord: return ResolveRecord(space, syntax);
    case TypeSyntax::Kind::kBool: return Resolved{BuiltIn("Bool")};
    case TypeSyntax::Kind::kLong: return Resolved{BuiltIn("Long")};
    case TypeSyntax::Kind::kString: return Resolved{BuiltIn("String")};
    case TypeSyntax::Kind::kExtension: break;
  }
  TypePtr type = BuiltIn(syntax.name);
  if (type != nullptr && type->kind == Type::Kind::kExtension) return Resolved{std::move(type)};
  return FailAt(syntax.span, "unknown-type", fmt::format("unknown extension type `{}`", syntax.name),
                "the extension types are `decimal`, `ipaddr`, `datetime` and `duration`");
}

Result<Resolved> SchemaBuilder::ResolveSet(const std::string& space, const TypeSyntax& syntax) {
  if (++depth_ > limits::kCedarDepth) return TooLarge(syntax.span);
  REMIT_ASSIGN(Resolved element, ResolveType(space, *syntax.element));
  --depth_;
  auto type = std::make_shared<Type>();
  type->kind = Type::Kind::kSet;
  type->element = std::move(element.type);
  if (element.depth >= limits::kCedarDepth) return TooLarge(syntax.span);
  return Resolved{std::move(type), element.nodes + 1, element.depth + 1};
}

Result<Resolved> SchemaBuilder::ResolveRecord(const std::string& space, const TypeSyntax& syntax) {
  if (syntax.open) {
    return FailAt(syntax.span, "not-supported", "`additionalAttributes` is not supported: a record has the attributes that it declares, no more");
  }
  if (++depth_ > limits::kCedarDepth) return TooLarge(syntax.span);
  auto type = std::make_shared<Type>();
  type->kind = Type::Kind::kRecord;
  std::size_t nodes = 1, depth = 0;
  for (const AttributeSyntax& attribute : syntax.attributes) {
    REMIT_ASSIGN(Resolved resolved, ResolveType(space, *attribute.type));
    nodes += resolved.nodes + attribute.name.text.size() / kPartBytes;
    depth = std::max(depth, resolved.depth);
    if (nodes > limits::kCedarTypeNodes || depth >= limits::kCedarDepth) return TooLarge(syntax.span);
    type->attributes[attribute.name.text] = AttributeType{std::move(resolved.type), attribute.required, attribute.annotations, attribute.name.span};
  }
  --depth_;
  return Resolved{std::move(type), nodes, depth + 1};
}

Result<Resolved> SchemaBuilder::ResolveName(const std::string& space, const TypeSyntax& syntax, DeclaredNames::Use use) {
  REMIT_ASSIGN(DeclaredNames::Found found, names_.FindType(space, syntax.name, use, syntax.span));
  switch (found.kind) {
    case DeclaredNames::Found::Kind::kBuiltIn: return Resolved{BuiltIn(found.name)};
    case DeclaredNames::Found::Kind::kCommon: return ResolveCommonType(common_types_.at(found.name), syntax.span);
    case DeclaredNames::Found::Kind::kEntity: break;
  }
  TypePtr& entity = entities_[found.name];
  if (entity == nullptr) entity = MakeType(Type::Kind::kEntity, std::move(found.name));
  return Resolved{entity, 1 + entity->name.size() / kPartBytes};
}

Result<Resolved> SchemaBuilder::ResolveCommonType(CommonType& common, const Span& use) {
  if (common.resolved.type != nullptr) return common.resolved;
  if (common.resolving) {
    return FailAt(use, "type-cycle", fmt::format("type `{}` is defined by itself", Qualify(common.name_space, common.declaration->name.text)));
  }
  if (++depth_ > limits::kCedarDepth) return TooLarge(use);
  common.resolving = true;
  REMIT_ASSIGN(Resolved resolved, ResolveType(common.name_space, *common.declaration->type));
  common.resolving = false;
  --depth_;
  if (++resolved.depth > limits::kCedarDepth) return TooLarge(use);
  common.resolved = std::move(resolved);
  return common.resolved;
}

Result<Schema> Schema::Parse(const std::vector<SchemaSource>& fragments) {
  SchemaFragment namespaces;
  const auto add = [&](SchemaFragment fragment) { std::ranges::move(fragment, std::back_inserter(namespaces)); };
  for (const SchemaSource& fragment : fragments) {
    if (!fragment.json) {
      REMIT_ASSIGN(auto parsed, ParseSchemaFragment(fragment.text, fragment.file_name));
      add(std::move(parsed));
      continue;
    }
    auto document = json::Parse(fragment.text, kSchemaJsonLimits);
    if (!document) {
      Error error = std::move(document.error());
      error.place = error.place.empty() ? fragment.file_name : fmt::format("{}:{}", fragment.file_name, error.place);
      return Fail(std::move(error));
    }
    REMIT_ASSIGN(auto read, ReadSchemaFragment(*document, fragment.file_name));
    add(std::move(read));
  }
  return SchemaBuilder().Build(namespaces);
}

Result<Schema> Schema::FromJson(const std::vector<json::Value>& fragments) {
  SchemaFragment namespaces;
  for (const json::Value& fragment : fragments) {
    REMIT_ASSIGN(auto read, ReadSchemaFragment(fragment, ""));
    std::ranges::move(read, std::back_inserter(namespaces));
  }
  return SchemaBuilder().Build(namespaces);
}

}  // namespace remit::cedar
