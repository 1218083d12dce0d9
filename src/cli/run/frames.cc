#include "cli/run/frames.h"

#include <errno.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>

#include <fmt/format.h>

namespace remit::cli {
namespace {

struct Head {
  std::uint32_t size;
  char kind;
};

std::unexpected<Error> Gone() {
  return Fail(Code::kInternal, "guard-gone", fmt::format("the process that watches the command does not answer: {}", std::strerror(errno)));
}

Status SendAll(int socket, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t sent = ::send(socket, data, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return Gone();
    data += sent, size -= static_cast<std::size_t>(sent);
  }
  return {};
}

// False: the other end closed before the first byte.
Result<bool> ReceiveAll(int socket, char* data, std::size_t size) {
  for (std::size_t have = 0; have < size;) {
    const ssize_t got = ::recv(socket, data + have, size - have, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0 && have == 0) return false;
    if (got == 0) errno = ECONNRESET;
    if (got <= 0) return Gone();
    have += static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace

Status SendFrame(int socket, char kind, std::string_view body) {
  const Head head{.size = static_cast<std::uint32_t>(body.size()), .kind = kind};
  char bytes[sizeof head] = {};
  std::memcpy(bytes, &head.size, sizeof head.size);
  bytes[sizeof head.size] = kind;
  REMIT_TRY(SendAll(socket, bytes, sizeof bytes));
  return SendAll(socket, body.data(), body.size());
}

Result<std::optional<Frame>> ReceiveFrame(int socket) {
  char bytes[sizeof(Head)];
  REMIT_ASSIGN(const bool there, ReceiveAll(socket, bytes, sizeof bytes));
  if (!there) return std::nullopt;
  std::uint32_t size = 0;
  std::memcpy(&size, bytes, sizeof size);
  Frame frame{.kind = bytes[sizeof size], .body = std::string(size, '\0')};
  if (size > 0) {
    REMIT_ASSIGN(const bool whole, ReceiveAll(socket, frame.body.data(), size));
    if (!whole) return std::nullopt;
  }
  return frame;
}

std::string PackStrings(const std::vector<std::string>& strings) {
  std::string body;
  for (const std::string& one : strings) {
    body += one;
    body += '\0';
  }
  return body;
}

std::vector<std::string> UnpackStrings(std::string_view body) {
  std::vector<std::string> strings;
  for (std::size_t end; (end = body.find('\0')) != std::string_view::npos; body.remove_prefix(end + 1)) strings.emplace_back(body.substr(0, end));
  return strings;
}

}  // namespace remit::cli
