#include "io/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include <fmt/format.h>

#include "io/files.h"

namespace remit::io {
namespace {

std::unexpected<Error> NoNamespaces(std::string_view what) {
  return Fail(Code::kUnsupported, "no-namespaces", fmt::format("no namespaces for the command: {}: {}", what, std::strerror(errno)));
}

bool Write(const char* path, const std::string& text) {
  const Fd fd(::open(path, O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// The folder that this process stands in is the one below what hides it: in it, names without a slash would lead to what is hidden.
Status LeaveHiddenFolder() {
  char here[PATH_MAX];
  struct stat stands{}, named{};
  if (::getcwd(here, sizeof here) == nullptr || ::stat(".", &stands) != 0)
    return ::chdir("/") == 0 ? Status() : NoNamespaces("`/` cannot be entered");
  if (::stat(here, &named) == 0 ? named.st_dev == stands.st_dev && named.st_ino == stands.st_ino : errno == EACCES) return {};
  if (::chdir(here) == 0 || ::chdir("/") == 0) return {};
  return NoNamespaces(fmt::format("`{}` cannot be left", here));
}

}  // namespace

Status UnshareNext(bool user) {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (::unshare((user ? CLONE_NEWUSER : 0) | CLONE_NEWPID | CLONE_NEWNS) != 0) return NoNamespaces("they cannot be made");
  if (!user) return {};
  // A process that is not dumpable may not write its own maps. For this moment it is: it holds no secret yet, and who could read it now is of
  // its own user, as before.
  const int dumpable = ::prctl(PR_GET_DUMPABLE);
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  // The kernel wants setgroups denied before an ordinary user maps a group.
  const bool mapped = Write("/proc/self/setgroups", "deny") && Write("/proc/self/uid_map", fmt::format("{0} {0} 1", uid)) &&
                      Write("/proc/self/gid_map", fmt::format("{0} {0} 1", gid));
  const std::unexpected<Error> refused = NoNamespaces("the user cannot be mapped");
  ::prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0);
  if (mapped) return {};
  return refused;
}

Status EnterNamespaces(const std::vector<std::string>& hidden) {
  // A slave hears of what others mount, and nobody hears of what is mounted here.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return NoNamespaces("mounts cannot be taken");
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) return NoNamespaces("/proc cannot be mounted");
  for (const std::string& path : hidden) {
    struct stat there{};
    if (::stat(path.c_str(), &there) != 0) continue;
    const bool hides = S_ISDIR(there.st_mode)
                           ? ::mount("tmpfs", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "size=4k,mode=0755") == 0
                           : ::mount("/dev/null", path.c_str(), nullptr, MS_BIND, nullptr) == 0;
    if (!hides) return NoNamespaces(fmt::format("`{}` cannot be hidden", path));
  }
  return LeaveHiddenFolder();
}

}  // namespace remit::io
