// The command and everything that it starts, as `remit run` sees it: launched, signalled, and gone when this object says so. What is
// guaranteed, and by which means, stands in guard.h.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "io/cgroup.h"
#include "io/child.h"
#include "io/files.h"

namespace remit::cli {

class Supervisor {
 public:
  // kBest: a cgroup where there may be one, else a process-id namespace where this user may make one, else a subreaper.
  // kNamespace: that or nothing, with a user namespace where it needs one.
  enum class Means { kBest, kNamespace, kSubreaper };

  // The command gets a user of its own where this one may give it one (root), and namespaces of its own in any case: it sees its own processes
  // alone, and of `hidden` (absolute paths) nothing.
  struct Isolation {
    std::vector<std::string> hidden{};
    std::vector<std::string> hidden_from_same_user{};  // also, where it keeps this user
  };

  struct Started {
    pid_t pid = 0;
  };
  struct Refused {
    Error error;  // `command-not-found`, `command-not-executable`, `spawn-failed`
  };
  struct Ended {
    io::Exit exit;                // of the command
    std::size_t left_behind = 0;  // processes of it that were still there, and were killed
    bool guard_killed = false;    // somebody killed the guard; the command's own exit is not known
    std::string not_killed{};     // what cannot be killed (stuck in the kernel), or ""
  };
  using Event = std::variant<Started, Refused, Ended>;

  // Forks the guard. Before any other thread is started and any secret is read. This process becomes a subreaper and must have no other
  // children. Errors: `subreaper-failed`, `spawn-failed`; `cannot-isolate` where the machine does not let it.
  static Result<std::unique_ptr<Supervisor>> Create(Means means = Means::kBest, const std::optional<Isolation>& isolation = std::nullopt);

  // Kills everything that is left.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  std::string_view containment() const { return cgroup_ ? "cgroup" : namespaces_ ? "pid namespace" : "subreaper"; }
  const std::optional<uid_t>& own_user() const { return own_user_; }  // of the command, where it is not this process's
  pid_t guard() const { return guard_; }
  int fd() const { return socket_.get(); }  // readable: Next has something

  // Once. The terminal, if this process is in its foreground, is the command's until it has ended. Errors: `guard-gone`.
  Status Launch(const std::vector<std::string>& argv, const std::vector<std::string>& env);

  // What happened. Blocks until something has. After Refused or Ended there is nothing more, and no descendant lives.
  Event Next();

  // To the command's process group.
  void Signal(int signal);

  // To every process of the command's, each once.
  void SignalAll(int signal);

  // SIGKILL to everything, the guard included, at once.
  Ended Kill();

 private:
  Supervisor() = default;
  bool Fork(bool namespaces, const std::optional<Isolation>& isolation);
  std::string Settle();
  Ended Lost();

  std::optional<io::Cgroup> cgroup_;
  io::Fd socket_;
  io::Fd terminal_;  // while it is not this process's
  pid_t guard_ = -1;
  bool namespaces_ = false;
  std::optional<uid_t> own_user_;
};

}  // namespace remit::cli
