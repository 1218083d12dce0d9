// Bytes, and their written forms: hex, base64url without padding (RFC 4648 §5), standard base64, Crockford base32.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace remit {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using Hash = std::array<std::uint8_t, 32>;  // SHA-256

inline ByteView AsBytes(std::string_view s) { return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()}; }
inline std::string_view AsText(ByteView b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }
inline std::string ToText(ByteView b) { return std::string(AsText(b)); }
inline Bytes ToBytes(std::string_view s) { return Bytes(AsBytes(s).begin(), AsBytes(s).end()); }

std::string HexEncode(ByteView bytes);                 // lower case
Result<Bytes> HexDecode(std::string_view text);        // either case; errors: `bad-hex`
std::string Base64UrlEncode(ByteView bytes);           // no padding
Result<Bytes> Base64UrlDecode(std::string_view text);  // strict: no padding, no white space, no stray bits; errors: `bad-base64url`
std::string Base64Encode(ByteView bytes);              // RFC 4648 §4, padded
Result<Bytes> Base64Decode(std::string_view text);     // strict, padded; errors: `bad-base64`
std::string Base32Encode(ByteView bytes);              // Crockford's alphabet, lower case, most significant bit first

// Whether two byte strings are equal, in time that depends on their lengths only.
bool ConstantTimeEquals(ByteView a, ByteView b);

}  // namespace remit
