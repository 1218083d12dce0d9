#include "io/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"

namespace remit::io {
namespace {

std::unexpected<Error> NoCgroup(std::string_view why) {
  return Fail(Code::kUnsupported, "no-cgroup", fmt::format("no cgroup for the command: {}", why));
}

// Where this process's own group is in the file system, e.g. "/sys/fs/cgroup/user.slice/…".
Result<std::string> OwnGroup() {
  std::string mount, group;
  const auto mounts = ReadFile("/proc/self/mountinfo", 1u << 20);
  for (const std::string& line : Split(mounts ? *mounts : "", '\n')) {
    const std::size_t dash = line.find(" - cgroup2 ");  // fields: id parent device root mount-point … - type …
    if (dash == std::string::npos) continue;
    const std::vector<std::string> fields = Split(line, ' ');
    if (fields.size() > 4 && fields[3] == "/") mount = fields[4];
  }
  const auto groups = ReadFile("/proc/self/cgroup", 64u << 10);
  for (const std::string& line : Split(groups ? *groups : "", '\n')) {
    if (line.starts_with("0::")) group = line.substr(3);
  }
  if (mount.empty() || group.empty()) return NoCgroup("this machine has no cgroup v2");
  return group == "/" ? mount : mount + group;
}

// Whether some process is inside.
Result<bool> Populated(int folder) {
  const Fd events(::openat(folder, "cgroup.events", O_RDONLY | O_CLOEXEC));
  char buffer[256];
  const ssize_t size = events ? ::read(events.get(), buffer, sizeof buffer) : -1;
  if (size < 0) return Fail(Code::kInternal, "cgroup-failed", fmt::format("cannot read cgroup.events: {}", std::strerror(errno)));
  return std::string_view(buffer, static_cast<std::size_t>(size)).find("populated 1") != std::string_view::npos;
}

}  // namespace

Result<Cgroup> Cgroup::Create(const std::string& name) {
  REMIT_ASSIGN(const std::string own, OwnGroup());
  return CreateIn(own, name);
}

Result<Cgroup> Cgroup::CreateIn(const std::string& parent, const std::string& name) {
  Cgroup group;
  group.path_ = parent + "/" + name;
  if (::mkdir(group.path_.c_str(), 0755) != 0) return NoCgroup(fmt::format("cannot make `{}`: {}", group.path_, std::strerror(errno)));
  group.folder_ = Fd(::open(group.path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const bool can_kill = group.folder_ && ::faccessat(group.folder_.get(), "cgroup.kill", W_OK, 0) == 0;
  const bool can_join = group.folder_ && ::faccessat(group.folder_.get(), "cgroup.procs", W_OK, 0) == 0;
  if (can_kill && can_join) return group;
  ::rmdir(group.path_.c_str());
  return NoCgroup(fmt::format("`{}` has no writable cgroup.kill and cgroup.procs", group.path_));
}

Status Cgroup::Kill(Duration timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const Fd kill(::openat(folder_.get(), "cgroup.kill", O_WRONLY | O_CLOEXEC));
  if (!kill || ::write(kill.get(), "1", 1) != 1) {
    return Fail(Code::kInternal, "cgroup-failed", fmt::format("cannot kill cgroup `{}`: {}", path_, std::strerror(errno)));
  }
  for (;;) {
    const Fd events(::openat(folder_.get(), "cgroup.events", O_RDONLY | O_CLOEXEC));
    REMIT_ASSIGN(const bool populated, Populated(folder_.get()));
    if (!populated) return {};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return Fail(Code::kDeadlineExceeded, "cgroup-not-empty", fmt::format("processes in cgroup `{}` do not end", path_));
    pollfd watched{.fd = events.get(), .events = POLLPRI, .revents = 0};
    ::poll(&watched, 1, static_cast<int>(std::min<std::int64_t>(left, 100)));  // wakes when `populated` changes
  }
}

Status Cgroup::Remove() {
  if (::rmdir(path_.c_str()) == 0) return {};
  return Fail(Code::kInternal, "cgroup-failed", fmt::format("cannot remove cgroup `{}`: {}", path_, std::strerror(errno)));
}

}  // namespace remit::io
