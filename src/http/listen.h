// Listening sockets, and who connected: plain system calls, no event loop.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "http/message.h"
#include "io/files.h"

namespace remit::http {

struct ListeningSocket {
  io::Fd fd;
  std::string address;  // as in Listener, with the real port
  std::uint16_t port = 0;
  std::string unix_path;  // to be unlinked at the end; "": TCP
};

// Binds and listens. A unix socket that a dead server left is replaced; one on which somebody listens, or a file of another kind, is not.
// Errors: `bad-address`, `address-in-use`, `cannot-listen`.
Result<ListeningSocket> Listen(const std::string& address, mode_t unix_mode);

// Takes one connection, non-blocking. An empty Fd, with errno, when there is none.
io::Fd Accept(int listening);

// Who is at the other end of a connected socket.
std::shared_ptr<const Peer> PeerOf(int fd, bool tls);

}  // namespace remit::http
