// Signals of `remit run`: which are passed to the command, and how they come as something to poll instead of as interruptions.
#pragma once

#include <signal.h>

#include <optional>
#include <string>

#include "io/files.h"

namespace remit::cli {

// What `remit run` does not take for itself: SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH.
sigset_t PassedSignals();

// Whether the signal asks a program to end; before the command runs, it ends `remit run`.
bool AsksToEnd(int signal);

// "SIGTERM"; "signal 77" where it has no name.
std::string SignalName(int signal);

// While it lives, the passed signals are blocked in this thread and those that it starts, and can be read here.
class SignalInbox {
 public:
  SignalInbox();
  ~SignalInbox();
  SignalInbox(const SignalInbox&) = delete;
  SignalInbox& operator=(const SignalInbox&) = delete;

  int fd() const { return fd_.get(); }
  std::optional<int> Next();  // does not block

 private:
  io::Fd fd_;
  sigset_t before_;
};

}  // namespace remit::cli
