// Which names the fragments of a schema declare together, and what a name that is used somewhere stands for.
// Rules: docs.cedarpolicy.com "Type name disambiguation"; RFC 24 (syntax), RFC 52 (reserved names), RFC 70 (shadowing).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "cedar/schema/declarations.h"

namespace remit::cedar {

// `name` in `name_space`, which is "" for none.
std::string Qualify(std::string_view name_space, std::string_view name);

class DeclaredNames {
 public:
  enum class Use { kEntity, kCommon, kEither };  // what the name must stand for

  struct Found {
    enum class Kind { kEntity, kCommon, kBuiltIn } kind = Kind::kEntity;
    std::string name;  // kEntity, kCommon: fully qualified; kBuiltIn: Bool, Long, String, decimal, ipaddr, datetime or duration
  };

  // Notes what a fragment declares, so that declarations can be used before the line that they stand on. Errors:
  // `duplicate-declaration`, `reserved-name`, `schema-too-large`.
  Status Add(const NamespaceDeclaration& space);
  // Counts what is written once and held `times` times more: the halves of a text that lists names and says what each of them has, or that
  // names a namespace and what is in it, multiply. Errors: `schema-too-large` beyond limits::kCedarSharedBytes in all.
  Status Share(std::size_t bytes, std::size_t times, const Span& at);
  // Whether a namespace declares again what the empty one has; ask once all are added. Errors: `shadowed-declaration`.
  Status CheckShadowing(const NamespaceDeclaration& space) const;

  // What `name` stands for inside the namespace `space`. A name without `::` is looked up there, then outside of namespaces, then among
  // the built-in types; a common type goes before an entity type of the same name. Errors: `unknown-type`.
  Result<Found> FindType(const std::string& space, const std::string& name, Use use, const Span& at) const;
  // An entity type that is declared, thus not that of actions. Errors: `unknown-type`.
  Result<std::string> FindEntityType(const std::string& space, const DeclaredName& name) const;
  // Errors: `unknown-action`.
  Result<EntityUid> FindAction(const std::string& space, const ActionReference& reference) const;

 private:
  std::string Suggest(const std::string& space, const std::string& name) const;

  std::set<std::string, std::less<>> entities_, commons_, action_types_;
  std::set<EntityUid> actions_;
  std::size_t shared_bytes_ = 0;
};

}  // namespace remit::cedar
