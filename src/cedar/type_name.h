// Names of types, for those who get one apart from its id and cannot parse both together.
#pragma once

#include <string_view>

namespace remit::cedar {

// Whether `text` is identifiers joined by `::`, none of them reserved: what stands before the id in `Ns::Type::"id"`.
bool IsTypeName(std::string_view text);

}  // namespace remit::cedar
