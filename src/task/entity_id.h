// What may be the id of an entity that comes from outside: one written form for each id, and no id that looks like another.
#pragma once

#include <string_view>

#include "base/result.h"
#include "cedar/value.h"

namespace remit::task {

// Whether the text is certainly in Unicode normalization form C (UAX #15, quick check; a "maybe" counts as no, so that a few rare
// sequences of combining marks that would be NFC are refused too).
bool IsNfc(std::string_view utf8);

// UTF-8, NFC, at most limits::kEntityIdBytes, without control, bidirectional or invisible characters; for Secret::Path and
// Secret::Folder a path (secret_path.h). Errors: `bad-entity-id`.
Status CheckEntityId(const cedar::EntityUid& uid);

}  // namespace remit::task
