// One keep-alive HTTP/1.1 connection of a load driver: as little work as it can be, since the driver shares the cores with the server
// that it measures. Understands what Remit answers (Content-Length) and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace remit::bench {

struct Request {
  std::string_view method, path;
  std::string_view bearer;
  std::string_view type = "application/json";
  std::string_view body;
};

struct Response {
  int status = 0;
  std::string_view body;  // valid until the next Send
};

class Connection {
 public:
  // `host` is an IPv4 address. Ends the program where the server cannot be reached: there is nothing to measure then.
  Connection(const std::string& host, std::uint16_t port);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }
  void Send(const Request& request);
  // Reads what has come; true when the response is complete.
  bool Receive(Response& response);

 private:
  int fd_;
  std::string host_, out_, in_;
  std::size_t head_ = 0, need_ = 0;  // of the response: bytes of its head, and of all of it; 0 while unknown
};

}  // namespace remit::bench
