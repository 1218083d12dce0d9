// Recursive descent over the grammar of Cedar schemas (docs.cedarpolicy.com, "Cedar schema grammar").
#include "cedar/schema/schema_parser.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "base/limits.h"
#include "cedar/language/lexer.h"

namespace remit::cedar {
namespace {

constexpr std::string_view kBuiltInNamespace = "__cedar";

class SchemaParser {
 public:
  explicit SchemaParser(TokenStream tokens) : tokens_(std::move(tokens)) {}

  Result<SchemaFragment> Parse();

 private:
  Result<Annotations> ParseAnnotations();
  Status ParseNamespace(Annotations annotations);
  Status ParseDeclaration(Annotations annotations, NamespaceDeclaration& into);
  Result<EntityDeclaration> ParseEntity(Annotations annotations);
  Result<ActionDeclaration> ParseAction(Annotations annotations);
  Result<CommonTypeDeclaration> ParseCommonType(Annotations annotations);
  Status ParseAppliesTo(ActionDeclaration& action);
  Result<TypeSyntaxPtr> ParseType();
  Result<TypeSyntaxPtr> ParseRecord();
  Result<std::vector<AttributeSyntax>> ParseAttributes();  // with the braces
  Result<AttributeSyntax> ParseAttribute();
  Result<std::vector<std::string>> ParseEnumeration();

  Result<DeclaredName> ParseIdentifier(std::string_view what);
  Result<DeclaredName> ParseName(std::string_view what);  // identifier or string
  Result<DeclaredName> ParsePath(std::string_view what);
  Result<std::vector<DeclaredName>> ParsePathOrPaths();
  Result<ActionReference> ParseActionReference();

  std::unexpected<Error> Duplicate(const Token& at, std::string message) const {
    auto failure = tokens_.FailAt(at, std::move(message));
    failure.error().reason = "duplicate-declaration";
    return failure;
  }

