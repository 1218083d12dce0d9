#include "http/server.h"

#include <errno.h>
#include <unistd.h>

#include <condition_variable>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "base/log.h"
#include "http/connection.h"
#include "http/listen.h"

namespace remit::http {
namespace {

constexpr int kAcceptsAtOnce = 64;                             // then the connections that are there get their turn
constexpr auto kAcceptPause = std::chrono::milliseconds(100);  // when the process has no descriptors left

}  // namespace

struct Server::Impl {
  // Takes connections from one listening socket and deals them out to the io threads. Lives on the first of these.
  struct Acceptor : std::enable_shared_from_this<Acceptor> {
    Acceptor(Impl& owner, ListeningSocket listening, std::optional<crypto::TlsServerContext> context)
        : impl(owner),
          socket(std::move(listening)),
          tls(std::move(context)),
          descriptor(impl.threads[0]->loop.context(), socket.fd.get()),
          pause(impl.threads[0]->loop.context()) {}

    ~Acceptor() { descriptor.release(); }  // the Fd closes it

    void Wait() {
      descriptor.async_wait(asio::posix::descriptor_base::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
        if (!error && !self->closed) self->AcceptSome();
      });
    }

    void AcceptSome() {
      for (int i = 0; i < kAcceptsAtOnce; ++i) {
        io::Fd fd = Accept(socket.fd.get());
        if (!fd && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) return Pause();
        if (!fd && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (fd) impl.Deal(std::move(fd), *this);
      }
      Wait();
    }

    void Pause() {
      log::Warn("cannot accept connections on `{}`: no file descriptors left", socket.address);
      pause.expires_after(kAcceptPause);
      pause.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        if (!error && !self->closed) self->Wait();
      });
    }

    void Close() {
      closed = true;
      boost::system::error_code ignored;
      descriptor.cancel(ignored);
      pause.cancel();
      if (!socket.unix_path.empty()) ::unlink(socket.unix_path.c_str());
      descriptor.release();
      socket.fd.Close();
    }

    Impl& impl;
    ListeningSocket socket;
    std::optional<crypto::TlsServerContext> tls;
    asio::posix::stream_descriptor descriptor;
    asio::steady_timer pause;
    bool closed = false;
  };

  void Deal(io::Fd fd, const Acceptor& acceptor) {
    if (state->connections >= state->options.max_connections) return;  // closes it
    const bool tls = acceptor.tls.has_value();
    const auto& thread = threads[next_thread++ % threads.size()];
    const int family = acceptor.socket.unix_path.empty() ? (acceptor.socket.address.starts_with('[') ? AF_INET6 : AF_INET) : AF_UNIX;
    auto peer = PeerOf(fd.get(), tls);
    const auto connection =
        std::make_shared<Connection>(thread, std::move(fd), family, std::move(peer), tls ? acceptor.tls->NewReference() : nullptr);
    if (thread->loop.InLoop()) return connection->Start();
    thread->Post([connection] { connection->Start(); });
  }

  // Runs `work` on every io thread and waits until all have run it.
  void OnAllThreads(const std::function<void(IoThread&)>& work) {
    std::mutex mutex;
    std::condition_variable done;
    std::size_t left = threads.size();
    for (const auto& thread : threads) {
      thread->Post([&, thread] {
        work(*thread);
        const std::lock_guard lock(mutex);
        --left;
        done.notify_all();
      });
    }
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return left == 0; });
  }

  std::shared_ptr<ServerState> state = std::make_shared<ServerState>();
  std::vector<std::shared_ptr<IoThread>> threads;
  std::vector<std::shared_ptr<Acceptor>> acceptors;
  std::vector<std::string> addresses;
  std::vector<std::uint16_t> ports;
  std::size_t next_thread = 0;
  bool running = false;
};

Server::Server(ServerOptions options, Router router) : impl_(std::make_unique<Impl>()) {
  REMIT_CHECK(options.threads > 0 && !options.listeners.empty());
  impl_->state->options = std::move(options);
  impl_->state->router = std::move(router);
}

Server::~Server() { Stop(); }

Status Server::Start() {
  REMIT_CHECK(impl_->threads.empty());
  std::vector<ListeningSocket> sockets;
  for (const Listener& listener : impl_->state->options.listeners) {
    auto socket = Listen(listener.address, listener.unix_mode);
    if (!socket) {
      for (const ListeningSocket& bound : sockets) {
        if (!bound.unix_path.empty()) ::unlink(bound.unix_path.c_str());
      }
      return Fail(std::move(socket).error());
    }
    sockets.push_back(std::move(*socket));
  }
  for (int i = 0; i < impl_->state->options.threads; ++i) impl_->threads.push_back(std::make_shared<IoThread>(impl_->state));
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    impl_->addresses.push_back(sockets[i].address);
    impl_->ports.push_back(sockets[i].port);
    impl_->acceptors.push_back(std::make_shared<Impl::Acceptor>(*impl_, std::move(sockets[i]), impl_->state->options.listeners[i].tls));
    impl_->acceptors.back()->Wait();
  }
  for (const auto& thread : impl_->threads) thread->Start();
  impl_->running = true;
  return {};
}

void Server::Stop(Duration grace) {
  if (!std::exchange(impl_->running, false)) return;
  const auto deadline = SteadyClock::now() + grace;
  IoThread* const first = impl_->threads.front().get();
  impl_->OnAllThreads([&](IoThread& thread) {
    if (&thread == first) {
      for (const auto& acceptor : impl_->acceptors) acceptor->Close();
    }
    thread.DrainAll();
  });
  // Looked at, not waited for: connections end on their threads, and this is the only place that cares.
  while (impl_->state->connections > 0 && SteadyClock::now() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  impl_->OnAllThreads([](IoThread& thread) { thread.CloseAll(); });
  for (const auto& thread : impl_->threads) thread->loop.Stop();
  for (const auto& thread : impl_->threads) thread->Join();
  impl_->acceptors.clear();
}

std::vector<std::string> Server::addresses() const { return impl_->addresses; }
std::uint16_t Server::port(std::size_t listener) const { return impl_->ports.at(listener); }
std::size_t Server::connections() const { return impl_->state->connections; }

}  // namespace remit::http
