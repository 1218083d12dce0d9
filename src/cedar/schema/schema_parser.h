// The syntax of schemas: text to declarations whose names are not looked up yet. What they mean together is schema_resolver.cc's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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

struct AttributeSyntax {
  DeclaredName name;
  bool required = true;
  std::shared_ptr<const TypeSyntax> type;
  Annotations annotations;
};

struct TypeSyntax {
  enum class Kind { kName, kSet, kRecord } kind = Kind::kName;
  std::string name;                           // kName
  std::shared_ptr<const TypeSyntax> element;  // kSet
  std::vector<AttributeSyntax> attributes;    // kRecord, names distinct
  Span span;
};
using TypeSyntaxPtr = std::shared_ptr<const TypeSyntax>;

struct EntityDeclaration {
  std::vector<DeclaredName> names;  // one or more
  std::vector<DeclaredName> parents;
  std::vector<AttributeSyntax> attributes;
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
  std::string type;  // "": an action of the same namespace
  std::string id;
  Span span;
};

struct ActionDeclaration {
  std::vector<DeclaredName> names;  // one or more
  std::vector<ActionReference> parents;
  std::vector<DeclaredName> principals, resources;  // both empty without `appliesTo`
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
};

// Parses one file. The declarations outside of namespaces come first, as one NamespaceDeclaration without a name. Depth of types:
// limits::kCedarDepth. Errors: `parse-error`; `duplicate-declaration` for what the grammar itself forbids to repeat (annotations,
// attributes, keys of `appliesTo`, a namespace in the same file); `reserved-name`; `empty-applies-to`.
Result<std::vector<NamespaceDeclaration>> ParseSchemaFragment(std::string_view text, std::string_view file_name);

}  // namespace remit::cedar
