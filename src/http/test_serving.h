// A server and raw peers of it, for tests: whole conversations over real sockets. Waiting is always for an event, with a deadline.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "http/server.h"
#include "io/files.h"

namespace remit::http {

using namespace std::chrono_literals;

// One connection of a client that says exactly what the test says.
class Raw {
 public:
  // `receive_bytes`: how much the kernel keeps for it; 0: as much as it likes.
  explicit Raw(std::uint16_t port, int receive_bytes = 0) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_bytes > 0) ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    sockaddr_in where{};
    where.sin_family = AF_INET, where.sin_port = htons(port), where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
  }
  explicit Raw(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    path.copy(where.sun_path, sizeof where.sun_path - 1);
    connected_ = ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) == 0;
  }

  bool connected() const { return connected_; }
  void Say(std::string_view text) { ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL); }
  void Shutdown() { ::shutdown(fd_.get(), SHUT_WR); }
  void Hangup() { fd_.Close(); }

  // Reads on until `text` has come; "" waits for the end of the connection. What came behind `text` stays for the next call.
  std::string Until(std::string_view text) {
    for (;;) {
      if (const std::size_t at = text.empty() ? std::string::npos : buffer_.find(text); at != std::string::npos) {
        std::string found = buffer_.substr(0, at + text.size());
        buffer_.erase(0, at + text.size());
        return found;
      }
      if (const std::string_view why = ReadMore(); !why.empty())
        return text.empty() && why == "[closed]" ? std::exchange(buffer_, "") : fmt::format("{} {}", buffer_, why);
    }
  }

  // One response whose body has a length: head and body.
  std::string Response() {
    std::string head = Until("\r\n\r\n");
    const std::size_t at = head.find("Content-Length: ");
    const std::size_t left = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    while (buffer_.size() < left && ReadMore().empty()) {}
    head += buffer_.substr(0, left);
    buffer_.erase(0, left);
    return head;
  }

  std::string Ask(std::string_view text) { return Say(text), Response(); }

 private:
  // Waits for the next bytes; why none came, where none did.
  std::string_view ReadMore() {
    pollfd watched{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&watched, 1, 20'000) <= 0) return "[nothing more came]";
    char chunk[65536];
    const ssize_t got = ::recv(fd_.get(), chunk, sizeof chunk, 0);
    if (got <= 0) return "[closed]";
    buffer_.append(chunk, static_cast<std::size_t>(got));
    return "";
  }

  io::Fd fd_;
  bool connected_ = true;
  std::string buffer_;
};

// Values from handlers on io threads, for the test's thread to wait for.
template <class T>
class Mailbox {
 public:
  void Put(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    came_.notify_all();
  }
  T Take() {
    std::unique_lock lock(mutex_);
    if (!came_.wait_for(lock, 20s, [&] { return !values_.empty(); })) throw std::runtime_error("nothing came");
    T value = std::move(values_.front());
    values_.pop_front();
    return value;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<T> values_;
};

// A server with a few routes, on a free port and on a socket in a folder of its own.
class Serving : public testing::Test {
 protected:
  Serving() {
    log::Configure(log::Level::kOff, false);
    char name[] = "/tmp/remit_http_XXXXXX";
    folder = ::mkdtemp(name);
    options.listeners = {{.address = "127.0.0.1:0"}, {.address = "unix:" + folder + "/s", .unix_mode = 0600}};
    options.hosts = {"127.0.0.1"};
    router.Add("GET", "/hello", [](const Request&, Respond respond) { respond(Text(200, "hi")); });
    router.Add("POST", "/echo", [](const Request& request, Respond respond) { respond(Text(200, request.body)); }, {.body_bytes = 1000});
    router.Add("GET", "/who", [](const Request& request, Respond respond) {
      respond(Text(200, fmt::format("{} {} {} {}", request.peer->is_unix, request.peer->uid, request.peer->pid, request.peer->address)));
    });
    router.Add("GET", "/held", [this](const Request& request, Respond respond) {
      request.OnClose([this] { closed.Put(1); });
      held.Put(std::move(respond));
    });
    router.Add("GET", "/stream", [this](const Request& request, Respond respond) {
      request.OnClose([this] { closed.Put(1); });
      respond(Stream("text/event-stream", [this](std::shared_ptr<StreamWriter> writer) { streams.Put(std::move(writer)); }));
    });
  }
  ~Serving() override {
    server.reset();
    std::filesystem::remove_all(folder);
  }
  void Start() {
    server = std::make_unique<Server>(options, std::move(router));
    const Status started = server->Start();
    ASSERT_TRUE(started) << started.error().message;
  }
  Raw Connect() const { return Raw(server->port()); }
  std::string Local() const { return folder + "/s"; }
  static std::string Get(std::string_view path, std::string_view more = "") {
    return fmt::format("GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\n{}\r\n", path, more);
  }
  static std::string Post(std::string_view body, std::string_view more = "Content-Type: application/json\r\n") {
    return fmt::format("POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n{}\r\n{}", body.size(), more, body);
  }
  // What a request that must end the connection is answered with.
  std::string Refused(std::string_view bytes) {
    Raw raw = Connect();
    raw.Say(bytes);
    return raw.Until("");
  }

  ServerOptions options;
  Router router;
  std::string folder;
  Mailbox<Respond> held;
  Mailbox<std::shared_ptr<StreamWriter>> streams;
  Mailbox<int> closed;
  std::unique_ptr<Server> server;
};

}  // namespace remit::http
