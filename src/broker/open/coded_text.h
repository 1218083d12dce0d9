// A small text that nobody can make or change who has not the master key: its last line is `code` and an HMAC, in hex, of all before it. It can be
// read by anybody, deleted, and put back as it once was.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "crypto/master_key.h"

namespace remit::broker {

// `body` ends with its line's end. `purpose`: what the key is derived for, another one for each form, so that no text passes as one of another form.
std::string WithCode(std::string body, std::string_view purpose, const crypto::MasterKey& master);

// What stands before the code. Nothing where it has none, or one that another key or purpose made.
std::optional<std::string_view> WithoutCode(std::string_view text, std::string_view purpose, const crypto::MasterKey& master);

}  // namespace remit::broker
