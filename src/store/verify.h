// Checks the ledger of an open store from scratch, while it serves.
#pragma once

#include <optional>

#include "ledger/audit.h"
#include "store/store.h"

namespace remit::store {

// Reads every event that is committed when this is called, recomputes the tree, and compares it with the store's tiles and head, and with
// `against` (an older checkpoint) where given. Findings are in the report; errors are those of the reads.
Result<ledger::AuditReport> VerifyStore(Store& store, std::optional<TreeHead> against = std::nullopt);

}  // namespace remit::store
