#include "cli/run_supervisor.h"

#include <errno.h>
#include <fcntl.h>
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
#include "cli/run_frames.h"
#include "cli/run_guard.h"
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

Result<std::unique_ptr<Supervisor>> Supervisor::Create(Means means) {
  OpenStandardFiles();
  REMIT_TRY(io::BecomeSubreaper());
  std::unique_ptr<Supervisor> supervisor(new Supervisor);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return Fail(Code::kInternal, "spawn-failed", fmt::format("no socket pair: {}", std::strerror(errno)));
  supervisor->socket_ = io::Fd(ends[0]);
  const io::Fd theirs(ends[1]);
  if (means == Means::kBest) supervisor->cgroup_ = CgroupForCommand();
  const pid_t self = ::getpid();
  supervisor->guard_ = ::fork();
  if (supervisor->guard_ == 0) RunGuard(theirs.get(), self, supervisor->cgroup_ ? &*supervisor->cgroup_ : nullptr);
  if (supervisor->guard_ < 0) return Fail(Code::kInternal, "spawn-failed", fmt::format("cannot fork: {}", std::strerror(errno)));
  ::setpgid(supervisor->guard_, supervisor->guard_);  // here as well: whoever comes first
  return supervisor;
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
