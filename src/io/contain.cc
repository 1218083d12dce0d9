#include "io/contain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
extern "C" {  // glibc 2.36 forgot this in the header
#include <sys/pidfd.h>
}

#include <algorithm>
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

constexpr int kChase = 100;  // quick looks between two walks

// Kills all children of this process that are not dead yet. Their numbers cannot be another's: nobody else reaps them.
std::size_t KillOwnChildren() {
  std::size_t count = 0;
  const std::unique_ptr<DIR, int (*)(DIR*)> threads(::opendir("/proc/self/task"), ::closedir);
  while (const dirent* thread = threads ? ::readdir(threads.get()) : nullptr) {
    const auto list = ReadFile(fmt::format("/proc/self/task/{}/children", thread->d_name), 16u << 20);
    if (!list) continue;
    const char* const end = list->data() + list->size();
    for (const char* at = list->data(); at < end; ++at) {
      pid_t pid = 0;
      at = std::from_chars(at, end, pid).ptr;
      if (pid > 0 && ::kill(pid, SIGKILL) == 0) ++count;
    }
  }
  return count;
}

enum class Left { kNone, kSome };

// Reaps every child that has ended, `child` through its object.
Left ReapAll(Child* child) {
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0) return errno == ECHILD ? Left::kNone : Left::kSome;
    if (info.si_pid == 0) return Left::kSome;
    if (child && info.si_pid == child->pid()) {
      if (!child->Wait(Duration::zero())) return Left::kSome;
    } else {
      ::waitpid(info.si_pid, nullptr, WNOHANG | __WALL);
    }
  }
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

bool HasProcesses(uid_t uid) {
  for (const Process& process : AllProcesses()) {
    struct stat info{};
    if (::stat(fmt::format("/proc/{}", process.pid).c_str(), &info) == 0 && info.st_uid == uid) return true;
  }
  return false;
}

Result<std::size_t> KillDescendants(Duration timeout, Child* child) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::set<std::pair<pid_t, std::uint64_t>> killed;
  std::size_t chased = 0;
  for (;;) {
    // Broad: stop all, so that none can start others, then kill all.
    const std::vector<Process> found = Freeze(DescendantsOf(::getpid()));
    SignalAll(found, SIGKILL);
    for (const Process& process : found) killed.emplace(process.pid, process.started);
    // Quick: a process that forks and ends at once is never there when a walk comes to it, but each new one becomes this process's child.
    for (int i = 0; i < kChase; ++i) {
      chased += KillOwnChildren();
      // INVARIANT: whatever lives has living ancestors up to this process, so without children there are no descendants.
      if (ReapAll(child) == Left::kNone) return std::max(killed.size(), chased);
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      const std::string first = found.empty() ? "unknown" : std::to_string(found.front().pid);
      return Fail(Code::kDeadlineExceeded, "descendants-left", fmt::format("processes of the command cannot be killed, one is {}", first));
    }
    ::poll(nullptr, 0, 1);  // what was killed needs the processor to die
  }
}

}  // namespace remit::io
