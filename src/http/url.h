// What a URL that somebody wrote down must be before it is called. Pure.
#pragma once

#include <string_view>

namespace remit::http {

// Whether it is made of what a URL may be made of (RFC 3986 §2), but for what marks a user or a fragment: `@` and `#`.
bool IsPlainUrl(std::string_view url);

// Whether a URL's host, in brackets where it is an IPv6 address, is this machine by its words alone: what is sent there in the clear crosses no
// network. Nothing is resolved. `127.` is followed by digits and dots alone: 127.0.0.1.example.com is somebody else's.
bool IsLoopbackHost(std::string_view host);

}  // namespace remit::http
