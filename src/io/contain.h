// Containment: what a command started must not outlive it. A subreaper inherits orphans, so that every descendant can be found by walking
// /proc and killed until none is left. Where the command has the same uid it can still get away by tricks (ptrace, a helper that was there
// before); docs/threat-model.md says so. A cgroup (cgroup.h) is tighter.
#pragma once

#include <sys/types.h>

#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/child.h"

namespace remit::io {

// Makes this process the parent of all orphans among its descendants (PR_SET_CHILD_SUBREAPER). Errors: `subreaper-failed`.
Status BecomeSubreaper();

// This process gets `signal` when its parent's thread ends (PR_SET_PDEATHSIG); if `parent` has ended already, it gets it now.
// Errors: `parent-death-signal-failed`.
Status DieWithParent(int signal, pid_t parent);

// No core dumps, and memory that processes of the same uid cannot read (RLIMIT_CORE 0, PR_SET_DUMPABLE 0). Errors: `harden-failed`.
Status NoDumps();

// All descendants of `root` (not itself) that /proc shows at this moment; zombies left out.
std::vector<pid_t> Descendants(pid_t root);

// Whether /proc shows a process of this user.
bool HasProcesses(uid_t uid);

// Kills all descendants of this process, again and again until it has no child left, at most `timeout`. For a process that became a
// subreaper before it started them (else orphans escape to init), and whose only children they are: all are reaped, `child` through its
// object, whose Wait then tells its end. Returns how many were killed (roughly, where they forked meanwhile).
// Errors: `descendants-left`.
Result<std::size_t> KillDescendants(Duration timeout, Child* child = nullptr);

}  // namespace remit::io
