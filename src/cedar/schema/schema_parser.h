// The human syntax of schemas: text to declarations whose names are not looked up yet.
#pragma once

#include <string_view>

#include "cedar/schema/declarations.h"

namespace remit::cedar {

// Parses one file. The declarations outside of namespaces come first, as one NamespaceDeclaration without a name (also where there are
// none). An attribute that a record declares twice has the last of its types. Depth of types: limits::kCedarDepth. Errors: `parse-error`;
// `duplicate-declaration` for what the grammar itself forbids to repeat (annotations, keys of `appliesTo`, a namespace in the same file);
// `reserved-name`; `empty-applies-to`.
Result<SchemaFragment> ParseSchemaFragment(std::string_view text, std::string_view file_name);

}  // namespace remit::cedar
