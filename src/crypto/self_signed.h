// Self-signed certificates, for a first set-up and for tests.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "crypto/key.h"

namespace remit::crypto {

// A PEM certificate of `key`, signed by itself, for these DNS names and IP addresses (at least one). Valid from `from` to `until`.
// Errors: `bad-name` for a name that cannot stand in a certificate.
Result<std::string> SelfSignedCertificate(const SigningKey& key, const std::vector<std::string>& names, Time from, Time until);

}  // namespace remit::crypto
