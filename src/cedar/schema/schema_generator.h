// Random schemas that are well-formed by construction, for tests only: every name is declared, nothing hides anything, no cycle is
// forbidden. The same generator of random numbers gives the same schema on every machine.
//
//   std::mt19937_64 random(seed);
//   const SchemaFragment fragment = SchemaGenerator(random).Fragment();
//   const Schema schema = Schema::Parse({{"random", ToText(fragment)}}).value();
#pragma once

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "cedar/schema/declarations.h"

namespace remit::cedar {

class SchemaGenerator {
 public:
  explicit SchemaGenerator(std::mt19937_64& random) : random_(random) {}

  // One to three namespaces, one of them maybe the empty one, each with at least one entity type and one action that applies to something.
  SchemaFragment Fragment() {
    constexpr std::array<std::string_view, 4> kNamespaces = {"", "Org", "Org::Unit", "Lab"};
    SchemaFragment fragment;
    for (std::string_view name : kNamespaces) {
      if (!Chance(50) && !(fragment.empty() && name == "Lab")) continue;
      NamespaceDeclaration space;
      space.name = name;
      if (!name.empty()) space.annotations = SomeAnnotations();
      fragment.push_back(std::move(space));
    }
    for (NamespaceDeclaration& space : fragment) DeclareNames(space);
    for (NamespaceDeclaration& space : fragment) Define(fragment, space);
    return fragment;
  }

  std::size_t Below(std::size_t bound) { return random_() % bound; }
  bool Chance(unsigned percent) { return Below(100) < percent; }

 private:
  static constexpr std::array<std::string_view, 8> kAttributes = {"name", "age", "owner", "two words", "", "in", "type", "\u00e9\"\n"};

  template <class Container>
  auto Pick(const Container& from) {
    return from[Below(from.size())];
  }

  // Names differ between namespaces by their end, so that none hides another.
  std::string Own(std::string_view name, const NamespaceDeclaration& space) {
    return std::string(name) + (space.name.empty() ? "" : "_" + space.name.substr(space.name.size() - 3));
  }

  Annotations SomeAnnotations() {
    constexpr std::array<std::string_view, 4> kNames = {"doc", "in", "__cedar", "unit"};
    constexpr std::array<std::string_view, 3> kValues = {"", "plain", "with \"quotes\" and\na line"};
    Annotations annotations;
    while (Chance(20)) annotations[std::string(Pick(kNames))].value = Pick(kValues);
    return annotations;
  }

  void DeclareNames(NamespaceDeclaration& space) {
    constexpr std::array<std::string_view, 5> kEntities = {"User", "Group", "Doc", "Set", "decimal"};
    constexpr std::array<std::string_view, 3> kTypes = {"Address", "ipaddr", "tags"};
    constexpr std::array<std::string_view, 4> kActions = {"read", "write", "all of it", "__cedar"};
    for (std::string_view name : kEntities) {
      if (!Chance(50) && !space.entities.empty()) continue;
      EntityDeclaration entity;
      entity.names.push_back({Own(name, space), {}});
      space.entities.push_back(std::move(entity));
    }
    for (std::string_view name : kTypes) {
      if (Chance(40)) space.types.push_back({{Own(name, space), {}}, nullptr, SomeAnnotations()});
    }
    for (std::string_view name : kActions) {
      if (!Chance(50) && !space.actions.empty()) continue;
      ActionDeclaration action;
      action.names.push_back({Own(name, space), {}});
      space.actions.push_back(std::move(action));
    }
  }

  void Define(const SchemaFragment& fragment, NamespaceDeclaration& space) {
    for (std::size_t i = 0; i < space.types.size(); ++i) space.types[i].type = SomeType(fragment, space, 2, i);
    for (EntityDeclaration& entity : space.entities) {
      entity.annotations = SomeAnnotations();
      if (Chance(15)) {
        entity.enumeration = {"red", "dark \"blue\""};
        continue;
      }
      while (Chance(35)) entity.parents.push_back(SomeEntityName(fragment, space));
      if (Chance(80)) entity.shape = SomeRecord(fragment, space, 2, space.types.size());
      if (Chance(25)) entity.tags = SomeType(fragment, space, 1, space.types.size());
    }
    for (std::size_t i = 0; i < space.actions.size(); ++i) {
      ActionDeclaration& action = space.actions[i];
      action.annotations = SomeAnnotations();
      if (i > 0 && Chance(40)) action.parents.push_back({"", space.actions[Below(i)].names.front().text, {}});
      if (Chance(20) && i > 0) continue;
      do action.principals.push_back(SomeEntityName(fragment, space));
      while (Chance(30));
      do action.resources.push_back(SomeEntityName(fragment, space));
      while (Chance(30));
      if (Chance(70)) action.context = SomeRecord(fragment, space, 2, space.types.size());
    }
  }

  // By its full name where the namespace does not have it.
  DeclaredName SomeEntityName(const SchemaFragment& fragment, const NamespaceDeclaration& space) {
    const NamespaceDeclaration& from = Chance(60) ? space : fragment[Below(fragment.size())];
    const std::string& name = from.entities[Below(from.entities.size())].names.front().text;
    const bool is_short = from.name.empty() || (from.name == space.name && Chance(70));
    return {is_short ? name : from.name + "::" + name, {}};
  }

  // Common types refer to those before them only: `types` of the namespace may be used.
  TypeSyntaxPtr SomeType(const SchemaFragment& fragment, const NamespaceDeclaration& space, std::size_t depth, std::size_t types) {
    constexpr std::array<std::string_view, 9> kBuiltIn = {"Bool",     "Long",          "String",          "__cedar::decimal", "__cedar::ipaddr",
                                                          "datetime", "__cedar::Long", "__cedar::String", "duration"};
    if (depth > 0 && Chance(20)) return SomeRecord(fragment, space, depth - 1, types);
    auto type = std::make_shared<TypeSyntax>();
    if (depth > 0 && Chance(20)) {
      type->kind = TypeSyntax::Kind::kSet;
      type->element = SomeType(fragment, space, depth - 1, types);
    } else if (types > 0 && Chance(25)) {
      type->name = space.types[Below(types)].name.text;
    } else {
      type->name = Chance(50) ? SomeEntityName(fragment, space).text : std::string(Pick(kBuiltIn));
    }
    return type;
  }

  TypeSyntaxPtr SomeRecord(const SchemaFragment& fragment, const NamespaceDeclaration& space, std::size_t depth, std::size_t types) {
    auto record = std::make_shared<TypeSyntax>();
    record->kind = TypeSyntax::Kind::kRecord;
    for (std::string_view name : kAttributes) {
      if (!Chance(30)) continue;
      AttributeSyntax attribute;
      attribute.name.text = name;
      attribute.required = Chance(60);
      attribute.type = SomeType(fragment, space, depth, types);
      attribute.annotations = SomeAnnotations();
      record->attributes.push_back(std::move(attribute));
    }
    return record;
  }

  std::mt19937_64& random_;
};

}  // namespace remit::cedar
