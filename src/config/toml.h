// TOML as JSON, for files whose meaning another room knows (a catalog's tests).
#pragma once

#include <string_view>

#include "base/result.h"
#include "json/value.h"

namespace remit::config {

// Tables become objects, arrays arrays; dates and times become their text. Errors: `bad-config-syntax` with "place:line:column",
// `config-too-large` (limits::kConfigBytes), `bad-setting` for numbers that JSON does not have.
Result<json::Value> ParseToml(std::string_view text, std::string_view place);

}  // namespace remit::config
