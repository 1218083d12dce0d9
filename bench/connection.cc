#include "connection.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace remit::bench {
namespace {

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "error: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

}  // namespace

Connection::Connection(const std::string& host, std::uint16_t port) : host_(host + ":" + std::to_string(port)) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1 || connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    Die("cannot reach the server");
  int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Connection::~Connection() { close(fd_); }

void Connection::Send(const Request& request) {
  out_.clear();
  out_.append(request.method).append(" ").append(request.path).append(" HTTP/1.1\r\nHost: ").append(host_);
  if (!request.bearer.empty()) out_.append("\r\nAuthorization: Bearer ").append(request.bearer);
  out_.append("\r\nContent-Type: ").append(request.type).append("\r\nContent-Length: ").append(std::to_string(request.body.size()));
  out_.append("\r\n\r\n").append(request.body);
  in_.clear();
  head_ = need_ = 0;
  std::string_view rest = out_;
  while (!rest.empty()) {
    ssize_t sent = send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0) Die("the server closed the connection");
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool Connection::Receive(Response& response) {
  char chunk[16384];
  ssize_t got = recv(fd_, chunk, sizeof chunk, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (got <= 0) Die("the server closed the connection");
  in_.append(chunk, static_cast<std::size_t>(got));
  if (head_ == 0) {
    std::size_t end = in_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    head_ = end + 4;
    need_ = head_;
    static constexpr std::string_view kLength = "\r\nContent-Length: ";
    std::size_t length = in_.find(kLength);
    if (length < end) {
      std::size_t bytes = 0;
      std::from_chars(in_.data() + length + kLength.size(), in_.data() + end, bytes);
      need_ += bytes;
    }
  }
  if (in_.size() < need_) return false;
  std::from_chars(in_.data() + 9, in_.data() + 12, response.status);
  response.body = std::string_view(in_).substr(head_, need_ - head_);
  return true;
}

}  // namespace remit::bench
