// What one file of a schema declares, in either of its forms, with names that are not looked up yet: the common ground of the human syntax
// (schema_parser.h), the JSON form (schema_json_reader.h), what translates between them and what joins them to a schema (schema_resolver.cc).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cedar/ast.h"

namespace remit::cedar {

using Annotations = std::map<std::string, Annotation, std::less<>>;

// A name as written: `A::B`, an identifier, or the content of a string.
struct DeclaredName {
  std::string text;
  Span span;
};

struct TypeSyntax;
using TypeSyntaxPtr = std::shared_ptr<const TypeSyntax>;

struct AttributeSyntax {
  DeclaredName name;
  bool required = true;
  TypeSyntaxPtr type;
  Annotations annotations;
};

struct TypeSyntax {
  enum class Kind {
    kName,    // a common type or an entity type, whichever is found first: what a name is in the human syntax
    kCommon,  // a common type
    kSet,
    kRecord,
    kEntity,     // these only come from JSON
    kExtension,  // decimal, ipaddr, datetime, duration
    kBool,
    kLong,
    kString,
  } kind = Kind::kName;
  std::string name;                         // kName, kCommon, kEntity, kExtension
  TypeSyntaxPtr element;                    // kSet
  std::vector<AttributeSyntax> attributes;  // kRecord, names distinct
  bool open = false;                        // kRecord: with `additionalAttributes`, which the JSON form can say and no schema may have
  Span span;
};

struct EntityDeclaration {
  std::vector<DeclaredName> names;  // one or more
  std::vector<DeclaredName> parents;
  TypeSyntaxPtr shape;                   // null: the empty record
  TypeSyntaxPtr tags;                    // null: none
  std::vector<std::string> enumeration;  // empty: not an `enum`
  Annotations annotations;
  Span span;
};

struct CommonTypeDeclaration {
  DeclaredName name;
  TypeSyntaxPtr type;
  Annotations annotations;
};

// `"read"`, `read` or `NS::Action::"read"`.
struct ActionReference {
  std::string type;  // "": `Action` of the same namespace, or of the empty one
  std::string id;
  Span span;
};

struct ActionDeclaration {
  std::vector<DeclaredName> names;  // one or more
  std::vector<ActionReference> parents;
  std::vector<DeclaredName> principals, resources;  // both empty without `appliesTo`; only JSON can leave one of them empty
  TypeSyntaxPtr context;                            // null: the empty record
  Annotations annotations;
  Span span;
};

struct NamespaceDeclaration {
  std::string name;  // "": declarations outside of any namespace
  std::vector<EntityDeclaration> entities;
  std::vector<CommonTypeDeclaration> types;
  std::vector<ActionDeclaration> actions;
  Annotations annotations;
  Span span;

  bool IsEmpty() const { return entities.empty() && types.empty() && actions.empty(); }
};

using SchemaFragment = std::vector<NamespaceDeclaration>;  // names of namespaces are distinct

// Whether an entity type, or a common type, may be called so. Errors: `reserved-name` at `name`.
Status CheckEntityTypeName(const DeclaredName& name);
Status CheckCommonTypeName(const DeclaredName& name);

// Text that parses to an equal fragment, but for what only JSON can say; see schema_json.h.
std::string ToText(const SchemaFragment& fragment);

}  // namespace remit::cedar
