// The process between `remit run` and the command. `remit run` may be killed with SIGKILL at any moment; somebody must then be there who
// kills what the command has started. What is guaranteed:
//
//   remit run ── guard ── command ── what it starts …
//
// - Both `remit run` and the guard are subreapers, so that no descendant of the command gets out from under either of them.
// - kill -9 of `remit run`: the guard sees its end of the socket closed (and is continued by the kernel if somebody has stopped it), kills
//   the cgroup, then every descendant, until none is left, and ends.
// - kill -9 of the guard: the command's process gets SIGKILL from the kernel (parent-death signal), its descendants become children of
//   `remit run`, which sees its end of the socket closed and does the same.
// - kill -9 of both at the same moment: the kernel kills the command's process; with a subreaper alone, descendants of it may live on, and
//   in a cgroup too until somebody writes its cgroup.kill; not in a namespace. They are in process groups of their own, so that a signal to the group
//   of `remit run` does not reach both. Only the same uid or root can do this: docs/reference/run.md says "not contained".
// - In a process-id namespace the guard is its first process, and a process in front of it waits for it: the kernel kills all that is inside
//   when the guard ends, and the guard when that process or `remit run` ends. So also kill -9 of all of them at once leaves nothing.
// - In a cgroup, one write kills all at once, also what forks faster than it can be found. Without, /proc is walked again and again.
//
// One thread, forked before there are others and before any secret is read. Its memory holds the command's variables until exec only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/cgroup.h"

namespace remit::cli {

// How the command is held.
struct GuardPlan {
  io::Cgroup* cgroup = nullptr;  // for the command, or null
  bool namespaces = false;       // of processes and mounts, or not at all
  bool user_namespace = false;   // with them, for who has no right to make them otherwise
  std::optional<uid_t> uid;      // the command runs as this user and group, for who may become another
  bool no_new_privileges = false;
  std::vector<std::string> hidden;  // files that the command does not see
};

// The guard's whole life, in the forked process. Never returns.
[[noreturn]] void RunGuard(int socket, pid_t parent, const GuardPlan& plan);

}  // namespace remit::cli
