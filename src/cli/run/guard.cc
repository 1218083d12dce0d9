#include "cli/run/guard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <optional>

#include <fmt/format.h>

#include "base/secret.h"
#include "cli/run/frames.h"
#include "io/child.h"
#include "io/contain.h"
#include "io/namespaces.h"

namespace remit::cli {
namespace {

using namespace std::chrono_literals;

// Everything that was open in `remit run` but the standard files and these.
void CloseAllBut(int a, int b) {
  const int low = std::min(a, b), high = std::max(a, b);
  const auto close_from = [](int first, int last) {
    if (first <= last) ::close_range(static_cast<unsigned>(first), static_cast<unsigned>(last), 0);
  };
  close_from(3, low - 1);
  close_from(std::max(low + 1, 3), high - 1);
  ::close_range(static_cast<unsigned>(std::max(high + 1, 3)), ~0U, 0);
}

void WipeAll(std::vector<std::string>& strings) {
  for (std::string& one : strings) WipeMemory(one.data(), one.size());
}

class Guard {
 public:
  Guard(int socket, const GuardPlan& plan, int child_signals) : socket_(socket), plan_(plan), cgroup_(plan.cgroup), child_signals_(child_signals) {}

  void Run() {
    while (!over_) {
      pollfd watched[] = {{.fd = socket_, .events = POLLIN, .revents = 0},
                          {.fd = child_signals_, .events = POLLIN, .revents = 0},
                          {.fd = child_ ? child_->pidfd() : -1, .events = POLLIN, .revents = 0}};
      if (::poll(watched, 3, -1) <= 0) continue;
      if (watched[1].revents != 0) ChildrenChanged();
      if (watched[2].revents != 0) return CommandEnded();
      if (watched[0].revents != 0) Obey();
    }
  }

 private:
  void Obey() {
    auto frame = ReceiveFrame(socket_);
    if (!frame || !*frame) return RunIsGone();
    if ((*frame)->kind == kLaunchFrame) Launch(**frame);
    if ((*frame)->kind == kSignalFrame && child_) child_->SignalGroup(std::atoi((*frame)->body.c_str()));
  }

  // The body: how many arguments, whether it gets the terminal, the arguments, the variables.
  void Launch(Frame& frame) {
    std::vector<std::string> strings = UnpackStrings(frame.body);
    const auto count = std::atol(strings.at(0).c_str());
    foreground_ = strings.at(1) == "1";
    io::ChildOptions options;
    options.argv.assign(strings.begin() + 2, strings.begin() + 2 + count);
    options.env.assign(strings.begin() + 2 + count, strings.end());
    options.own_group = true;
    options.foreground = foreground_;
    options.parent_death_signal = SIGKILL;
    options.cgroup = cgroup_ != nullptr ? cgroup_->fd() : -1;
    options.no_new_privileges = plan_.no_new_privileges;
    options.uid = plan_.uid;
    if (plan_.uid) options.gid = static_cast<gid_t>(*plan_.uid);
    Result<io::Child> child = io::Child::Spawn(options);
    WipeMemory(frame.body.data(), frame.body.size());
    WipeAll(strings);
    WipeAll(options.env);
    if (!child) {
      (void)SendFrame(socket_, kRefusedFrame, PackStrings({child.error().reason, child.error().message}));
      over_ = true;
      return;
    }
    child_ = std::move(*child);
    (void)SendFrame(socket_, kStartedFrame, PackStrings({std::to_string(child_->pid())}));
  }

  // Orphans that ended are reaped; a command that stopped itself at the terminal's wish goes on, since nobody could continue it.
  void ChildrenChanged() {
    signalfd_siginfo ignored[16];
    (void)!::read(child_signals_, ignored, sizeof ignored);
    siginfo_t info{};
    while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
      if (child_ && info.si_pid == child_->pid()) break;  // Child reaps it; orphans that are behind it are reaped at the end
      ::waitpid(info.si_pid, nullptr, WNOHANG);
      info.si_pid = 0;
    }
    info.si_pid = 0;
    if (!child_ || ::waitid(P_PIDFD, static_cast<id_t>(child_->pidfd()), &info, WSTOPPED | WNOHANG) != 0 || info.si_pid == 0) return;
    if (foreground_ && info.si_status == SIGTSTP) child_->SignalGroup(SIGCONT);
  }

  void CommandEnded() {
    const auto exit = child_->Wait(0s);
    const std::size_t left_behind = io::Descendants(::getpid()).size();
    const std::string failure = KillAll(10s);
    const io::Exit how = exit && *exit ? **exit : io::Exit{.signaled = true, .value = SIGKILL};
    (void)SendFrame(socket_, kEndedFrame, PackStrings({how.signaled ? "1" : "0", std::to_string(how.value), std::to_string(left_behind), failure}));
  }

  // INVARIANT: the guard does not end while something lives that the command has started.
  void RunIsGone() {
    while (!KillAll(10s).empty()) continue;
    if (cgroup_ != nullptr) (void)cgroup_->Remove();
    over_ = true;
  }

  // What could not be killed, or "".
  std::string KillAll(Duration timeout) {
    if (cgroup_ != nullptr) (void)cgroup_->Kill(timeout);  // what it misses, the walk finds
    const auto killed = io::KillDescendants(timeout, child_ ? &*child_ : nullptr);
    return killed ? "" : killed.error().message;
  }

  const int socket_;
  const GuardPlan& plan_;
  io::Cgroup* const cgroup_;
  const int child_signals_;
  std::optional<io::Child> child_;
  bool foreground_ = false;
  bool over_ = false;
};

// Becomes the process in front of the first one of new namespaces, and returns in that one alone. Where it cannot be, ends.
void GoInside(int socket, pid_t parent, const GuardPlan& plan) {
  if (!io::DieWithParent(SIGKILL, parent) || !io::UnshareNext(plan.user_namespace)) ::_exit(1);
  const pid_t inner = ::fork();
  if (inner < 0) ::_exit(1);
  if (inner > 0) {  // waits, so that its end is the guard's, as `remit run` sees it
    ::close(socket);
    int how = 0;
    while (::waitpid(inner, &how, 0) < 0 && errno == EINTR) continue;
    ::_exit(WIFEXITED(how) ? WEXITSTATUS(how) : 1);
  }
  // The one in front of it is outside of what it can name, so that it cannot ask whether it lives still: if it died a moment ago, nobody reads
  // the socket, which says so as well.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || !io::EnterNamespaces(plan.hidden)) ::_exit(1);
}

}  // namespace

void RunGuard(int socket, pid_t parent, const GuardPlan& plan) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_NAME, "remit-guard");
  CloseAllBut(socket, plan.cgroup != nullptr ? plan.cgroup->fd() : socket);
  sigset_t all, children;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);  // the terminal's signals are for others
  ::signal(SIGCHLD, SIG_DFL);                 // were it ignored, children would vanish without a status
  if (plan.namespaces) GoInside(socket, parent, plan);
  ::sigemptyset(&children);
  ::sigaddset(&children, SIGCHLD);
  const int child_signals = ::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
  // Continued, if stopped, when `remit run` dies; the closed socket says so, too. In a namespace it dies with it.
  if (child_signals < 0 || !io::BecomeSubreaper() || (!plan.namespaces && !io::DieWithParent(SIGCONT, parent))) ::_exit(1);
  if (!SendFrame(socket, kReadyFrame, "")) ::_exit(1);
  Guard(socket, plan, child_signals).Run();
  ::_exit(0);
}

}  // namespace remit::cli
