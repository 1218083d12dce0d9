#include "http/url.h"

#include <algorithm>

namespace remit::http {

bool IsPlainUrl(std::string_view url) {
  return std::ranges::all_of(url,
                             [](char c) { return c > ' ' && c < '\x7f' && std::string_view("#\"<>\\^`{|}@").find(c) == std::string_view::npos; });
}

bool IsLoopbackHost(std::string_view host) {
  return host == "localhost" || host == "[::1]" ||
         (host.starts_with("127.") && std::ranges::all_of(host, [](char c) { return c == '.' || (c >= '0' && c <= '9'); }));
}

}  // namespace remit::http
