#include "cli/run/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cstring>

#include <fmt/format.h>

#include "base/result.h"

namespace remit::cli {

sigset_t PassedSignals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH}) ::sigaddset(&set, signal);
  return set;
}

bool AsksToEnd(int signal) { return signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT; }

std::string SignalName(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

SignalInbox::SignalInbox() {
  const sigset_t set = PassedSignals();
  ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  fd_ = io::Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  REMIT_CHECK(static_cast<bool>(fd_));
}

SignalInbox::~SignalInbox() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

std::optional<int> SignalInbox::Next() {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace remit::cli
