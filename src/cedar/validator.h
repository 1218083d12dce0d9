// Validation: a policy that passes cannot fail at run time by a type error, whatever entities and requests conform to the schema.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "cedar/ast.h"
#include "cedar/schema.h"

namespace remit::cedar {

// Strict: the two sides of `==`, the members of a set, the branches of `if` … have one type, and extension values are made of literals.
// Permissive: only what can fail when it is evaluated is an error.
enum class ValidationMode { kStrict, kPermissive };

// Errors of one validation that are told: each policy has its own again for each combination of types.
inline constexpr std::size_t kMostFindings = 1000;

struct ValidationOptions {
  ValidationMode mode = ValidationMode::kStrict;
  // How many steps from one entity to the next a policy may take (RFC 76): 1 allows `principal.manager`, 2 `principal.manager.name`.
  // `in`, `has`, `hasTag` and `getTag` are steps too. Steps may begin at `principal`, `action`, `resource` and `context` only. None: any.
  std::optional<unsigned> level;
};

// All findings, errors first, in source order; templates too, for every entity type that a slot can be filled with. Warnings:
// `impossible-policy` (true for no request environment), `odd-identifier` and `odd-string` (UTS 39: bidirectional control characters,
// mixed scripts, characters that no identifier should have). Thread-safe. Errors beyond kMostFindings become one,
// `too-many-findings`, and then not all policies, nor all request environments, have been looked at. Long names and types are shown in part.
std::vector<Diagnostic> Validate(const Schema& schema, const std::vector<PolicyPtr>& policies, ValidationOptions options = {});

}  // namespace remit::cedar
