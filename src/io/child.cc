#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
extern "C" {  // glibc 2.36 forgot this in the header
#include <sys/pidfd.h>
}
#include <linux/close_range.h>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"

namespace remit::io {
namespace {

// What types into a terminal types into the shell of whoever started the child, which would run it: ioctl(TIOCSTI), and the paste of
// TIOCLINUX. Both answer EPERM; every other call is as it was. Calls of another architecture's kind answer ENOSYS.
bool ForbidTyping() {
#if defined(__x86_64__)
  constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64, kOther = AUDIT_ARCH_I386, kNumberMask = ~0x40000000u;  // x32 has a bit set
  constexpr std::uint32_t kX32Ioctl = 514;
#elif defined(__aarch64__)
  constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64, kOther = AUDIT_ARCH_ARM, kNumberMask = ~0u;
  constexpr std::uint32_t kX32Ioctl = __NR_ioctl;
#else
#error "which numbers has ioctl here?"
#endif
  constexpr std::uint32_t kOtherIoctl = 54;                            // of both 32-bit kinds
  constexpr std::uint32_t kRequest = offsetof(seccomp_data, args[1]);  // its low half: these are little-endian, and requests have 32 bits
  const sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),  // 0
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 3, 0),          // to 5
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kOther, 0, 10),                // else 13
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kOtherIoctl, 4, 7),          // to 9, else 12
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),  // 5
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kNumberMask),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_ioctl, 1, 0),  // to 9
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kX32Ioctl, 0, 3),   // else 12
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kRequest),           // 9
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCSTI, 3, 0),     // to 14
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCLINUX, 2, 0),   // to 14
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),           // 12
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),  // 14
  };
  const sock_fprog program{.len = std::size(steps), .filter = const_cast<sock_filter*>(steps)};
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// What the new process does between fork and exec. Only async-signal-safe calls on memory that was laid out before the fork, because
// other threads of the parent may have held locks. Each step returns false with errno set.
struct Launch {
  const ChildOptions& options;
  std::vector<std::string> programs;  // to be tried in this order
  std::vector<char*> argv, env;
  std::vector<std::pair<int, int>> files{};  // (parent's number, child's number)
  std::vector<int> moved{};                  // scratch: the files at numbers out of the way
  int first_free = 3;                        // above every number in `files`
  int report = -1;                           // where a failure's errno is written; closed by a successful exec
  int terminal = -1;
  pid_t parent = 0;

  bool ResetSignals() const {
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);  // those that cannot be changed need no change
    if (options.own_group && ::setpgid(0, 0) != 0) return false;
    if (terminal >= 0) ::tcsetpgrp(terminal, ::getpid());  // SIGTTOU is still blocked
    sigset_t none;
    ::sigemptyset(&none);
    return ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
  }

  bool ArrangeFiles() {
    report = ::fcntl(report, F_DUPFD_CLOEXEC, first_free);
    if (report < 0) return false;
    for (std::size_t i = 0; i < files.size(); ++i) {
      moved[i] = ::fcntl(files[i].first, F_DUPFD_CLOEXEC, first_free);
      if (moved[i] < 0) return false;
    }
    if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return false;
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (::dup2(moved[i], files[i].second) < 0) return false;
    }
    return true;
  }

  bool EnterCgroup() const {
    if (options.cgroup < 0) return true;
    const int procs = ::openat(options.cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    return procs >= 0 && ::write(procs, "0", 1) == 1 && ::close(procs) == 0;
  }

  bool ChangeUser() const {
    if (options.uid && ::setgroups(0, nullptr) != 0) return false;
    if (options.gid && ::setresgid(*options.gid, *options.gid, *options.gid) != 0) return false;
    return !options.uid || ::setresuid(*options.uid, *options.uid, *options.uid) == 0;
  }

  // After ChangeUser, which would clear the parent-death signal.
  bool Bind() const {
    if (options.no_new_privileges && (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !ForbidTyping())) return false;
    if (options.parent_death_signal == 0) return true;
    if (::prctl(PR_SET_PDEATHSIG, options.parent_death_signal) != 0) return false;
    if (::getppid() != parent) ::_exit(127);  // it ended before the call
    return true;
  }

  [[noreturn]] void Run() {
    if (ResetSignals() && EnterCgroup() && (options.directory.empty() || ::chdir(options.directory.c_str()) == 0) && ArrangeFiles() && ChangeUser() &&
        Bind()) {
      int found = ENOENT;
      for (const std::string& program : programs) {
        ::execve(program.c_str(), argv.data(), env.data());
        if (errno != ENOENT && errno != ENOTDIR) found = errno;
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) break;
      }
      errno = found;
    }
    const int number = errno;
    [[maybe_unused]] const auto ignored = ::write(report, &number, sizeof number);
    ::_exit(127);
  }
};

