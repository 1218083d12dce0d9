// The two forms of a schema, text and JSON, translated into each other: declaration for declaration, with annotations, common types and
// names as they were written. Comments are lost. Whether names are declared is not asked here: see Schema::Parse and Schema::FromJson.
// Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"
#include "json/read.h"
#include "json/value.h"

namespace remit::cedar {

// The JSON form of one file in the human syntax. A name in it may stand for a common type or an entity type, and is written as
// {"type": "EntityOrCommon", "name": …}; that of a context is the name of a common type. Errors: `parse-error`, `duplicate-declaration`,
// `reserved-name`, `empty-applies-to`, `schema-too-large` (limits::kCedarSharedBytes), all with the place.
Result<json::Value> SchemaTextToJson(std::string_view text, std::string_view file_name);

// The same with every name looked up: {"type": "Entity", …} or the name of a common type, fully qualified. The file must be a whole schema.
// Errors: also those of Schema::Parse.
Result<json::Value> SchemaTextToResolvedJson(std::string_view text, std::string_view file_name);

// The human syntax of one JSON fragment. Errors, with the way to the member as the place: those of Schema::FromJson that concern the
// format; `not-supported` for what the human syntax cannot say: a shape that is not a record, a context that is neither a record nor a name,
// an entity type that a common type of the same name hides.
Result<std::string> SchemaJsonToText(const json::Value& document);

// For reading the text of such documents with json::Parse: types of limits::kCedarDepth, where a record takes two levels.
inline constexpr json::Limits kSchemaJsonLimits{.depth = 2 * limits::kCedarDepth + 16, .bytes = limits::kCedarFileBytes};

}  // namespace remit::cedar
