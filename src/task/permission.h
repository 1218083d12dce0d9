// What a task may do, as data: its policies with the parameters bound, partially evaluated over the unknown action and resource.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "cedar/value.h"
#include "json/value.h"

namespace remit::task {

// A `forbid` that Remit can lift, for a permission that it stands on.
struct Obligation {
  enum class Kind { kAfterUses, kUnlessApproved } kind = Kind::kAfterUses;
  std::uint32_t count = 1;
  std::string policy;     // id of the forbid
  std::string condition;  // residual as Cedar source; empty: always
  auto operator<=>(const Obligation&) const = default;
};

struct Permission {
  enum class Scope { kEqual, kIn, kIs };

  cedar::EntityUid action;
  Scope scope = Scope::kEqual;
  cedar::EntityUid resource;            // kEqual, kIn; for kIs only `type` is set
  std::string member_type;              // kIn: the type of the resources in it; empty: any
  std::vector<std::string> conditions;  // residuals that must hold, as Cedar source; empty: unconditional
  std::vector<Obligation> obligations;
  std::vector<std::string> policies;  // ids of the permits that it comes from

  // Whether a target can enforce it as it stands: no condition, no obligation.
  bool IsPlain() const { return conditions.empty() && obligations.empty(); }
  bool operator==(const Permission&) const = default;
};

struct PermissionSet {
  std::vector<Permission> permissions;  // sorted, without duplicates

  // Sorts, merges equal permissions, and drops those that another one gives with fewer demands.
  void Normalise();

  // An array of objects {"action": "Action::\"ticket.read\"", "resource" | "in" | "is": "…"}, and where there are any: "type" (of the
  // members of "in"), "when" (conditions), "obligations" [{"after_uses" | "unless_approved": n, "policy", "when"?}], "policies".
  json::Value ToJson() const;
  // Strict. Errors: `bad-permission-set`.
  static Result<PermissionSet> FromJson(const json::Value& document);
  Hash Digest() const;  // SHA-256 of the canonical JSON
  bool operator==(const PermissionSet&) const = default;
};

}  // namespace remit::task
