// Child processes: started with exactly the arguments, environment and files that the caller names, and waited for by pidfd. Blocking and
// poll-friendly; no event loop needed.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/files.h"

namespace remit::io {

struct ChildOptions {
  std::vector<std::string> argv{};         // argv[0] is looked up in the PATH of `env`, as execvp does; must not be empty
  std::vector<std::string> env{};          // "NAME=value"; the child's whole environment
  std::string directory{};                 // "": the parent's
  int in = -1, out = -1, err = -1;         // what becomes the child's 0, 1, 2; -1: the parent's own
  std::vector<std::pair<int, int>> fds{};  // further files: (parent's number, child's number ≥ 3). All others are closed in the child
  bool own_group = true;                   // the child leads a process group of its own, so that SignalGroup reaches what it starts
  bool foreground = false;         // with own_group: give it the parent's terminal, if the parent is in its foreground, until Wait has seen the end
  int parent_death_signal = 0;     // sent to the child when the parent's *thread* that spawned it ends (PR_SET_PDEATHSIG); 0: none
  bool no_new_privileges = false;  // set-uid programs get no rights (PR_SET_NO_NEW_PRIVS), and nobody types into a terminal (TIOCSTI)
  int cgroup = -1;                 // an open cgroup v2 folder that the child is born into (clone3 is not used: it writes itself in)
  std::optional<uid_t> uid{};      // runs as this user; needs the right to. Supplementary groups are dropped
  std::optional<gid_t> gid{};
};

// How a process ended.
struct Exit {
  bool signaled = false;
  int value = 0;  // exit code, or the signal that ended it

  // The code that a shell gives: the exit code, or 128 + signal.
  int ShellCode() const { return signaled ? 128 + value : value; }
};

// One child. Destroying the object leaves the process alone (and unreaped).
class Child {
 public:
  // Starts the program. Returns after exec has succeeded. Signal handlers and the signal mask are the default ones in the child.
  // Errors: `command-not-found`, `command-not-executable`, `spawn-failed`.
  static Result<Child> Spawn(const ChildOptions& options);

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }  // readable (poll) when the process has ended

  // Waits until the child has ended, at most `timeout`; nullopt: still running, or (with a timeout) a signal came. The first call that sees the end
  // reaps it; later calls give the same answer. Errors: `wait-failed`.
  Result<std::optional<Exit>> Wait(std::optional<Duration> timeout = std::nullopt);

  // Sends a signal, to the process or to its whole group. Reaches nobody else even if the pid was used again (pidfd; the group is
  // signalled only while its leader is not reaped). False: it is gone.
  bool Signal(int signal) const;
  bool SignalGroup(int signal) const;

 private:
  void TakeTerminalBack();

  pid_t pid_ = -1;
  Fd pidfd_;
  Fd terminal_;  // the controlling terminal, while it is the child's
  bool own_group_ = false;
  std::optional<Exit> exit_;
};

}  // namespace remit::io
