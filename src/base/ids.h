// Ids that people see: a prefix that says of what, then 26 letters of Crockford base32: 48 bits of milliseconds since 1970, then 80
// random bits. They sort by the time that they were made at, so that a store appends instead of scattering.
#pragma once

#include <string>
#include <string_view>

#include "base/rng.h"
#include "base/time.h"

namespace remit {

inline constexpr std::string_view kTaskPrefix = "tsk_";
inline constexpr std::string_view kCredentialPrefix = "crd_";
inline constexpr std::string_view kApprovalPrefix = "apv_";
inline constexpr std::string_view kSessionPrefix = "ses_";

// A new id, e.g. NewId(kTaskPrefix, now, rng) == "tsk_01kabc…".
std::string NewId(std::string_view prefix, Time now, Rng& rng);

// Whether `text` is `prefix` and 26 such letters. Never touches a store.
bool IsId(std::string_view text, std::string_view prefix);

}  // namespace remit
