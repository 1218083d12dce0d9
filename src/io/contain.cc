#include "io/contain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
extern "C" {  // glibc 2.36 forgot this in the header
#include <sys/pidfd.h>
}

#include <charconv>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "io/files.h"

namespace remit::io {
namespace {

struct Process {
  pid_t pid = 0, parent = 0;
  std::uint64_t started = 0;  // in ticks since boot; with the pid it names one process for ever
  bool zombie = false;
};

// One process, of /proc/PID/stat; nullopt when it is gone.
std::optional<Process> ReadProcess(pid_t pid) {
  const Fd fd(::open(fmt::format("/proc/{}/stat", pid).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  char buffer[1024];
  const ssize_t size = ::read(fd.get(), buffer, sizeof buffer);
  if (size <= 0) return std::nullopt;
  std::string_view text(buffer, static_cast<std::size_t>(size));
  const std::size_t name_end = text.rfind(')');  // the name may hold anything, also ")"
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 1);
  std::vector<std::string_view> fields;  // from field 3 of proc(5), the state
  while (!text.empty()) {
    const std::size_t begin = text.find_first_not_of(" \n");
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(text.find_first_of(" \n", begin), text.size());
    fields.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
  if (fields.size() < 20) return std::nullopt;
  const auto number = [&](std::size_t field, auto& out) {
    const std::string_view digits = fields[field - 3];
    std::from_chars(digits.data(), digits.data() + digits.size(), out);
  };
  Process process{.pid = pid};
  long threads = 0;
  number(4, process.parent);
  number(20, threads);
  number(22, process.started);
  // A process whose first thread has ended shows as a zombie too, while its other threads run on.
  process.zombie = (fields[0] == "Z" || fields[0] == "X") && threads <= 1;
  return process;
}

std::vector<Process> AllProcesses() {
  std::vector<Process> all;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc"), ::closedir);
  if (!folder) return all;
  while (const dirent* entry = ::readdir(folder.get())) {
    pid_t pid = 0;
    const std::string_view name = entry->d_name;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    if (const auto process = ReadProcess(pid)) all.push_back(*process);
  }
  return all;
}

std::vector<Process> DescendantsOf(pid_t root) {
  std::multimap<pid_t, Process> children;
  for (const Process& process : AllProcesses()) children.emplace(process.parent, process);
  std::vector<Process> found;
  std::vector<pid_t> open = {root};
  while (!open.empty()) {
    const pid_t parent = open.back();
    open.pop_back();
    for (auto [it, end] = children.equal_range(parent); it != end; ++it) {
      open.push_back(it->second.pid);
      if (!it->second.zombie) found.push_back(it->second);
    }
  }
  return found;
}

// A descriptor of exactly this process, or none when it is gone (and its number perhaps another's).
Fd OpenProcess(const Process& process) {
  Fd pidfd(::pidfd_open(process.pid, 0));
  const auto now = ReadProcess(process.pid);
  if (!now || now->started != process.started) pidfd.Close();
  return pidfd;
}

// Signals all of them; returns those that were there.
std::vector<Fd> SignalAll(const std::vector<Process>& processes, int signal) {
  std::vector<Fd> there;
  for (const Process& process : processes) {
    Fd pidfd = OpenProcess(process);
    if (pidfd && ::pidfd_send_signal(pidfd.get(), signal, nullptr, 0) == 0) there.push_back(std::move(pidfd));
  }
  return there;
}

// Stops descendants until a walk finds no new one, so that none can start others while they are killed.
std::vector<Process> Freeze(std::vector<Process> found) {
  std::set<std::pair<pid_t, std::uint64_t>> stopped;
  for (int round = 0; round < 100; ++round) {
    std::vector<Process> fresh;
    for (const Process& process : found) {
      if (stopped.emplace(process.pid, process.started).second) fresh.push_back(process);
    }
    if (fresh.empty()) break;
    SignalAll(fresh, SIGSTOP);
    found = DescendantsOf(::getpid());
  }
  return found;
}

}  // namespace

Status BecomeSubreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0) return {};
  return Fail(Code::kInternal, "subreaper-failed", fmt::format("cannot become a subreaper: {}", std::strerror(errno)));
}

Status DieWithParent(int signal, pid_t parent) {
  if (::prctl(PR_SET_PDEATHSIG, signal) != 0) {
    return Fail(Code::kInternal, "parent-death-signal-failed", fmt::format("cannot ask for a signal at the parent's end: {}", std::strerror(errno)));
  }
  if (::getppid() != parent) ::raise(signal);
  return {};
}

Status NoDumps() {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  if (::setrlimit(RLIMIT_CORE, &none) == 0 && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0) return {};
  return Fail(Code::kInternal, "harden-failed", fmt::format("cannot switch core dumps off: {}", std::strerror(errno)));
}

std::vector<pid_t> Descendants(pid_t root) {
  std::vector<pid_t> pids;
  for (const Process& process : DescendantsOf(root)) pids.push_back(process.pid);
  return pids;
}

Result<std::size_t> KillDescendants(Duration timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::set<std::pair<pid_t, std::uint64_t>> killed;
  int empty_walks = 0;
  for (;;) {
    // A walk is no snapshot: one that finds none can have missed a process whose parent ended meanwhile. Two in a row settle it.
    std::vector<Process> found = DescendantsOf(::getpid());
    if (found.empty() && ++empty_walks == 2) return killed.size();
    if (found.empty()) continue;
    empty_walks = 0;
    found = Freeze(std::move(found));
    const std::vector<Fd> dying = SignalAll(found, SIGKILL);
    for (const Process& process : found) killed.emplace(process.pid, process.started);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      return Fail(Code::kDeadlineExceeded, "descendants-left",
                  fmt::format("{} processes of the command cannot be killed, one is {}", found.size(), found[0].pid));
    }
    for (const Fd& pidfd : dying) {
      pollfd watched{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
      ::poll(&watched, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 100)));
    }
    if (dying.empty()) ::poll(nullptr, 0, 1);  // all gone by themselves, or not ours to signal
  }
}

std::size_t ReapOrphans(pid_t except) {
  std::size_t reaped = 0;
  const pid_t self = ::getpid();
  for (const Process& process : AllProcesses()) {
    if (process.parent == self && process.zombie && process.pid != except && ::waitpid(process.pid, nullptr, WNOHANG) == process.pid) ++reaped;
  }
  return reaped;
}

}  // namespace remit::io
