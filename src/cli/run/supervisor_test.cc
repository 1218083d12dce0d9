// Nothing that the command started outlives the run, whoever is killed. Every wait is for an event: a pipe that closes only when the last
// process that holds it is dead.
#include "cli/run/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "io/contain.h"

namespace remit::cli {
namespace {

using namespace std::chrono_literals;
using Means = Supervisor::Means;

// Reads what arrives until `text` has been seen, or all writers are gone, or a minute is over.
std::string ReadUntil(int fd, std::string_view text) {
  std::string all;
  while (text.empty() || all.find(text) == std::string::npos) {
    pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
    char buffer[4096];
    if (::poll(&watched, 1, 60'000) <= 0) return all + " [nothing more came]";
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got <= 0) return all;
    all.append(buffer, static_cast<std::size_t>(got));
  }
  return all;
}

// A named pipe, since the command inherits no files.
class Fifo {
 public:
  Fifo() {
    char folder[] = "/tmp/remit_run_XXXXXX";
    EXPECT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    EXPECT_EQ(::mkfifo(path().c_str(), 0600), 0);
    read_ = io::Fd(::open(path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  }
  ~Fifo() {
    ::unlink(path().c_str());
    ::rmdir(folder_.c_str());
  }
  std::string path() const { return folder_ + "/fifo"; }
  int fd() const { return read_.get(); }

 private:
  std::string folder_;
  io::Fd read_;
};

const std::vector<std::string> kEnv = {"PATH=/usr/bin:/bin"};

std::vector<std::string> Shell(const Fifo& fifo, const std::string& script) { return {"sh", "-c", fmt::format("exec >{}\n{}", fifo.path(), script)}; }

std::vector<std::string> Python(const Fifo& fifo, const std::string& script) {
  return {"/usr/bin/python3", "-c",
          fmt::format("import ctypes, os, signal, sys, time\nos.dup2(os.open('{}', os.O_WRONLY), 1)\n{}", fifo.path(), script)};
}

std::unique_ptr<Supervisor> Launched(const std::vector<std::string>& argv, Means means = Means::kBest) {
  auto supervisor = Supervisor::Create(means);
  EXPECT_TRUE(supervisor);
  EXPECT_TRUE((*supervisor)->Launch(argv, kEnv));
  return std::move(*supervisor);
}

Supervisor::Ended End(Supervisor& supervisor) {
  for (;;) {
    auto event = supervisor.Next();
    if (auto* ended = std::get_if<Supervisor::Ended>(&event)) return *ended;
    EXPECT_TRUE(std::holds_alternative<Supervisor::Started>(event));
  }
}

void ExpectNobodyLeft(const Fifo& fifo) {
  EXPECT_EQ(ReadUntil(fifo.fd(), "").find("nothing more came"), std::string::npos) << "somebody still holds the pipe";
  EXPECT_TRUE(io::Descendants(::getpid()).empty());
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "not even a zombie";
  EXPECT_EQ(errno, ECHILD);
}

TEST(RunSupervisor, GivesBackHowTheCommandEnded) {
  Fifo fifo;
  EXPECT_EQ(End(*Launched(Shell(fifo, "exit 7"))).exit.ShellCode(), 7);
  EXPECT_EQ(End(*Launched(Shell(fifo, "kill -SEGV $$"))).exit.ShellCode(), 128 + SIGSEGV);
  ExpectNobodyLeft(fifo);
}

TEST(RunSupervisor, GivesTheCommandExactlyItsVariablesAndNoFiles) {
  Fifo fifo;
  auto supervisor = Supervisor::Create();
  ASSERT_TRUE(supervisor);
  ASSERT_TRUE((*supervisor)
                  ->Launch({"sh", "-c", "exec >$OUT; echo \"$A\"; ls /proc/self/fd | tr '\\n' ' '"},
                           {"PATH=/usr/bin:/bin", "A=b = c\xff", "OUT=" + fifo.path()}));
  EXPECT_EQ(End(**supervisor).exit.ShellCode(), 0);
  EXPECT_EQ(ReadUntil(fifo.fd(), ""), "b = c\xff\n0 1 2 3 ");
}

TEST(RunSupervisor, CarriesAnEnvironmentAsLargeAsTheKernelTakes) {
  Fifo fifo;
  auto supervisor = Supervisor::Create();
  std::vector<std::string> env = {"PATH=/usr/bin:/bin"};
  for (int i = 0; i < 10; ++i) env.push_back(fmt::format("V{}={}", i, std::string(100'000, 'x')));
  ASSERT_TRUE((*supervisor)->Launch(Shell(fifo, "exit 4"), env));
  EXPECT_EQ(End(**supervisor).exit.ShellCode(), 4);
}

TEST(RunSupervisor, RefusesACommandThatIsNotThere) {
  auto supervisor = Launched({"no-such-command"});
  auto event = supervisor->Next();
  ASSERT_TRUE(std::holds_alternative<Supervisor::Refused>(event));
  EXPECT_EQ(std::get<Supervisor::Refused>(event).error.reason, "command-not-found");
  auto other = Launched({"/etc/passwd"});
  event = other->Next();
  ASSERT_TRUE(std::holds_alternative<Supervisor::Refused>(event));
  EXPECT_EQ(std::get<Supervisor::Refused>(event).error.reason, "command-not-executable");
}

TEST(RunSupervisor, PassesSignalsToTheCommandsGroup) {
  Fifo fifo;
  auto supervisor =
      Launched(Python(fifo, "signal.signal(signal.SIGUSR1, lambda *a: os._exit(5))\nprint('up', flush=True)\nwhile True: signal.pause()"));
  EXPECT_EQ(ReadUntil(fifo.fd(), "up\n"), "up\n");
  supervisor->Signal(SIGUSR1);
  EXPECT_EQ(End(*supervisor).exit.ShellCode(), 5);
}

TEST(RunSupervisor, ReapsOrphansWhileTheCommandRuns) {
  Fifo fifo;
  auto supervisor = Launched(Shell(fifo, "(true &); (true &); (true &)\necho up; exec sleep 1000"));
  EXPECT_EQ(ReadUntil(fifo.fd(), "up\n"), "up\n");
  const std::string list = fmt::format("/proc/{0}/task/{0}/children", supervisor->guard());
  std::string children;
  for (const auto limit = std::chrono::steady_clock::now() + 60s; std::chrono::steady_clock::now() < limit; ::sched_yield()) {
    children = io::ReadFile(list, 4096).value_or("");
    if (Split(Trim(children), ' ').size() == 1) break;
  }
  EXPECT_EQ(Split(Trim(children), ' ').size(), 1u) << "the command alone, no zombies: " << children;
  supervisor->Kill();
  ExpectNobodyLeft(fifo);
}

// Each way to leave something behind, under each means of containment.
struct Way {
  const char* name;
  const char* program;  // prints "up" when it is what its name says
};
void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

class Kept : public testing::TestWithParam<std::tuple<Way, Means>> {
 protected:
  const Way& way() const { return std::get<0>(GetParam()); }
  Means means() const { return std::get<1>(GetParam()); }
};

TEST_P(Kept, ByTheSupervisorUntilKilled) {
  Fifo fifo;
  auto supervisor = Launched(Python(fifo, way().program), means());
  EXPECT_EQ(ReadUntil(fifo.fd(), "up\n").substr(0, 3), "up\n");
  EXPECT_EQ(supervisor->Kill().not_killed, "");
  ExpectNobodyLeft(fifo);
}

// kill -9 of `remit run`, here in a process of its own.
TEST_P(Kept, ByTheGuardWhenTheRunIsKilled) {
  Fifo fifo;
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const io::Fd guard_from(ends[0]), guard_to(ends[1]);
  const pid_t run = ::fork();
  if (run == 0) {
    auto supervisor = Launched(Python(fifo, way().program), means());
    const pid_t guard = supervisor->guard();
    if (::write(guard_to.get(), &guard, sizeof guard) != sizeof guard) ::_exit(1);
    for (;;) ::pause();
  }
  pid_t guard = 0;
  ASSERT_EQ(::read(guard_from.get(), &guard, sizeof guard), static_cast<ssize_t>(sizeof guard));
  EXPECT_EQ(ReadUntil(fifo.fd(), "up\n").substr(0, 3), "up\n");
  ::kill(guard, SIGSTOP);  // a guard that somebody has stopped wakes up for this
  ::kill(run, SIGKILL);
  ::waitpid(run, nullptr, 0);
  while (::waitpid(-1, nullptr, 0) > 0) continue;  // if this process is a subreaper, the guard's parent is now here
  EXPECT_EQ(ReadUntil(fifo.fd(), "").find("nothing more came"), std::string::npos) << "somebody still holds the pipe";
}

TEST_P(Kept, ByTheRunWhenTheGuardIsKilled) {
  Fifo fifo;
  auto supervisor = Launched(Python(fifo, way().program), means());
  EXPECT_EQ(ReadUntil(fifo.fd(), "up\n").substr(0, 3), "up\n");
  ::kill(supervisor->guard(), SIGKILL);
  const auto ended = End(*supervisor);
  EXPECT_TRUE(ended.guard_killed);
  EXPECT_EQ(ended.exit.ShellCode(), 128 + SIGKILL);
  ExpectNobodyLeft(fifo);
}

const Way kWays[] = {
    {"GoesOn", "print('up', flush=True); time.sleep(1000)"},
    {"Daemon", "if os.fork() == 0:\n os.setsid()\n if os.fork() == 0:\n  print('up', flush=True); time.sleep(1000)\n os._exit(0)\ntime.sleep(1000)"},
    {"IgnoresSignals",
     "for s in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}: signal.signal(s, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(1000)"},
    {"ForksWide", "print('up', flush=True)\nfor i in range(5): os.fork()\ntime.sleep(1000)"},
};
INSTANTIATE_TEST_SUITE_P(Ways, Kept, testing::Combine(testing::ValuesIn(kWays), testing::Values(Means::kBest, Means::kNamespace, Means::kSubreaper)),
                         [](const auto& info) {
                           return fmt::format("{}_{}", std::get<0>(info.param).name,
                                              std::get<1>(info.param) == Means::kBest        ? "Best"
                                              : std::get<1>(info.param) == Means::kNamespace ? "Namespace"
                                                                                             : "Subreaper");
                         });

TEST(RunSupervisor, KillsWhatTheCommandLeavesBehindAndCountsIt) {
  Fifo fifo;
  for (const Means means : {Means::kBest, Means::kNamespace, Means::kSubreaper}) {
    auto supervisor = Launched(Shell(fifo, "setsid sleep 1000 & setsid sleep 1000 & exit 3"), means);
    const auto ended = End(*supervisor);
    EXPECT_EQ(ended.exit.ShellCode(), 3);
    EXPECT_EQ(ended.left_behind, 2u);
    EXPECT_EQ(ended.not_killed, "");
    ExpectNobodyLeft(fifo);
  }
}

TEST(RunSupervisor, AsksEveryProcessToEndAlsoInOtherSessions) {
  Fifo fifo;
  auto supervisor = Launched(Python(fifo,
                                    "signal.signal(signal.SIGTERM, lambda *a: (os.write(1, b'term '), os._exit(0)))\n"
                                    "r, w = os.pipe()\n"
                                    "if os.fork() == 0:\n os.setsid(); os.write(w, b'x')\n while True: signal.pause()\n"
                                    "os.read(r, 1)\nsignal.signal(signal.SIGTERM, lambda *a: os.write(1, b'ignored '))\n"
                                    "print('up', flush=True)\nwhile True: signal.pause()"));
  EXPECT_EQ(ReadUntil(fifo.fd(), "up\n"), "up\n");
  supervisor->SignalAll(SIGTERM);
  std::string said;
  while (said.find("term") == std::string::npos || said.find("ignored") == std::string::npos) {
    const std::string more = ReadUntil(fifo.fd(), " ");
    ASSERT_EQ(more.find("nothing more came"), std::string::npos) << said;
    said += more;
  }
  supervisor->Kill();  // what ignored it
  ExpectNobodyLeft(fifo);
}

// kill -9 of the run and of its guard at the same moment: in a namespace the kernel leaves nothing, also of what is in other sessions.
TEST(RunSupervisor, InANamespaceNothingOutlivesBoth) {
  Fifo fifo;
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const io::Fd guard_from(ends[0]), guard_to(ends[1]);
  const pid_t run = ::fork();
  if (run == 0) {
    auto supervisor = Launched(Python(fifo, kWays[1].program), Means::kNamespace);
    const pid_t guard = supervisor->guard();
    if (::write(guard_to.get(), &guard, sizeof guard) != sizeof guard) ::_exit(1);
    for (;;) ::pause();
  }
  pid_t guard = 0;
  ASSERT_EQ(::read(guard_from.get(), &guard, sizeof guard), static_cast<ssize_t>(sizeof guard));
  EXPECT_EQ(ReadUntil(fifo.fd(), "up\n").substr(0, 3), "up\n");
  ::kill(run, SIGSTOP);  // neither can do anything between the two
  ::kill(guard, SIGSTOP);
  ::kill(run, SIGKILL);
  ::kill(guard, SIGKILL);
  while (::waitpid(-1, nullptr, 0) > 0) continue;
  EXPECT_EQ(ReadUntil(fifo.fd(), "").find("nothing more came"), std::string::npos) << "somebody still holds the pipe";
}

// What an isolated command finds of who started it.
TEST(RunSupervisor, AnIsolatedCommandSeesNothingOfItsCaller) {
  Fifo fifo;
  ::chmod(fifo.path().c_str(), 0622);
  ::chmod(fifo.path().substr(0, fifo.path().rfind('/')).c_str(), 0755);
  char key[] = "/tmp/remit_key_XXXXXX";
  const io::Fd secret(::mkstemp(key));
  ASSERT_EQ(::write(secret.get(), "THE-KEY", 7), 7);
  ::fchmod(secret.get(), 0644);  // hidden, not only unreadable
  auto supervisor = Supervisor::Create(Means::kBest, Supervisor::Isolation{.hidden = {key}, .hidden_from_same_user = {}});
  ASSERT_TRUE(supervisor.has_value()) << supervisor.error().ToString();
  ASSERT_TRUE(
      (*supervisor)
          ->Launch(
              Python(fifo, fmt::format("import subprocess\n"
                                       "pids = [int(p) for p in os.listdir('/proc') if p.isdigit()]\n"
                                       "print('processes', all(p < 100 for p in pids), os.getppid() == 1, flush=True)\n"
                                       "print('key', repr(open('{0}').read()), flush=True)\n"
                                       "def tries(what, f):\n"
                                       " try: print(what, f(), flush=True)\n"
                                       " except OSError as e: print(what, type(e).__name__, flush=True)\n"
                                       "tries('guard', lambda: open('/proc/1/environ').read())\n"
                                       "tries('caller', lambda: os.kill({1}, 0))\n"
                                       "print('uncover', subprocess.run(['umount', '{0}'], capture_output=True).returncode != 0,"
                                       " subprocess.run(['unshare', '-Urm', 'umount', '{0}'], capture_output=True).returncode != 0, flush=True)\n"
                                       "print('rights', [l.split()[1] for l in open('/proc/self/status') if l[:4] in ('CapE', 'NoNe')], flush=True)\n"
                                       "print('user', os.getuid(), flush=True)",
                                       key, ::getpid())),
              kEnv)
          .has_value());
  End(**supervisor);
  const std::string said = ReadUntil(fifo.fd(), "");
  EXPECT_NE(said.find("processes True True"), std::string::npos) << said;
  EXPECT_NE(said.find("key ''"), std::string::npos) << said;
  EXPECT_NE(said.find("guard PermissionError"), std::string::npos) << said;
  EXPECT_NE(said.find("caller ProcessLookupError"), std::string::npos) << said;
  EXPECT_NE(said.find("uncover True True"), std::string::npos) << said;
  EXPECT_NE(said.find("rights ['0000000000000000', '1']"), std::string::npos) << said;
  const uid_t user = (*supervisor)->own_user().value_or(::getuid());
  EXPECT_NE(said.find(fmt::format("user {}\n", user)), std::string::npos) << said;
  EXPECT_NE(user, 0u);
  ::unlink(key);
}

// By the folder that it was started in, which is under what hides it.
TEST(RunSupervisor, AnIsolatedCommandDoesNotStandInAHiddenFolder) {
  char made[] = "/tmp/remit_hidden_XXXXXX";
  ASSERT_NE(::mkdtemp(made), nullptr);
  const std::string folder = made, below = folder + "/below";
  ::mkdir(below.c_str(), 0755);
  ::chmod(folder.c_str(), 0755);
  for (const std::string& where : {folder, below}) {
    const io::Fd key(::open((where + "/key").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    ASSERT_EQ(::write(key.get(), "THE-KEY", 7), 7);
  }
  const io::Fd home(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (const std::string& where : {folder, below}) {
    Fifo fifo;
    ::chmod(fifo.path().c_str(), 0622);
    ::chmod(fifo.path().substr(0, fifo.path().rfind('/')).c_str(), 0755);
    ASSERT_EQ(::chdir(where.c_str()), 0);
    auto supervisor = Supervisor::Create(Means::kBest, Supervisor::Isolation{.hidden = {folder}, .hidden_from_same_user = {}});
    ASSERT_TRUE(supervisor.has_value()) << supervisor.error().ToString();
    ASSERT_TRUE((*supervisor)
                    ->Launch(Python(fifo,
                                    "for name in ('key', '../key', 'below/key'):\n"
                                    " try: print(name, open(name).read(), flush=True)\n"
                                    " except OSError as e: print(name, type(e).__name__, flush=True)\n"
                                    "print('over', flush=True)"),
                             kEnv)
                    .has_value());
    End(**supervisor);
    ASSERT_EQ(::fchdir(home.get()), 0);
    const std::string said = ReadUntil(fifo.fd(), "");
    EXPECT_EQ(said.find("THE-KEY"), std::string::npos) << said;
    EXPECT_NE(said.find("over"), std::string::npos) << said;
  }
  for (const std::string& path : {below + "/key", folder + "/key"}) ::unlink(path.c_str());
  ::rmdir(below.c_str());
  ::rmdir(folder.c_str());
}

// Into the shell that it was started from, which would run it as its caller once the command is over.
TEST(RunSupervisor, AnIsolatedCommandTypesNothingIntoATerminal) {
  Fifo fifo;
  ::chmod(fifo.path().c_str(), 0622);
  ::chmod(fifo.path().substr(0, fifo.path().rfind('/')).c_str(), 0755);
  auto supervisor = Supervisor::Create(Means::kBest, Supervisor::Isolation{});
  ASSERT_TRUE(supervisor.has_value()) << supervisor.error().ToString();
  ASSERT_TRUE((*supervisor)
                  ->Launch(Python(fifo,
                                  "import ctypes, errno, fcntl, termios\n"
                                  "main, side = os.openpty()\n"
                                  "if os.fork() == 0:\n"
                                  " os.setsid()\n"
                                  " fcntl.ioctl(side, termios.TIOCSCTTY, 0)\n"
                                  " c = ctypes.CDLL(None, use_errno=True)\n"
                                  " for high in (0, 1 << 32):\n"
                                  "  for request in (termios.TIOCSTI, 0x541C):\n"
                                  "   r = c.ioctl(side, ctypes.c_ulong(request | high), b'x')\n"
                                  "   print('typed', hex(request), r, errno.errorcode.get(ctypes.get_errno()), flush=True)\n"
                                  " print('size', fcntl.ioctl(side, termios.TIOCGWINSZ, bytes(8)) is not None, flush=True)\n"
                                  " os._exit(0)\n"
                                  "os.wait()"),
                           kEnv)
                  .has_value());
  End(**supervisor);
  const std::string said = ReadUntil(fifo.fd(), "");
  EXPECT_EQ(said,
            "typed 0x5412 -1 EPERM\ntyped 0x541c -1 EPERM\ntyped 0x5412 -1 EPERM\ntyped 0x541c -1 EPERM\n"
            "size True\n");
}

TEST(RunSupervisor, ThatIsNeverUsedLeavesNothing) {
  { auto supervisor = Supervisor::Create(); }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

// At a terminal: the command has it, Ctrl-C reaches the command alone, Ctrl-Z stops nothing for ever, and afterwards it is the run's again.
TEST(RunSupervisor, GivesTheCommandTheTerminalAndTakesItBack) {
  Fifo fifo;
  int master = -1;
  const pid_t run = ::forkpty(&master, nullptr, nullptr, nullptr);
  if (run == 0) {
    auto supervisor = Launched(Python(fifo,
                                      "signal.signal(signal.SIGCONT, lambda *a: os.write(1, b'again\\n'))\n"
                                      "signal.signal(signal.SIGINT, lambda *a: os._exit(9))\n"
                                      "print('mine' if os.tcgetpgrp(0) == os.getpgrp() else 'not mine', flush=True)\n"
                                      "while True: signal.pause()"));
    const bool right = End(*supervisor).exit.ShellCode() == 9 && ::tcgetpgrp(0) == ::getpgrp();
    ::_exit(right ? 0 : 1);
  }
  const io::Fd terminal(master);
  EXPECT_EQ(ReadUntil(fifo.fd(), "mine\n"), "mine\n");
  ASSERT_EQ(::write(terminal.get(), "\x1a", 1), 1);
  EXPECT_EQ(ReadUntil(fifo.fd(), "again\n"), "again\n");
  ASSERT_EQ(::write(terminal.get(), "\x03", 1), 1);
  int status = -1;
  ::waitpid(run, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace remit::cli
