#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <optional>

#include <fmt/format.h>

namespace remit::http {
namespace {

constexpr int kBacklog = 1024;  // connections that wait to be accepted; the kernel cuts it to net.core.somaxconn

union AnyAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_un local;
};

std::unexpected<Error> BadAddress(const std::string& address) {
  return Fail(Code::kInvalidArgument, "bad-address", fmt::format("`{}` is no address to listen on", address),
              "write `127.0.0.1:8470`, `[::1]:8470` or `unix:/path/to/socket`");
}

std::unexpected<Error> CannotListen(const std::string& address) {
  const int number = errno;
  if (number == EADDRINUSE)
    return Fail(Code::kUnavailable, "address-in-use", fmt::format("somebody else listens on `{}` already", address),
                "stop that one, or choose another address under [listen] in remit.toml");
  return Fail(Code::kUnavailable, "cannot-listen", fmt::format("cannot listen on `{}`: {}", address, std::strerror(number)));
}

// "127.0.0.1:8470" or "[::1]:8470". Names are not looked up: what is listened on should not depend on a DNS server.
std::optional<socklen_t> ParseTcp(std::string_view text, AnyAddress& out) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  if (const auto [at, error] = std::from_chars(text.data() + colon + 1, end, port); error != std::errc() || at != end) return std::nullopt;
  std::string host(text.substr(0, colon));
  out = {};
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    out.v6.sin6_family = AF_INET6;
    out.v6.sin6_port = htons(port);
    if (::inet_pton(AF_INET6, host.c_str(), &out.v6.sin6_addr) != 1) return std::nullopt;
    return static_cast<socklen_t>(sizeof out.v6);
  }
  out.v4.sin_family = AF_INET;
  out.v4.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &out.v4.sin_addr) != 1) return std::nullopt;
  return static_cast<socklen_t>(sizeof out.v4);
}

Result<ListeningSocket> ListenTcp(const std::string& address) {
  AnyAddress where;
  const auto size = ParseTcp(address, where);
  if (!size) return BadAddress(address);
  ListeningSocket socket;
  socket.fd = io::Fd(::socket(where.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (!socket.fd || ::setsockopt(socket.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return CannotListen(address);
  if (where.any.sa_family == AF_INET6) ::setsockopt(socket.fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(socket.fd.get(), &where.any, *size) != 0 || ::listen(socket.fd.get(), kBacklog) != 0) return CannotListen(address);
  socklen_t bound = sizeof where;
  if (::getsockname(socket.fd.get(), &where.any, &bound) != 0) return CannotListen(address);
  socket.port = ntohs(where.any.sa_family == AF_INET6 ? where.v6.sin6_port : where.v4.sin_port);
  socket.address = address.substr(0, address.rfind(':') + 1) + std::to_string(socket.port);
  return socket;
}

// Unlinks a socket on which nobody listens any more.
Status ClearStale(const std::string& address, const AnyAddress& where) {
  struct stat status{};
  if (::lstat(where.local.sun_path, &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) {
    return Fail(Code::kAlreadyExists, "address-in-use", fmt::format("`{}` is there already, and is no socket", where.local.sun_path));
  }
  const io::Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return CannotListen(address);
  if (::connect(probe.get(), &where.any, sizeof where.local) == 0 || errno == EAGAIN) {
    errno = EADDRINUSE;
    return CannotListen(address);
  }
  if (errno != ECONNREFUSED || ::unlink(where.local.sun_path) != 0) return CannotListen(address);
  return {};
}

Result<ListeningSocket> ListenUnix(const std::string& address, mode_t mode) {
  ListeningSocket socket;
  socket.address = address;
  const std::string path = address.substr(std::strlen("unix:"));
  AnyAddress where{};
  where.local.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof where.local.sun_path) return BadAddress(address);
  std::memcpy(where.local.sun_path, path.data(), path.size());
  REMIT_TRY(ClearStale(address, where));
  socket.fd = io::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.fd || ::bind(socket.fd.get(), &where.any, sizeof where.local) != 0) return CannotListen(address);
  socket.unix_path = path;
  // Before listen nobody can connect, so the mode is right from the first connection on.
  if (::chmod(path.c_str(), mode) != 0 || ::listen(socket.fd.get(), kBacklog) != 0) {
    auto failure = CannotListen(address);
    ::unlink(path.c_str());
    return failure;
  }
  return socket;
}

}  // namespace

Result<ListeningSocket> Listen(const std::string& address, mode_t unix_mode) {
  return address.starts_with("unix:") ? ListenUnix(address, unix_mode) : ListenTcp(address);
}

io::Fd Accept(int listening) {
  io::Fd fd(::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  const int number = errno;
  const int on = 1;
  if (fd) ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // without effect on a unix socket
  errno = number;
  return fd;
}

std::shared_ptr<const Peer> PeerOf(int fd, bool tls) {
  auto peer = std::make_shared<Peer>();
  peer->tls = tls;
  AnyAddress where{};
  socklen_t size = sizeof where;
  if (::getpeername(fd, &where.any, &size) != 0) return peer;
  char text[INET6_ADDRSTRLEN] = {};
  if (where.any.sa_family == AF_INET) {
    ::inet_ntop(AF_INET, &where.v4.sin_addr, text, sizeof text);
    peer->port = ntohs(where.v4.sin_port);
  } else if (where.any.sa_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &where.v6.sin6_addr, text, sizeof text);
    peer->port = ntohs(where.v6.sin6_port);
  } else if (where.any.sa_family == AF_UNIX) {
    peer->is_unix = true;
    ucred who{};
    socklen_t who_size = sizeof who;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_size) == 0) peer->uid = who.uid, peer->gid = who.gid, peer->pid = who.pid;
  }
  peer->address = text;
  return peer;
}

}  // namespace remit::http
