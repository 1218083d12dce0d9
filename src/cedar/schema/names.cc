// Candidates in the order of their priority, the first that is declared.
#include "cedar/schema/names.h"

#include <array>
#include <vector>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"

namespace remit::cedar {
namespace {

constexpr std::string_view kBuiltInPrefix = "__cedar::";
constexpr std::array<std::string_view, 7> kBuiltIn = {"Bool", "Long", "String", "decimal", "ipaddr", "datetime", "duration"};

bool IsBuiltIn(std::string_view name) {
  for (std::string_view known : kBuiltIn) {
    if (name == known) return true;
  }
  return false;
}

std::unexpected<Error> FailAt(const Span& span, std::string_view reason, std::string message, std::string hint = {}) {
  return std::unexpected(Error(Code::kInvalidArgument, reason, std::move(message)).At(span.ToString()).Hint(std::move(hint)));
}

std::vector<std::string> Candidates(const std::string& space, const std::string& name) {
  if (space.empty() || name.contains("::")) return {name};
  return {Qualify(space, name), name};
}

std::string DidYouMean(const std::string& near) { return near.empty() ? "" : fmt::format("did you mean `{}`?", near); }

}  // namespace

std::string Qualify(std::string_view name_space, std::string_view name) {
  return name_space.empty() ? std::string(name) : fmt::format("{}::{}", name_space, name);
}

Status DeclaredNames::Share(std::size_t bytes, std::size_t times, const Span& at) {
  if (times == 0) return {};
  if (bytes > (limits::kCedarSharedBytes - shared_bytes_) / times) {
    return FailAt(at, "schema-too-large",
                  fmt::format("what several names share takes more than {} MiB when each of them has its own", limits::kCedarSharedBytes >> 20),
                  "let one attribute have a common type, which is held once, in place of many attributes");
  }
  shared_bytes_ += bytes * times;
  return {};
}

Status DeclaredNames::Add(const NamespaceDeclaration& space) {
  if (space.name.size() > limits::kCedarNamespaceBytes) {
    return FailAt(space.span, "schema-too-large", fmt::format("name of a namespace has more than {} bytes", limits::kCedarNamespaceBytes));
  }
  for (const EntityDeclaration& entity : space.entities) REMIT_TRY(Share(space.name.size(), entity.names.size(), entity.span));
  for (const ActionDeclaration& action : space.actions) REMIT_TRY(Share(space.name.size(), action.names.size(), action.span));
  REMIT_TRY(Share(space.name.size(), space.types.size(), space.span));
  const auto note = [](auto& names, auto name, const Span& span, std::string_view what, const std::string& shown) -> Status {
    if (names.insert(std::move(name)).second) return {};
    return FailAt(span, "duplicate-declaration", fmt::format("{} `{}` is declared twice", what, shown));
  };
  for (const EntityDeclaration& entity : space.entities) {
    for (const DeclaredName& name : entity.names) {
      const std::string qualified = Qualify(space.name, name.text);
      REMIT_TRY(note(entities_, qualified, name.span, "entity type", qualified));
    }
  }
  for (const CommonTypeDeclaration& type : space.types) {
    const std::string qualified = Qualify(space.name, type.name.text);
    REMIT_TRY(note(commons_, qualified, type.name.span, "type", qualified));
  }
  for (const ActionDeclaration& action : space.actions) {
    for (const DeclaredName& name : action.names) {
      const EntityUid uid{Qualify(space.name, "Action"), name.text};
      REMIT_TRY(note(actions_, uid, name.span, "action", uid.ToString()));
      action_types_.insert(uid.type);
    }
  }
  return {};
}

Status DeclaredNames::CheckShadowing(const NamespaceDeclaration& space) const {
  if (space.name.empty()) return {};
  const auto check_type = [&](const DeclaredName& name) -> Status {
    if (!entities_.contains(name.text) && !commons_.contains(name.text)) return {};
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
      if (!actions_.contains(outer)) continue;
      return FailAt(name.span, "shadowed-declaration",
                    fmt::format("`{}` hides `{}`", EntityUid{Qualify(space.name, "Action"), name.text}.ToString(), outer.ToString()));
    }
  }
  return {};
}

Result<DeclaredNames::Found> DeclaredNames::FindType(const std::string& space, const std::string& name, Use use, const Span& at) const {
  const bool may_be_common = use != Use::kEntity, may_be_entity = use != Use::kCommon;
  if (may_be_common && name.starts_with(kBuiltInPrefix) && IsBuiltIn(name.substr(kBuiltInPrefix.size()))) {
    return Found{Found::Kind::kBuiltIn, name.substr(kBuiltInPrefix.size())};
  }
  for (std::string& candidate : Candidates(space, name)) {
    if (may_be_common && commons_.contains(candidate)) return Found{Found::Kind::kCommon, std::move(candidate)};
    const bool entity = entities_.contains(candidate) || action_types_.contains(candidate);
    if (may_be_entity && entity) return Found{Found::Kind::kEntity, std::move(candidate)};
  }
  // An entity type outside of all namespaces takes the short name of a built-in type away, also where no entity type is asked for.
  if (may_be_common && IsBuiltIn(name) && !entities_.contains(name)) return Found{Found::Kind::kBuiltIn, name};
  const std::string_view what = use == Use::kEntity ? "entity type" : use == Use::kCommon ? "common type" : "type";
  return FailAt(at, "unknown-type", fmt::format("unknown {} `{}`", what, name), Suggest(space, name));
}

Result<std::string> DeclaredNames::FindEntityType(const std::string& space, const DeclaredName& name) const {
  REMIT_ASSIGN(Found found, FindType(space, name.text, Use::kEntity, name.span));
  if (entities_.contains(found.name)) return std::move(found.name);
  return FailAt(name.span, "unknown-type", fmt::format("`{}` is the type of actions, which cannot stand here", found.name));
}

Result<EntityUid> DeclaredNames::FindAction(const std::string& space, const ActionReference& reference) const {
  const std::vector<std::string> types = Candidates(space, reference.type.empty() ? "Action" : reference.type);
  for (const std::string& type : types) {
    EntityUid uid{type, reference.id};
    if (actions_.contains(uid)) return uid;
  }
  std::vector<std::string> ids;
  for (const EntityUid& uid : actions_) ids.push_back(uid.id);
  return FailAt(reference.span, "unknown-action", fmt::format("unknown action `{}`", EntityUid{types.front(), reference.id}.ToString()),
                DidYouMean(Nearest(reference.id, ids)));
}

std::string DeclaredNames::Suggest(const std::string& space, const std::string& name) const {
  std::vector<std::string> known;
  const std::string prefix = space.empty() ? "" : space + "::";
  const auto add = [&](const std::string& declared) { known.push_back(declared.starts_with(prefix) ? declared.substr(prefix.size()) : declared); };
  for (const std::string& declared : entities_) add(declared);
  for (const std::string& declared : commons_) add(declared);
  known.insert(known.end(), kBuiltIn.begin(), kBuiltIn.end());
  return DidYouMean(Nearest(name, known));
}

}  // namespace remit::cedar
