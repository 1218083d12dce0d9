// Declarations to a schema: looks up every name, writes common types out, refuses what is declared twice, unknown, shadowing or cyclic.
// Rules: docs.cedarpolicy.com "Type name disambiguation"; RFC 24 (syntax), RFC 52 (reserved names), RFC 70 (shadowing).
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "cedar/schema.h"
#include "cedar/schema/schema_parser.h"

namespace remit::cedar {
namespace {

std::string Qualify(const std::string& name_space, std::string_view name) {
  return name_space.empty() ? std::string(name) : fmt::format("{}::{}", name_space, name);
}

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

// Adds everything that can be reached from `from` by `next`, `from` itself only where a cycle leads back to it.
template <class Map, class Node, class Set>
void Close(const Map& declarations, const Node& from, Set& reached) {
  std::vector<const Node*> open{&from};
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    for (const Node& parent : declarations.at(*node).member_of) {
      if (reached.insert(parent).second) open.push_back(&parent);
    }
  }
}

}  // namespace

class SchemaBuilder {
 public:
  Result<Schema> Build(const std::vector<NamespaceDeclaration>& namespaces);

 private:
  struct CommonType {
    const CommonTypeDeclaration* declaration = nullptr;
    std::string name_space;
    bool resolving = false;
    Resolved resolved;  // type is null until it is resolved
  };

  Status Register(const NamespaceDeclaration& space);
  Status CheckShadowing(const NamespaceDeclaration& space) const;
  Status ResolveEntity(const std::string& space, const EntityDeclaration& declaration);
  Status ResolveAction(const std::string& space, const ActionDeclaration& declaration);
  Status CheckActionCycles() const;

  Result<Resolved> ResolveType(const std::string& space, const TypeSyntax& syntax);
  Result<Resolved> ResolveSet(const std::string& space, const TypeSyntax& syntax);
  Result<Resolved> ResolveRecord(const std::string& space, const std::vector<AttributeSyntax>& attributes, const Span& span);
  Result<Resolved> ResolveName(const std::string& space, const TypeSyntax& syntax);
  Result<Resolved> ResolveCommonType(CommonType& common, const Span& use);
  Result<std::string> ResolveEntityName(const std::string& space, const DeclaredName& name) const;
  Result<EntityUid> ResolveActionReference(const std::string& space, const ActionReference& reference) const;

  std::vector<std::string> Candidates(const std::string& space, const std::string& name) const;
  std::string Suggest(const std::string& space, const std::string& name) const;
  bool IsEntityType(const std::string& name) const { return schema_.entity_types_.contains(name); }

  Schema schema_;
  std::unordered_map<std::string, CommonType> common_types_;
  std::set<std::string, std::less<>> action_types_;
  std::size_t depth_ = 0;
};

Result<Schema> SchemaBuilder::Build(const std::vector<NamespaceDeclaration>& namespaces) {
  for (const NamespaceDeclaration& space : namespaces) REMIT_TRY(Register(space));
  for (const NamespaceDeclaration& space : namespaces) REMIT_TRY(CheckShadowing(space));
  for (auto& [name, common] : common_types_) REMIT_TRY(ResolveCommonType(common, common.declaration->name.span));
  for (const NamespaceDeclaration& space : namespaces) {
    for (const EntityDeclaration& entity : space.entities) REMIT_TRY(ResolveEntity(space.name, entity));
    for (const ActionDeclaration& action : space.actions) REMIT_TRY(ResolveAction(space.name, action));
  }
  for (const auto& [name, type] : schema_.entity_types_) Close(schema_.entity_types_, name, schema_.type_ancestors_[name]);
  for (const auto& [uid, action] : schema_.actions_) Close(schema_.actions_, uid, schema_.action_ancestors_[uid]);
  REMIT_TRY(CheckActionCycles());
  return std::move(schema_);
}

