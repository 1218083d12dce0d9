#include "http/framing.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/text.h"

namespace remit::http {
namespace {

Refusal Refuse(int status, std::string_view reason, std::string message) {
  return {status, Error(Code::kInvalidArgument, reason, std::move(message))};
}

// Headers whose second instance one reader would take and another ignore.
constexpr std::string_view kOnce[] = {"host",          "content-length", "transfer-encoding", "content-type", "content-encoding", "expect",
                                      "authorization", "origin"};

std::optional<std::uint64_t> Digits(std::string_view text) {
  std::uint64_t value = 0;
  if (text.empty() || text.size() > 18 || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool HasToken(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (EqualsIgnoringCase(Trim(list.substr(0, comma)), token)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

std::optional<std::string_view> Find(const std::vector<Header>& headers, std::string_view name) {
  for (const Header& header : headers) {
    if (EqualsIgnoringCase(header.name, name)) return header.value;
  }
  return std::nullopt;
}

std::optional<Refusal> CheckOnce(const std::vector<Header>& headers) {
  bool seen[std::size(kOnce)] = {};
  for (const Header& header : headers) {
    for (std::size_t i = 0; i < std::size(kOnce); ++i) {
      if (EqualsIgnoringCase(header.name, kOnce[i]) && std::exchange(seen[i], true)) {
        return Refuse(400, "duplicate-header", fmt::format("header `{}` is given twice", kOnce[i]));
      }
    }
  }
  return std::nullopt;
}

// The type without parameters; of those, only charset=utf-8 may stand there.
bool IsContentType(std::string_view value, std::string_view type) {
  const std::size_t semicolon = value.find(';');
  if (!EqualsIgnoringCase(Trim(value.substr(0, semicolon)), type)) return false;
  if (semicolon == std::string_view::npos) return true;
  const std::string_view parameter = Trim(value.substr(semicolon + 1));
  return EqualsIgnoringCase(parameter, "charset=utf-8") || EqualsIgnoringCase(parameter, "charset=\"utf-8\"");
}

}  // namespace

std::expected<Framing, Refusal> CheckFraming(const std::vector<Header>& headers, int version) {
  if (auto refusal = CheckOnce(headers)) return std::unexpected(std::move(*refusal));
  if (version == 11 && !Find(headers, "host")) return std::unexpected(Refuse(400, "missing-host", "a request without Host"));
  Framing framing;
  const auto encoding = Find(headers, "transfer-encoding");
  const auto length = Find(headers, "content-length");
  if (encoding) {
    if (version != 11) return std::unexpected(Refuse(400, "bad-framing", "Transfer-Encoding in an HTTP/1.0 request"));
    if (length) return std::unexpected(Refuse(400, "bad-framing", "both Transfer-Encoding and Content-Length"));
    if (!EqualsIgnoringCase(*encoding, "chunked")) return std::unexpected(Refuse(400, "bad-framing", "a Transfer-Encoding other than `chunked`"));
    framing.chunked = true;
  } else if (length) {
    const auto digits = Digits(*length);
    if (!digits) return std::unexpected(Refuse(400, "bad-framing", "a Content-Length that is not a plain number"));
    framing.length = *digits;
  }
  if (const auto coding = Find(headers, "content-encoding"); coding && !EqualsIgnoringCase(*coding, "identity")) {
    return std::unexpected(Refuse(415, "content-encoding", "an encoded body (Content-Encoding), which is not supported"));
  }
  if (const auto expect = Find(headers, "expect")) {
    if (!EqualsIgnoringCase(*expect, "100-continue")) return std::unexpected(Refuse(417, "bad-expectation", "an Expect other than `100-continue`"));
    framing.expects_continue = version == 11;
  }
  framing.http10 = version == 10;
  framing.keep_alive = version == 11;
  for (const Header& header : headers) {
    if (!EqualsIgnoringCase(header.name, "connection")) continue;
    if (version == 10 && HasToken(header.value, "keep-alive")) framing.keep_alive = true;
    if (HasToken(header.value, "close")) return framing.keep_alive = false, framing;
  }
  return framing;
}

std::optional<Refusal> CheckHost(const Request& request, const std::vector<std::string>& hosts) {
  const auto host = request.Find("host");
  if (!host) return Refuse(400, "missing-host", "a request without Host");
  // The name alone: what stands before ":port", an IPv6 address with its brackets.
  const std::size_t bracket = host->rfind(']');
  const std::size_t colon = host->find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view name = host->substr(0, colon);
  for (const std::string& allowed : hosts) {
    if (EqualsIgnoringCase(*host, allowed)) return std::nullopt;
    if (EqualsIgnoringCase(name, allowed) && colon != std::string_view::npos && Digits(host->substr(colon + 1))) return std::nullopt;
  }
  return Refuse(421, "wrong-host", fmt::format("this server does not answer to `{}`", EscapeControl(host->substr(0, 260))));
}

std::optional<Refusal> CheckOrigin(const Request& request, const std::vector<std::string>& origins) {
  const auto origin = request.Find("origin");
  if (!origin || std::ranges::find(origins, *origin) != origins.end()) return std::nullopt;
  Refusal refusal{403, Error(Code::kPermissionDenied, "wrong-origin", "pages of this origin may not call this server")};
  return refusal;
}

std::optional<Refusal> CheckBody(const Request& request, const Framing& framing, const Router::Route& route) {
  if (!framing.has_body()) return std::nullopt;
  if (route.body == BodyKind::kNone) return Refuse(400, "unexpected-body", fmt::format("a body, which {} here has none of", request.method));
  if (framing.length > route.body_bytes) return Refuse(413, "body-too-large", fmt::format("a body of more than {} bytes", route.body_bytes));
  if (route.body == BodyKind::kAny) return std::nullopt;
  const std::string_view wanted = route.body == BodyKind::kJson ? "application/json" : "application/x-www-form-urlencoded";
  if (IsContentType(request.Find("content-type").value_or(""), wanted)) return std::nullopt;
  return Refuse(415, "wrong-content-type", fmt::format("only a body of type `{}` is taken here", wanted));
}

}  // namespace remit::http
