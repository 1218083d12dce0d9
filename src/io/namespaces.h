// A process's own view of the machine (namespaces(7)): a process-id namespace, whose processes all die with its first one, by the kernel's hand,
// and a mount namespace, in which /proc shows those alone and files can be hidden.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace remit::io {

// For a process with one thread: its next child is the first process of new namespaces. `user`: as who has no rights, in a user namespace
// that knows this user alone. Irrevocable: a process whose child then fails can start no other. Errors: `no-namespaces`.
Status UnshareNext(bool user);

// In that child: takes mounts for its own, puts a /proc of its own there, and nothing in the place of each of `hidden` that exists (files,
// sockets, folders; absolute paths). What is hidden cannot be uncovered by processes without rights of their own; but a file that somebody
// outside puts in the place of a hidden one is seen, so hide its folder where it can be. Who stands in a hidden folder stands in the empty
// one then, or in `/`. Errors: `no-namespaces`.
Status EnterNamespaces(const std::vector<std::string>& hidden);

}  // namespace remit::io
