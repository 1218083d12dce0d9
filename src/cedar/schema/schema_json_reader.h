// The JSON form of schemas: a document to declarations whose names are not looked up yet.
#pragma once

#include <string_view>

#include "cedar/schema/declarations.h"
#include "json/value.h"

namespace remit::cedar {

// Reads one fragment: an object with a member for each namespace, `""` for what stands outside of any. Spans have the way to the member
// (behind `place`, where that is not empty) in place of a file. Errors: `not-an-object`, `missing-field`, `bad-field`, `unknown-field`,
// `reserved-name`, `not-supported` (attributes of actions), `type-too-large` beyond limits::kCedarDepth.
Result<SchemaFragment> ReadSchemaFragment(const json::Value& document, std::string_view place);

}  // namespace remit::cedar