// Notes every declared name, so that declarations can be used before the line that they stand on.
Status SchemaBuilder::Register(const NamespaceDeclaration& space) {
  for (const EntityDeclaration& entity : space.entities) {
    for (const DeclaredName& name : entity.names) {
      if (name.text == "Action") return FailAt(name.span, "reserved-name", "`Action` is the type of actions and cannot be declared");
      std::string qualified = Qualify(space.name, name.text);
      if (IsEntityType(qualified)) return FailAt(name.span, "duplicate-declaration", fmt::format("entity type `{}` is declared twice", qualified));
      EntityType& type = schema_.entity_types_[qualified];
      type.name = std::move(qualified);
    }
  }
  for (const CommonTypeDeclaration& type : space.types) {
    std::string qualified = Qualify(space.name, type.name.text);
    CommonType common;
    common.declaration = &type;
    common.name_space = space.name;
    if (!common_types_.emplace(qualified, std::move(common)).second) {
      return FailAt(type.name.span, "duplicate-declaration", fmt::format("type `{}` is declared twice", qualified));
    }
  }
  for (const ActionDeclaration& action : space.actions) {
    for (const DeclaredName& name : action.names) {
      EntityUid uid{Qualify(space.name, "Action"), name.text};
      if (schema_.actions_.contains(uid)) {
        return FailAt(name.span, "duplicate-declaration", fmt::format("action `{}` is declared twice", uid.ToString()));
      }
      action_types_.insert(uid.type);
      ActionType& type = schema_.actions_[uid];
      type.uid = std::move(uid);
    }
  }
  return {};
}

Status SchemaBuilder::CheckShadowing(const NamespaceDeclaration& space) const {
  if (space.name.empty()) return {};
  const auto check_type = [&](const DeclaredName& name) -> Status {
    if (!IsEntityType(name.text) && !common_types_.contains(name.text)) return {};
    return FailAt(name.span, "shadowed-declaration",
                  fmt::format("`{}` hides `{}`, which is declared outside of all namespaces", Qualify(space.name, name.text), name.text),
                  "give one of them another name, or move the outer one into a namespace");
  };
  for (const EntityDeclaration& entity : space.entities) {
    for (const DeclaredName& name : entity.names) REMIT_TRY(check_type(name));
  }
  for (const CommonTypeDeclaration& type : space.types) REMIT_TRY(check_type(type.name));
  for (const ActionDeclaration& action : space.actions) {
    for (const DeclaredName& name : action.names) {
      const EntityUid outer{"Action", name.text};
      if (!schema_.actions_.contains(outer)) continue;
      return FailAt(name.span, "shadowed-declaration",
                    fmt::format("`{}` hides `{}`", EntityUid{Qualify(space.name, "Action"), name.text}.ToString(), outer.ToString()));
    }
  }
  return {};
}

Status SchemaBuilder::ResolveEntity(const std::string& space, const EntityDeclaration& declaration) {
  EntityType resolved;
  for (const DeclaredName& parent : declaration.parents) {
    REMIT_ASSIGN(std::string name, ResolveEntityName(space, parent));
    resolved.member_of.insert(std::move(name));
  }
  REMIT_ASSIGN(Resolved record, ResolveRecord(space, declaration.attributes, declaration.span));
  resolved.attributes = record.type->attributes;
  for (const AttributeSyntax& attribute : declaration.attributes) resolved.attribute_order.push_back(attribute.name.text);
  if (declaration.tags != nullptr) {
    REMIT_ASSIGN(Resolved tags, ResolveType(space, *declaration.tags));
    resolved.tags = std::move(tags.type);
  }
  resolved.enumeration = declaration.enumeration;
  resolved.annotations = declaration.annotations;
  resolved.span = declaration.span;
  for (const DeclaredName& name : declaration.names) {
    resolved.name = Qualify(space, name.text);
    schema_.entity_types_[resolved.name] = resolved;
  }
  return {};
}

