// Standard Webhooks' symmetric signature (https://www.standardwebhooks.com, version 1): HMAC-SHA256 over "id.timestamp.body". Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace remit::notify {

// The keys of a secret file: one a line, `whsec_` and base64 of 24 to 64 bytes. Two lines while a key is changed: messages carry both signatures.
// Errors: `bad-webhook-secret`.
Result<std::vector<Secret>> ReadSigningSecrets(const Secret& file);

// The value of `webhook-signature`: "v1,<base64>", one for each key, with spaces between. `seconds` is that of `webhook-timestamp`.
std::string Sign(const std::vector<Secret>& keys, std::string_view id, std::int64_t seconds, std::string_view body);

}  // namespace remit::notify