std::vector<std::string> Candidates(const ChildOptions& options) {
  const std::string& name = options.argv.front();
  if (name.find('/') != std::string::npos) return {name};
  std::string_view path = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string& variable : options.env) {
    if (variable.starts_with("PATH=")) path = std::string_view(variable).substr(5);
  }
  std::vector<std::string> programs;
  for (const std::string& folder : Split(path, ':')) {
    if (!folder.empty()) programs.push_back(folder + "/" + name);  // an empty part would be the current folder: never meant
  }
  return programs;
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& s : strings) pointers.push_back(const_cast<char*>(s.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// The controlling terminal, if this process's group is in its foreground.
Fd ForegroundTerminal() {
  Fd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (terminal && ::tcgetpgrp(terminal.get()) != ::getpgrp()) terminal.Close();
  return terminal;
}

std::unexpected<Error> SpawnFailure(const std::string& name, int number) {
  if (number == ENOENT || number == ENOTDIR) return Fail(Code::kNotFound, "command-not-found", fmt::format("no command `{}`", name));
  if (number == EACCES || number == ENOEXEC) {
    return Fail(Code::kPermissionDenied, "command-not-executable", fmt::format("cannot execute `{}`: {}", name, std::strerror(number)));
  }
  return Fail(Code::kInternal, "spawn-failed", fmt::format("cannot start `{}`: {}", name, std::strerror(number)));
}

// Blocks all signals of this thread while it lives.
class SignalBlock {
 public:
  SignalBlock() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalBlock() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalBlock(const SignalBlock&) = delete;
  SignalBlock& operator=(const SignalBlock&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

Result<Child> Child::Spawn(const ChildOptions& options) {
  REMIT_CHECK(!options.argv.empty());
  Launch launch{.options = options, .programs = Candidates(options), .argv = Pointers(options.argv), .env = Pointers(options.env)};
  launch.parent = ::getpid();
  const int standard[] = {options.in, options.out, options.err};
  for (int i = 0; i < 3; ++i) {
    if (standard[i] >= 0) launch.files.emplace_back(standard[i], i);
  }
  for (const auto& file : options.fds) {
    REMIT_CHECK(file.second >= 3);
    launch.files.push_back(file);
  }
  for (const auto& file : launch.files) launch.first_free = std::max(launch.first_free, file.second + 1);
  launch.moved.resize(launch.files.size());

  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return SpawnFailure(options.argv.front(), errno);
  Fd failure(ends[0]), report(ends[1]);
  launch.report = report.get();
  Child child;
  child.own_group_ = options.own_group;
  if (options.own_group && options.foreground) child.terminal_ = ForegroundTerminal();
  launch.terminal = child.terminal_.get();
  {
    const SignalBlock block;  // no handler of the parent runs in the child
    child.pid_ = ::fork();
    if (child.pid_ == 0) launch.Run();
  }
  if (child.pid_ < 0) return SpawnFailure(options.argv.front(), errno);
  report.Close();
  child.pidfd_ = Fd(::pidfd_open(child.pid_, 0));

  int number = 0;
  ssize_t got = 0;
  do got = ::read(failure.get(), &number, sizeof number);
  while (got < 0 && errno == EINTR);
  if (got == 0 && child.pidfd_) return child;
  if (got == 0) number = EMFILE, ::kill(child.pid_, SIGKILL);  // without a pidfd it cannot be watched
  ::waitpid(child.pid_, nullptr, 0);
  child.TakeTerminalBack();
  return SpawnFailure(options.argv.front(), number);
}

Result<std::optional<Exit>> Child::Wait(std::optional<Duration> timeout) {
  if (exit_) return exit_;
  pollfd watched{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  const int milliseconds = timeout ? static_cast<int>(std::min<std::int64_t>((timeout->count() + 999) / 1000, 1'000'000'000)) : -1;  // rounded up
  int ready = 0;
  do ready = ::poll(&watched, 1, milliseconds);
  while (ready < 0 && errno == EINTR && !timeout);
  if (ready == 0 || (ready < 0 && errno == EINTR)) return std::nullopt;
  siginfo_t info{};
  if (ready < 0 || ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0) {
    return Fail(Code::kInternal, "wait-failed", fmt::format("cannot wait for process {}: {}", pid_, std::strerror(errno)));
  }
  exit_ = Exit{.signaled = info.si_code != CLD_EXITED, .value = info.si_status};
  TakeTerminalBack();
  return exit_;
}

bool Child::Signal(int signal) const { return !exit_ && ::pidfd_send_signal(pidfd_.get(), signal, nullptr, 0) == 0; }

bool Child::SignalGroup(int signal) const {
  if (!own_group_) return Signal(signal);
  return !exit_ && ::kill(-pid_, signal) == 0;  // not reaped, so the number is still its own
}

void Child::TakeTerminalBack() {
  if (!terminal_) return;
  const SignalBlock block;  // SIGTTOU, which a background group gets for this
  ::tcsetpgrp(terminal_.get(), ::getpgrp());
  terminal_.Close();
}

}  // namespace remit::io