Status SchemaBuilder::ResolveAction(const std::string& space, const ActionDeclaration& declaration) {
  ActionType resolved;
  for (const ActionReference& parent : declaration.parents) {
    REMIT_ASSIGN(EntityUid uid, ResolveActionReference(space, parent));
    if (std::ranges::find(resolved.member_of, uid) == resolved.member_of.end()) resolved.member_of.push_back(std::move(uid));
  }
  for (const DeclaredName& principal : declaration.principals) {
    REMIT_ASSIGN(std::string name, ResolveEntityName(space, principal));
    resolved.principals.insert(std::move(name));
  }
  for (const DeclaredName& resource : declaration.resources) {
    REMIT_ASSIGN(std::string name, ResolveEntityName(space, resource));
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
    case TypeSyntax::Kind::kSet: return ResolveSet(space, syntax);
    case TypeSyntax::Kind::kRecord: return ResolveRecord(space, syntax.attributes, syntax.span);
    case TypeSyntax::Kind::kName: break;
  }
  return ResolveName(space, syntax);
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

Result<Resolved> SchemaBuilder::ResolveRecord(const std::string& space, const std::vector<AttributeSyntax>& attributes, const Span& span) {
  if (++depth_ > limits::kCedarDepth) return TooLarge(span);
  auto type = std::make_shared<Type>();
  type->kind = Type::Kind::kRecord;
  std::size_t nodes = 1, depth = 0;
  for (const AttributeSyntax& attribute : attributes) {
    REMIT_ASSIGN(Resolved resolved, ResolveType(space, *attribute.type));
    nodes += resolved.nodes;
    depth = std::max(depth, resolved.depth);
    if (nodes > limits::kCedarTypeNodes || depth >= limits::kCedarDepth) return TooLarge(span);
    type->attributes[attribute.name.text] = AttributeType{std::move(resolved.type), attribute.required, attribute.annotations, attribute.name.span};
  }
  --depth_;
  return Resolved{std::move(type), nodes, depth + 1};
}

// Priority: in the own namespace a common type, then an entity type; the same in the empty namespace; then the built-in types.
Result<Resolved> SchemaBuilder::ResolveName(const std::string& space, const TypeSyntax& syntax) {
  constexpr std::string_view kBuiltInNamespace = "__cedar::";
  if (syntax.name.starts_with(kBuiltInNamespace)) {
    if (TypePtr type = BuiltIn(std::string_view(syntax.name).substr(kBuiltInNamespace.size()))) return Resolved{std::move(type)};
    return FailAt(syntax.span, "unknown-type", fmt::format("there is no built-in type `{}`", syntax.name));
  }
  for (const std::string& candidate : Candidates(space, syntax.name)) {
    const auto common = common_types_.find(candidate);
    if (common != common_types_.end()) return ResolveCommonType(common->second, syntax.span);
    if (IsEntityType(candidate) || action_types_.contains(candidate)) return Resolved{MakeType(Type::Kind::kEntity, candidate)};
  }
  if (TypePtr type = BuiltIn(syntax.name)) return Resolved{std::move(type)};
  return FailAt(syntax.span, "unknown-type", fmt::format("unknown type `{}`", syntax.name), Suggest(space, syntax.name));
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

Result<std::string> SchemaBuilder::ResolveEntityName(const std::string& space, const DeclaredName& name) const {
  for (std::string& candidate : Candidates(space, name.text)) {
    if (IsEntityType(candidate)) return std::move(candidate);
  }
  return FailAt(name.span, "unknown-type", fmt::format("unknown entity type `{}`", name.text), Suggest(space, name.text));
}

Result<EntityUid> SchemaBuilder::ResolveActionReference(const std::string& space, const ActionReference& reference) const {
  const std::vector<std::string> types = reference.type.empty() ? std::vector{Qualify(space, "Action")} : Candidates(space, reference.type);
  std::vector<std::string> ids;
  for (const std::string& type : types) {
    EntityUid uid{type, reference.id};
    if (schema_.actions_.contains(uid)) return uid;
  }
  for (const auto& [uid, action] : schema_.actions_) ids.push_back(uid.id);
  const std::string near = Nearest(reference.id, ids);
  return FailAt(reference.span, "unknown-action", fmt::format("unknown action `{}`", EntityUid{types.front(), reference.id}.ToString()),
                near.empty() ? "" : fmt::format("did you mean `{}`?", near));
}

std::vector<std::string> SchemaBuilder::Candidates(const std::string& space, const std::string& name) const {
  if (space.empty() || name.contains("::")) return {name};
  return {Qualify(space, name), name};
}

std::string SchemaBuilder::Suggest(const std::string& space, const std::string& name) const {
  std::vector<std::string> known;
  const std::string prefix = space.empty() ? "" : space + "::";
  const auto add = [&](const std::string& declared) { known.push_back(declared.starts_with(prefix) ? declared.substr(prefix.size()) : declared); };
  for (const auto& [declared, type] : schema_.entity_types_) add(declared);
  for (const auto& [declared, type] : common_types_) add(declared);
  for (std::string_view built_in : {"Bool", "Long", "String", "decimal", "ipaddr", "datetime", "duration"}) known.emplace_back(built_in);
  const std::string near = Nearest(name, known);
  return near.empty() ? "" : fmt::format("did you mean `{}`?", near);
}

Result<Schema> Schema::Parse(const std::vector<SchemaSource>& fragments) {
  std::vector<NamespaceDeclaration> namespaces;
  for (const SchemaSource& fragment : fragments) {
    REMIT_ASSIGN(auto parsed, ParseSchemaFragment(fragment.text, fragment.file_name));
    for (NamespaceDeclaration& space : parsed) namespaces.push_back(std::move(space));
  }
  return SchemaBuilder().Build(namespaces);
}

}  // namespace remit::cedar
