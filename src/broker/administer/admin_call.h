// What an operation of administration is asked with: by whom, for which verb, on what.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/administer/change.h"
#include "broker/broker.h"

namespace remit::broker {

// Whether what is asked for gives somebody something, or only takes away.
enum class AdminEffect { kGives, kTakesAway };

// Somebody wants to change the server itself.
struct AdminCall {
  Caller by;
  std::string verb;             // "catalog.load", …
  std::vector<std::string> on;  // ids of Remit::EntityType; empty: the server
  AdminEffect effect = AdminEffect::kGives;
  std::shared_ptr<const ChangeRequest> approved;  // what people said yes to, where this carries it out
};

// The id of the operator that is this very process (first catalogs, `remit init`, `remit dev`). Nobody from outside is called so.
inline constexpr std::string_view kInProcess = "local";

}  // namespace remit::broker