  TokenStream tokens_;
  SchemaFragment namespaces_{NamespaceDeclaration{}};
  std::set<std::string> namespace_names_;
  std::size_t depth_ = 0;
};

Result<SchemaFragment> SchemaParser::Parse() {
  while (!tokens_.AtEnd()) {
    REMIT_ASSIGN(Annotations annotations, ParseAnnotations());
    if (tokens_.Peek().IsWord("namespace")) {
      REMIT_TRY(ParseNamespace(std::move(annotations)));
    } else {
      REMIT_TRY(ParseDeclaration(std::move(annotations), namespaces_.front()));
    }
  }
  return std::move(namespaces_);
}

Result<Annotations> SchemaParser::ParseAnnotations() {
  Annotations annotations;
  while (tokens_.Peek().Is("@")) {
    const Token first = tokens_.Next();
    if (tokens_.Peek().kind != TokenKind::kIdentifier) return tokens_.Unexpected("the name of an annotation");
    const Token name = tokens_.Next();
    Annotation annotation;
    if (tokens_.Accept("(")) {
      if (tokens_.Peek().kind != TokenKind::kString) return tokens_.Unexpected("a string");
      const Token value = tokens_.Next();
      REMIT_ASSIGN(annotation.value, tokens_.Unquote(value));
      REMIT_TRY(tokens_.Expect(")"));
    }
    annotation.span = tokens_.SpanFrom(first);
    if (!annotations.emplace(std::string(name.text), std::move(annotation)).second) {
      return Duplicate(name, fmt::format("annotation `@{}` stands twice on the same declaration", name.text));
    }
  }
  return annotations;
}

Status SchemaParser::ParseNamespace(Annotations annotations) {
  const Token first = tokens_.Next();
  const Token at = tokens_.Peek();
  REMIT_ASSIGN(DeclaredName name, ParsePath("the name of the namespace"));
  if (!IsTypeName(name.text)) {
    auto failure = tokens_.FailAt(at, fmt::format("`{}` uses the reserved name `{}`", name.text, kBuiltInNamespace));
    failure.error().reason = "reserved-name";
    return failure;
  }
  if (!namespace_names_.insert(name.text).second) return Duplicate(at, fmt::format("namespace `{}` stands twice in the same file", name.text));
  NamespaceDeclaration declaration;
  declaration.name = std::move(name.text);
  declaration.annotations = std::move(annotations);
  REMIT_TRY(tokens_.Expect("{"));
  while (!tokens_.Accept("}")) {
    REMIT_ASSIGN(Annotations of_declaration, ParseAnnotations());
    REMIT_TRY(ParseDeclaration(std::move(of_declaration), declaration));
  }
  declaration.span = tokens_.SpanFrom(first);
  namespaces_.push_back(std::move(declaration));
  return {};
}

Status SchemaParser::ParseDeclaration(Annotations annotations, NamespaceDeclaration& into) {
  const Token& next = tokens_.Peek();
  if (next.IsWord("entity")) {
    REMIT_ASSIGN(auto entity, ParseEntity(std::move(annotations)));
    into.entities.push_back(std::move(entity));
  } else if (next.IsWord("action")) {
    REMIT_ASSIGN(auto action, ParseAction(std::move(annotations)));
    into.actions.push_back(std::move(action));
  } else if (next.IsWord("type")) {
    REMIT_ASSIGN(auto type, ParseCommonType(std::move(annotations)));
    into.types.push_back(std::move(type));
  } else {
    return tokens_.Unexpected(into.name.empty() ? "`entity`, `action`, `type` or `namespace`" : "`entity`, `action`, `type` or `}`");
  }
  return {};
}

Result<EntityDeclaration> SchemaParser::ParseEntity(Annotations annotations) {
  const Token first = tokens_.Next();
  EntityDeclaration entity;
  entity.annotations = std::move(annotations);
  do {
    REMIT_ASSIGN(DeclaredName name, ParseIdentifier("the name of the entity type"));
    REMIT_TRY(CheckEntityTypeName(name));
    entity.names.push_back(std::move(name));
  } while (tokens_.Accept(","));
  if (tokens_.AcceptWord("enum")) {
    REMIT_ASSIGN(entity.enumeration, ParseEnumeration());
  } else {
    if (tokens_.AcceptWord("in")) {
      REMIT_ASSIGN(entity.parents, ParsePathOrPaths());
    }
    const bool equals = tokens_.Accept("=");
    if (equals || tokens_.Peek().Is("{")) {
      REMIT_ASSIGN(entity.shape, ParseRecord());
    }
    if (tokens_.AcceptWord("tags")) {
      REMIT_ASSIGN(entity.tags, ParseType());
    }
  }
  REMIT_TRY(tokens_.Expect(";"));
  entity.span = tokens_.SpanFrom(first);
  return entity;
}

Result<std::vector<std::string>> SchemaParser::ParseEnumeration() {
  std::vector<std::string> ids;
  REMIT_TRY(tokens_.Expect("["));
  do {
    if (tokens_.Peek().kind != TokenKind::kString) return tokens_.Unexpected("the id of an entity as a string");
    const Token token = tokens_.Next();
    REMIT_ASSIGN(std::string id, tokens_.Unquote(token));
    ids.push_back(std::move(id));
  } while (tokens_.Accept(","));
  REMIT_TRY(tokens_.Expect("]"));
  return ids;
}

Result<CommonTypeDeclaration> SchemaParser::ParseCommonType(Annotations annotations) {
  tokens_.Next();
  CommonTypeDeclaration declaration;
  declaration.annotations = std::move(annotations);
  REMIT_ASSIGN(declaration.name, ParseIdentifier("the name of the type"));
  REMIT_TRY(CheckCommonTypeName(declaration.name));
  REMIT_TRY(tokens_.Expect("="));
  REMIT_ASSIGN(declaration.type, ParseType());
  REMIT_TRY(tokens_.Expect(";"));
  return declaration;
}

Result<ActionDeclaration> SchemaParser::ParseAction(Annotations annotations) {
  const Token first = tokens_.Next();
  ActionDeclaration action;
  action.annotations = std::move(annotations);
  do {
    REMIT_ASSIGN(DeclaredName name, ParseName("the name of the action"));
    action.names.push_back(std::move(name));
  } while (tokens_.Accept(","));
  if (tokens_.AcceptWord("in")) {
    const bool list = tokens_.Accept("[");
    do {
      REMIT_ASSIGN(ActionReference parent, ParseActionReference());
      action.parents.push_back(std::move(parent));
    } while (list && tokens_.Accept(","));
    if (list) REMIT_TRY(tokens_.Expect("]"));
  }
  if (tokens_.AcceptWord("appliesTo")) REMIT_TRY(ParseAppliesTo(action));
  if (tokens_.AcceptWord("attributes")) {  // old schemas have it; only ever empty
    REMIT_TRY(tokens_.Expect("{"));
    REMIT_TRY(tokens_.Expect("}"));
  }
  REMIT_TRY(tokens_.Expect(";"));
  action.span = tokens_.SpanFrom(first);
  return action;
}

Status SchemaParser::ParseAppliesTo(ActionDeclaration& action) {
  const Token open = tokens_.Peek();
  REMIT_TRY(tokens_.Expect("{"));
  std::set<std::string, std::less<>> seen;
  while (!tokens_.Accept("}")) {
    const Token key = tokens_.Peek();
    if (!key.IsWord("principal") && !key.IsWord("resource") && !key.IsWord("context")) {
      return tokens_.Unexpected("`principal`, `resource` or `context`");
    }
    tokens_.Next();
    if (!seen.emplace(key.text).second) return Duplicate(key, fmt::format("`{}` stands twice in `appliesTo`", key.text));
    REMIT_TRY(tokens_.Expect(":"));
    if (key.IsWord("context")) {
      if (tokens_.Peek().Is("{")) {
        REMIT_ASSIGN(action.context, ParseRecord());
      } else {
        REMIT_ASSIGN(DeclaredName name, ParsePath("a record or the name of a type"));
        TypeSyntax type;
        type.kind = TypeSyntax::Kind::kCommon;
        type.name = std::move(name.text);
        type.span = std::move(name.span);
        action.context = std::make_shared<const TypeSyntax>(std::move(type));
      }
    } else {
      REMIT_ASSIGN(auto types, ParsePathOrPaths());
      if (types.empty()) {
        auto failure = tokens_.FailAt(key, fmt::format("`{}` of action `{}` is an empty list", key.text, action.names.front().text),
                                      "leave out `appliesTo` for an action that applies to nothing, as a group does");
        failure.error().reason = "empty-applies-to";
        return failure;
      }
      (key.IsWord("principal") ? action.principals : action.resources) = std::move(types);
    }
    if (!tokens_.Accept(",") && !tokens_.Peek().Is("}")) return tokens_.Unexpected("`,` or `}`");
  }
  for (std::string_view key : {"principal", "resource"}) {
    if (!seen.contains(key)) return tokens_.FailAt(open, fmt::format("`appliesTo` of action `{}` has no `{}`", action.names.front().text, key));
  }
  return {};
}

Result<TypeSyntaxPtr> SchemaParser::ParseType() {
  const Token first = tokens_.Peek();
  if (first.Is("{")) return ParseRecord();
  TypeSyntax type;
  if (first.IsWord("Set") && tokens_.Peek(1).Is("<")) {
    tokens_.Next();
    tokens_.Next();
    if (++depth_ > limits::kCedarDepth) return tokens_.FailAt(first, "types are nested too deeply");
    type.kind = TypeSyntax::Kind::kSet;
    REMIT_ASSIGN(type.element, ParseType());
    --depth_;
    REMIT_TRY(tokens_.Expect(">"));
    type.span = tokens_.SpanFrom(first);
  } else {
    REMIT_ASSIGN(DeclaredName name, ParsePath("a type"));
    type.name = std::move(name.text);
    type.span = std::move(name.span);
  }
  return std::make_shared<const TypeSyntax>(std::move(type));
}

Result<TypeSyntaxPtr> SchemaParser::ParseRecord() {
  const Token first = tokens_.Peek();
  TypeSyntax type;
  type.kind = TypeSyntax::Kind::kRecord;
  REMIT_ASSIGN(type.attributes, ParseAttributes());
  type.span = tokens_.SpanFrom(first);
  return std::make_shared<const TypeSyntax>(std::move(type));
}

Result<std::vector<AttributeSyntax>> SchemaParser::ParseAttributes() {
  if (++depth_ > limits::kCedarDepth) return tokens_.FailAt(tokens_.Peek(), "types are nested too deeply");
  REMIT_TRY(tokens_.Expect("{"));
  std::vector<AttributeSyntax> attributes;
  std::map<std::string, std::size_t, std::less<>> places;  // of each name
  while (!tokens_.Accept("}")) {
    REMIT_ASSIGN(AttributeSyntax attribute, ParseAttribute());
    const auto [place, added] = places.try_emplace(attribute.name.text, attributes.size());
    if (added) {
      attributes.push_back(std::move(attribute));
    } else {
      attributes[place->second] = std::move(attribute);
    }
    if (!tokens_.Accept(",") && !tokens_.Peek().Is("}")) return tokens_.Unexpected("`,` or `}`");
  }
  --depth_;
  return attributes;
}

Result<AttributeSyntax> SchemaParser::ParseAttribute() {
  AttributeSyntax attribute;
  REMIT_ASSIGN(attribute.annotations, ParseAnnotations());
  REMIT_ASSIGN(attribute.name, ParseName("the name of an attribute or `}`"));
  attribute.required = !tokens_.Accept("?");
  REMIT_TRY(tokens_.Expect(":"));
  REMIT_ASSIGN(attribute.type, ParseType());
  return attribute;
}

// `__cedar` is an identifier here: what it may not be is the name of something that is declared.
Result<DeclaredName> SchemaParser::ParseIdentifier(std::string_view what) {
  const Token token = tokens_.Peek();
  if (token.kind != TokenKind::kIdentifier) return tokens_.Unexpected(what);
  if (IsReserved(token.text) && token.text != kBuiltInNamespace) {
    auto failure = tokens_.FailAt(token, fmt::format("`{}` is reserved and cannot be a name", token.text));
    failure.error().reason = "reserved-name";
    return failure;
  }
  tokens_.Next();
  return DeclaredName{std::string(token.text), tokens_.SpanOf(token)};
}

Result<DeclaredName> SchemaParser::ParseName(std::string_view what) {
  if (tokens_.Peek().kind != TokenKind::kString) return ParseIdentifier(what);
  const Token token = tokens_.Next();
  REMIT_ASSIGN(std::string text, tokens_.Unquote(token));
  return DeclaredName{std::move(text), tokens_.SpanOf(token)};
}

Result<DeclaredName> SchemaParser::ParsePath(std::string_view what) {
  const Token first = tokens_.Peek();
  REMIT_ASSIGN(DeclaredName path, ParseIdentifier(what));
  while (tokens_.Peek().Is("::") && tokens_.Peek(1).kind == TokenKind::kIdentifier) {
    tokens_.Next();
    REMIT_ASSIGN(DeclaredName next, ParseIdentifier("an identifier"));
    path.text += "::" + next.text;
  }
  path.span = tokens_.SpanFrom(first);
  return path;
}

Result<std::vector<DeclaredName>> SchemaParser::ParsePathOrPaths() {
  std::vector<DeclaredName> paths;
  const bool list = tokens_.Accept("[");
  if (list && tokens_.Accept("]")) return paths;
  do {
    REMIT_ASSIGN(DeclaredName path, ParsePath("an entity type"));
    paths.push_back(std::move(path));
  } while (list && tokens_.Accept(","));
  if (list) REMIT_TRY(tokens_.Expect("]"));
  return paths;
}

Result<ActionReference> SchemaParser::ParseActionReference() {
  const Token first = tokens_.Peek();
  ActionReference reference;
  if (first.kind == TokenKind::kString || !tokens_.Peek(1).Is("::")) {
    REMIT_ASSIGN(DeclaredName name, ParseName("the name of an action"));
    reference.id = std::move(name.text);
  } else {
    REMIT_ASSIGN(DeclaredName path, ParsePath("the name of an action"));
    REMIT_TRY(tokens_.Expect("::"));
    if (tokens_.Peek().kind != TokenKind::kString) return tokens_.Unexpected("the id of the action as a string");
    const Token id = tokens_.Next();
    REMIT_ASSIGN(reference.id, tokens_.Unquote(id));
    reference.type = std::move(path.text);
  }
  reference.span = tokens_.SpanFrom(first);
  return reference;
}

}  // namespace

Result<SchemaFragment> ParseSchemaFragment(std::string_view text, std::string_view file_name) {
  REMIT_ASSIGN(TokenStream tokens, TokenStream::Read(text, file_name));
  return SchemaParser(std::move(tokens)).Parse();
}

}  // namespace remit::cedar
