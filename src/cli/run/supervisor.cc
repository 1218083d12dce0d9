#include "cli/run/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
extern "C" {  // glibc 2.36 forgot this in the header
#include <sys/pidfd.h>
}

#include <algorithm>
#include <chrono>
#include <cstring>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/rng.h"
#include "base/secret.h"
#include "cli/run/frames.h"
#include "cli/run/guard.h"
#include "io/contain.h"

namespace remit::cli {
namespace {

using namespace std::chrono_literals;
constexpr Duration kKillLimit = 10s;  // a process that SIGKILL does not end by then is stuck in the kernel

std::optional<io::Cgroup> CgroupForCommand() {
  SystemRng rng;
  auto cgroup = io::Cgroup::Create(fmt::format("remit-run-{}-{}", ::getpid(), Base64UrlEncode(rng.Take(6))));
  if (!cgroup) return std::nullopt;
  return std::move(*cgroup);
}

// A number that is nobody's: not in the user database, and of no process now. From the range that systemd takes for such users (61184–65519).
Result<uid_t> FreeUser() {
  SystemRng rng;
  for (int attempt = 0; attempt < 100; ++attempt) {
    const Bytes random = rng.Take(2);
    const uid_t uid = 61184 + (random[0] * 256u + random[1]) % 4336;
    if (::getpwuid(uid) == nullptr && ::getgrgid(uid) == nullptr && !io::HasProcesses(uid)) return uid;
  }
  return Fail(Code::kUnsupported, "cannot-isolate", "no user is free for the command");
}

// A program may be started with its standard files closed; other files must not take their numbers.
void OpenStandardFiles() {
  for (int fd = 0; fd < 3; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) (void)!::open("/dev/null", O_RDWR);  // takes the lowest number, which is this one
  }
}

// Gives the terminal to a group, also from the background.
void GiveTerminal(int terminal, pid_t group) {
  sigset_t block, before;
  ::sigemptyset(&block);
  ::sigaddset(&block, SIGTTOU);
  ::pthread_sigmask(SIG_BLOCK, &block, &before);
  ::tcsetpgrp(terminal, group);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

Result<std::unique_ptr<Supervisor>> Supervisor::Create(Means means, const std::optional<Isolation>& isolation) {
  OpenStandardFiles();
  REMIT_TRY(io::BecomeSubreaper());
  std::unique_ptr<Supervisor> supervisor(new Supervisor);
  if (means == Means::kBest) supervisor->cgroup_ = CgroupForCommand();
  if (isolation) {
    if (::geteuid() == 0) {
      REMIT_ASSIGN(supervisor->own_user_, FreeUser());
    }
    if (supervisor->Fork(true, isolation)) return supervisor;
    return Fail(Code::kUnsupported, "cannot-isolate", "this machine does not let the command have namespaces of its own",
                "leave --isolate out, or run it as a user of its own; docs/reference/run.md says what it needs");
  }
  // A namespace that needs a user namespace with it is more than was asked for: set-uid programs would not work inside.
  const bool may_namespace = means == Means::kNamespace || (means == Means::kBest && ::geteuid() == 0 && !supervisor->cgroup_);
  if (may_namespace && supervisor->Fork(true, std::nullopt)) return supervisor;
  if (means == Means::kNamespace) return Fail(Code::kUnsupported, "no-namespaces", "no process-id namespace for the command");
  if (supervisor->Fork(false, std::nullopt)) return supervisor;
  return Fail(Code::kInternal, "spawn-failed", fmt::format("cannot fork: {}", std::strerror(errno)));
}

// Forks a guard that holds the command in this way, and waits for its word. False: it cannot, and is gone.
bool Supervisor::Fork(bool namespaces, const std::optional<Isolation>& isolation) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
  socket_ = io::Fd(ends[0]);
  io::Fd theirs(ends[1]);
  GuardPlan plan{.cgroup = cgroup_ ? &*cgroup_ : nullptr,
                 .namespaces = namespaces,
                 .user_namespace = namespaces && ::geteuid() != 0,
                 .uid = own_user_,
                 .no_new_privileges = isolation.has_value(),
                 .hidden = isolation ? isolation->hidden : std::vector<std::string>()};
  if (isolation && !own_user_)
    plan.hidden.insert(plan.hidden.end(), isolation->hidden_from_same_user.begin(), isolation->hidden_from_same_user.end());
  const pid_t self = ::getpid();
  guard_ = ::fork();
  if (guard_ == 0) RunGuard(theirs.get(), self, plan);
  if (guard_ < 0) return false;
  ::setpgid(guard_, guard_);  // here as well: whoever comes first
  theirs.Close();
  const auto word = ReceiveFrame(socket_.get());
  if (word && *word && (*word)->kind == kReadyFrame) {
    namespaces_ = namespaces;
    return true;
  }
  while (::waitpid(guard_, nullptr, 0) < 0 && errno == EINTR) continue;
  guard_ = -1;
  socket_.Close();
  return false;
}

Supervisor::~Supervisor() {
  if (guard_ > 0) Kill();
}

Status Supervisor::Launch(const std::vector<std::string>& argv, const std::vector<std::string>& env) {
  terminal_ = io::Fd(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (terminal_ && ::tcgetpgrp(terminal_.get()) != ::getpgrp()) terminal_.Close();
  if (terminal_) GiveTerminal(terminal_.get(), guard_);  // the guard hands it on
  std::vector<std::string> strings = {std::to_string(argv.size()), terminal_ ? "1" : "0"};
  strings.insert(strings.end(), argv.begin(), argv.end());
  strings.insert(strings.end(), env.begin(), env.end());
  std::string body = PackStrings(strings);
  Status sent = SendFrame(socket_.get(), kLaunchFrame, body);
  WipeMemory(body.data(), body.size());
  for (std::string& one : strings) WipeMemory(one.data(), one.size());
  return sent;
}

Supervisor::Event Supervisor::Next() {
  auto frame = ReceiveFrame(socket_.get());
  if (!frame || !*frame) return Lost();
  const std::vector<std::string> strings = UnpackStrings((*frame)->body);
  switch ((*frame)->kind) {
    case kStartedFrame: return Started{.pid = std::atoi(strings.at(0).c_str())};
    case kRefusedFrame: {
      Settle();
      const Code code = strings.at(0) == "command-not-found"        ? Code::kNotFound
                        : strings.at(0) == "command-not-executable" ? Code::kPermissionDenied
                                                                    : Code::kInternal;
      return Refused{Error(code, strings.at(0), strings.at(1))};
    }
    case kEndedFrame: {
      Ended ended{.exit = {.signaled = strings.at(0) == "1", .value = std::atoi(strings.at(1).c_str())}};
      ended.left_behind = static_cast<std::size_t>(std::atol(strings.at(2).c_str()));
      ended.not_killed = Settle();
      return ended;
    }
    default: Panic("a message that the guard never sends", __FILE__, __LINE__);
  }
}

void Supervisor::Signal(int signal) { (void)SendFrame(socket_.get(), kSignalFrame, std::to_string(signal)); }

void Supervisor::SignalAll(int signal) {
  std::vector<std::pair<pid_t, io::Fd>> found;
  for (const pid_t pid : io::Descendants(::getpid())) {
    if (pid != guard_) found.emplace_back(pid, ::pidfd_open(pid, 0));
  }
  // Seen again while the descriptor is open: then the descriptor is of a descendant, or of a process that is gone, never of a stranger.
  const std::vector<pid_t> still = io::Descendants(::getpid());
  for (const auto& [pid, pidfd] : found) {
    if (pidfd && std::ranges::find(still, pid) != still.end()) ::pidfd_send_signal(pidfd.get(), signal, nullptr, 0);
  }
}

Supervisor::Ended Supervisor::Kill() { return {.exit = {.signaled = true, .value = SIGKILL}, .not_killed = Settle()}; }

// The guard's end is closed and it had said nothing: it was killed.
Supervisor::Ended Supervisor::Lost() {
  Ended ended = Kill();
  ended.guard_killed = true;
  return ended;
}

// Leaves no descendant, takes the terminal back. Returns what cannot be killed, or "".
std::string Supervisor::Settle() {
  if (cgroup_) (void)cgroup_->Kill(kKillLimit);
  const auto killed = io::KillDescendants(kKillLimit);
  if (terminal_) GiveTerminal(terminal_.get(), ::getpgrp());
  terminal_.Close();
  if (cgroup_) (void)cgroup_->Remove();
  cgroup_.reset();
  socket_.Close();
  guard_ = -1;
  return killed ? "" : killed.error().message;
}

}  // namespace remit::cli
