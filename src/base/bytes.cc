#include "base/bytes.h"

namespace remit {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kCrockford = "0123456789abcdefghjkmnpqrstvwxyz";

// Reads `bytes` as one bit string and writes a letter for each `width` bits of it, most significant first.
std::string EncodeBits(ByteView bytes, std::string_view alphabet, unsigned width) {
  std::string text;
  text.reserve((bytes.size() * 8 + width - 1) / width);
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (std::uint8_t byte : bytes) {
    buffer = buffer << 8 | byte;
    bits += 8;
    while (bits >= width) {
      bits -= width;
      text += alphabet[buffer >> bits & ((1u << width) - 1)];
    }
    buffer &= (1u << bits) - 1;
  }
  if (bits > 0) text += alphabet[buffer << (width - bits) & ((1u << width) - 1)];
  return text;
}

// What each letter of an alphabet stands for; -1: not one of it.
using LetterValues = std::array<std::int8_t, 256>;
constexpr LetterValues ValuesOf(std::string_view alphabet) {
  LetterValues values{};
  values.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i) values[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::int8_t>(i);
  return values;
}
constexpr LetterValues kUrlValues = ValuesOf(kUrl);
constexpr LetterValues kStandardValues = ValuesOf(kStandard);

// The inverse for base64; false for a foreign letter, an impossible length or stray bits in the last letter.
bool DecodeBase64(std::string_view text, const LetterValues& values, Bytes& out) {
  if (text.size() % 4 == 1) return false;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (char c : text) {
    std::int8_t value = values[static_cast<std::uint8_t>(c)];
    if (value < 0) return false;
    buffer = buffer << 6 | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<std::uint8_t>(buffer >> bits));
      buffer &= (1u << bits) - 1;
    }
  }
  return buffer == 0;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string HexEncode(ByteView bytes) { return EncodeBits(bytes, kHex, 4); }

Result<Bytes> HexDecode(std::string_view text) {
  Bytes out;
  if (text.size() % 2 != 0) return Fail(Code::kInvalidArgument, "bad-hex", "odd number of hex digits");
  for (std::size_t i = 0; i < text.size(); i += 2) {
    int high = HexValue(text[i]), low = HexValue(text[i + 1]);
    if (high < 0 || low < 0) return Fail(Code::kInvalidArgument, "bad-hex", "not a hex digit");
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return out;
}

std::string Base64UrlEncode(ByteView bytes) { return EncodeBits(bytes, kUrl, 6); }

Result<Bytes> Base64UrlDecode(std::string_view text) {
  Bytes out;
  if (!DecodeBase64(text, kUrlValues, out)) return Fail(Code::kInvalidArgument, "bad-base64url", "not base64url without padding");
  return out;
}

std::string Base64Encode(ByteView bytes) {
  std::string text = EncodeBits(bytes, kStandard, 6);
  while (text.size() % 4 != 0) text += '=';
  return text;
}

Result<Bytes> Base64Decode(std::string_view text) {
  auto bad = [] { return Fail(Code::kInvalidArgument, "bad-base64", "not base64"); };
  if (text.size() % 4 != 0) return bad();
  for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) text.remove_suffix(1);
  Bytes out;
  if (!DecodeBase64(text, kStandardValues, out)) return bad();
  return out;
}

std::string Base32Encode(ByteView bytes) { return EncodeBits(bytes, kCrockford, 5); }

bool ConstantTimeEquals(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  volatile std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

}  // namespace remit
