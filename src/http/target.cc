#include "http/target.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"

namespace remit::http {
namespace {

bool IsAlphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// RFC 3986 §3.3 pchar and "/", and for queries "?". Brackets and the like must be encoded.
bool MayStandPlain(char c) { return IsAlphanumeric(c) || std::string_view("-._~!$&'()*+,;=:@/%?").find(c) != std::string_view::npos; }

// Decoded text that two programs would take for the same: no control characters (NUL among them), UTF-8 alone.
bool IsClean(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }) && IsUtf8(text);
}

std::unexpected<Error> BadTarget(std::string_view why) {
  return Fail(Code::kInvalidArgument, "bad-target", fmt::format("bad request target: {}", why));
}

Result<std::string> Segment(std::string_view raw) {
  std::optional<std::string> decoded = PercentDecode(raw);
  if (!decoded) return BadTarget("a broken percent escape");
  if (decoded->empty()) return BadTarget("an empty path segment");
  if (*decoded == "." || *decoded == "..") return BadTarget("a path segment `.` or `..`");
  if (!IsClean(*decoded)) return BadTarget("a control character or bytes that are not UTF-8");
  return *std::move(decoded);
}

Result<std::vector<std::string>> Segments(std::string_view path) {
  std::vector<std::string> segments;
  segments.reserve(4);
  path.remove_prefix(1);
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    if (segments.size() == limits::kHttpPathSegments) return BadTarget(fmt::format("more than {} path segments", limits::kHttpPathSegments));
    REMIT_ASSIGN(std::string segment, Segment(path.substr(0, slash)));
    segments.push_back(std::move(segment));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
    if (path.empty()) return BadTarget("an empty path segment at the end");
  }
  return segments;
}

Result<std::string> FormText(std::string_view raw) {
  std::string spaced(raw);
  std::ranges::replace(spaced, '+', ' ');
  const std::optional<std::string> decoded = PercentDecode(spaced);
  if (decoded && IsUtf8(*decoded) && decoded->find('\0') == std::string::npos) return *decoded;
  return Fail(Code::kInvalidArgument, "bad-parameter", fmt::format("parameter `{}` is not well encoded", EscapeControl(raw.substr(0, 100))));
}

}  // namespace

std::optional<std::string> PercentDecode(std::string_view text) {
  if (text.find('%') == std::string_view::npos) return std::string(text);
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexDigit(text[i + 1]), low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

std::string PercentEncode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (IsAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return encoded;
}

Result<std::vector<Parameter>> ParseForm(std::string_view text) {
  std::vector<Parameter> parameters;
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    const std::size_t equals = pair.find('=');
    REMIT_ASSIGN(std::string name, FormText(pair.substr(0, equals)));
    REMIT_ASSIGN(std::string value, FormText(equals == std::string_view::npos ? "" : pair.substr(equals + 1)));
    if (name.empty()) return Fail(Code::kInvalidArgument, "bad-parameter", "a parameter without a name");
    if (std::ranges::any_of(parameters, [&](const Parameter& p) { return p.name == name; })) {
      return Fail(Code::kInvalidArgument, "duplicate-parameter", fmt::format("parameter `{}` is given twice", EscapeControl(name)));
    }
    if (parameters.size() == limits::kHttpParameterCount) {
      return Fail(Code::kInvalidArgument, "too-many-parameters", fmt::format("more than {} parameters", limits::kHttpParameterCount));
    }
    parameters.push_back({std::move(name), std::move(value)});
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
    if (text.empty()) return Fail(Code::kInvalidArgument, "bad-parameter", "a parameter without a name");
  }
  return parameters;
}

Result<Target> ParseTarget(std::string_view target) {
  if (target.empty() || target.front() != '/') return BadTarget("only a path is accepted, no URL, authority or `*`");
  if (target.starts_with("//")) return BadTarget("an empty path segment");
  if (!std::ranges::all_of(target, MayStandPlain)) return BadTarget("a character that must be percent-encoded");
  const std::size_t question = target.find('?');
  Target parsed;
  REMIT_ASSIGN(parsed.segments, Segments(target.substr(0, question)));
  if (question != std::string_view::npos) {
    REMIT_ASSIGN(parsed.query, ParseForm(target.substr(question + 1)));
  }
  return parsed;
}

}  // namespace remit::http
