// PostgreSQL 15 documentation, 55.2.1 (start-up) and 55.7 (message formats). Each read has the attempt's deadline, each length a limit.
#include "pg/wire_login.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/rng.h"
#include "pg/scram_client.h"

namespace remit::pg {
namespace {

using Steady = std::chrono::steady_clock;
constexpr std::size_t kMessageBytes = 64u << 10;  // messages before ReadyForQuery are small
constexpr int kMessages = 200;                    // a server sends about 20 parameters

std::string Int32(std::size_t n) { return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8), static_cast<char>(n)}; }
std::uint32_t ReadInt32(std::string_view bytes) {
  std::uint32_t n = 0;
  for (int i = 0; i < 4; ++i) n = n << 8 | static_cast<std::uint8_t>(bytes[static_cast<std::size_t>(i)]);
  return n;
}

class Wire {
 public:
  explicit Wire(Steady::time_point deadline) : deadline_(deadline) {}
  ~Wire() { Close(); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // The first address that answers.
  Status Open(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    if (const int failed = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list); failed != 0)
      return NoAnswer(fmt::format("`{}` has no address: {}", host, gai_strerror(failed)));
    Status status = NoAnswer(fmt::format("`{}` has no address", host));
    for (const addrinfo* a = list; a != nullptr && !status; a = a->ai_next) status = OpenOne(*a);
    freeaddrinfo(list);
    return status;
  }

  Status Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(n));
      } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        REMIT_TRY(Wait(POLLOUT));
      } else {
        return NoAnswer(fmt::format("cannot send: {}", std::strerror(errno)));
      }
    }
    return {};
  }
  Status SendMessage(char type, std::string_view payload) { return Send(type + Int32(payload.size() + 4) + std::string(payload)); }

  Result<WireMessage> Receive() {
    REMIT_TRY(Fill(5));
    const std::uint32_t length = ReadInt32(std::string_view(buffer_).substr(1));
    if (length < 4 || length > kMessageBytes) return NoAnswer("the server does not speak PostgreSQL's protocol");
    REMIT_TRY(Fill(1 + length));
    WireMessage message{buffer_[0], buffer_.substr(5, length - 4)};
    buffer_.erase(0, 1 + length);
    return message;
  }

  static std::unexpected<Error> NoAnswer(std::string message) { return Fail(ServerError("", std::move(message))); }

 private:
  Status OpenOne(const addrinfo& a) {
    Close();
    fd_ = socket(a.ai_family, a.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a.ai_protocol);
    if (fd_ < 0) return NoAnswer(std::strerror(errno));
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd_, a.ai_addr, a.ai_addrlen) == 0) return {};
    if (errno != EINPROGRESS) return NoAnswer(fmt::format("cannot connect: {}", std::strerror(errno)));
    REMIT_TRY(Wait(POLLOUT));
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return NoAnswer(fmt::format("cannot connect: {}", std::strerror(error)));
    return {};
  }

  Status Wait(short what) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Steady::now()).count();
    pollfd fd{fd_, what, 0};
    if (left <= 0 || poll(&fd, 1, static_cast<int>(left)) == 0) return NoAnswer("no answer in time");
    return {};
  }

  // Reads until the buffer holds `count` bytes.
  Status Fill(std::size_t count) {
    while (buffer_.size() < count) {
      char chunk[4096];
      const ssize_t n = recv(fd_, chunk, sizeof chunk, 0);
      if (n > 0) {
        buffer_.append(chunk, static_cast<std::size_t>(n));
      } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        REMIT_TRY(Wait(POLLIN));
      } else {
        return NoAnswer(n == 0 ? std::string("the server closed the connection") : fmt::format("cannot receive: {}", std::strerror(errno)));
      }
    }
    return {};
  }

  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

  const Steady::time_point deadline_;
  int fd_ = -1;
  std::string buffer_;
};

std::string StartupPacket(const ConnectOptions& o) {
  std::string body = Int32(196608);  // 3.0
  const auto add = [&](std::string_view key, std::string_view value) { body.append(key).append(1, '\0').append(value).append(1, '\0'); };
  add("user", o.user);
  add("database", o.database);
  add("application_name", o.application_name);
  add("client_encoding", "UTF8");
  body += '\0';
  return Int32(body.size() + 4) + body;
}

// AuthenticationSASL lists the mechanisms, each ended by NUL.
bool OffersScram(std::string_view list) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find('\0'), list.size());
    if (list.substr(0, end) == "SCRAM-SHA-256") return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

std::string Nonce() {
  SystemRng rng;
  return Base64UrlEncode(rng.Take(24));
}

// The whole conversation.
Result<LoginAttempt> Converse(Wire& wire, const ConnectOptions& o) {
  REMIT_TRY(wire.Open(o.host, o.port));
  REMIT_TRY(wire.Send(StartupPacket(o)));
  ScramClient scram(o.password, Nonce(), o.keys);
  bool proven = false, ok = false;
  for (int i = 0; i < kMessages; ++i) {
    REMIT_ASSIGN(const WireMessage message, wire.Receive());
    const std::string_view payload = message.payload;
    if (message.type == 'E') return ParseErrorResponse(payload);
    if (message.type == 'Z' && ok) {
      (void)wire.SendMessage('X', "");
      return LoginAttempt{true, proven, "", ""};
    }
    if (message.type != 'R') continue;  // parameters, the key for cancelling, notices
    if (payload.size() < 4) break;
    const std::string_view data = payload.substr(4);
    switch (ReadInt32(payload)) {
      case 0: ok = true; break;
      case 10: {
        if (!OffersScram(data)) return Wire::NoAnswer("the server does not offer SCRAM-SHA-256");
        const std::string first = scram.First();
        REMIT_TRY(wire.SendMessage('p', std::string("SCRAM-SHA-256") + '\0' + Int32(first.size()) + first));
        break;
      }
      case 11: {
        REMIT_ASSIGN(const std::string final, scram.Final(data));
        REMIT_TRY(wire.SendMessage('p', final));
        break;
      }
      case 12:
        if (!scram.Verify(data)) return Wire::NoAnswer("the server did not prove that it knows the verifier");
        proven = true;
        break;
      default: return Wire::NoAnswer("the server asks for the password by another method than SCRAM-SHA-256");
    }
  }
  return Wire::NoAnswer("the server does not speak PostgreSQL's protocol");
}

}  // namespace

LoginAttempt ParseErrorResponse(std::string_view payload) {
  LoginAttempt attempt;
  while (!payload.empty() && payload[0] != '\0') {
    const char field = payload[0];
    payload.remove_prefix(1);
    const std::size_t end = std::min(payload.find('\0'), payload.size());
    if (field == 'C') attempt.sqlstate = payload.substr(0, end);
    if (field == 'M') attempt.message = payload.substr(0, end);
    payload.remove_prefix(std::min(end + 1, payload.size()));
  }
  if (attempt.sqlstate.size() != 5) attempt.sqlstate.clear();
  return attempt;
}

LoginAttempt WireLogin(const ConnectOptions& options) {
  Wire wire(Steady::now() + options.connect_limit);
  auto attempt = Converse(wire, options);
  if (attempt) return std::move(*attempt);
  return {false, false, "", attempt.error().message};
}

}  // namespace remit::pg
