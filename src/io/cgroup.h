// A cgroup (v2) for one command: everything that it starts stays inside, and one write kills it all (cgroup.kill, Linux 5.14).
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"
#include "io/files.h"

namespace remit::io {

class Cgroup {
 public:
  // Makes the child group `name` of this process's own group. Errors: `no-cgroup` (no cgroup v2 here, no right to make one, or a kernel
  // without cgroup.kill): use contain.h then.
  static Result<Cgroup> Create(const std::string& name);

  // The same below a folder of a cgroup v2 file system.
  static Result<Cgroup> CreateIn(const std::string& parent, const std::string& name);

  Cgroup(Cgroup&&) = default;
  Cgroup& operator=(Cgroup&&) = default;
  ~Cgroup() = default;  // leaves the group; call Kill and Remove

  int fd() const { return folder_.get(); }  // for ChildOptions::cgroup
  const std::string& path() const { return path_; }

  // Kills every process inside and waits until the group is empty. Errors: `cgroup-not-empty`, `cgroup-failed`.
  Status Kill(Duration timeout);
  Status Remove();

 private:
  Cgroup() = default;

  std::string path_;
  Fd folder_;
};

}  // namespace remit::io
