// Child processes get exactly what they were given, and nothing that they start outlives them.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "io/cgroup.h"
#include "io/child.h"
#include "io/contain.h"
#include "io/files.h"

namespace remit::io {
namespace {

using namespace std::chrono_literals;

const std::string kPath = "PATH=/usr/bin:/bin";

// Reads what arrives until `text` has been seen, or the other ends are closed, or ten seconds are over.
std::string ReadUntil(int fd, std::string_view text) {
  std::string all;
  while (text.empty() || all.find(text) == std::string::npos) {
    pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
    char buffer[4096];
    if (::poll(&watched, 1, 10'000) <= 0) return all + " [nothing more came]";
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got <= 0) return all;
    all.append(buffer, static_cast<std::size_t>(got));
  }
  return all;
}

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read = Fd(ends[0]), write = Fd(ends[1]);
  }
  Fd read, write;
};

// Runs a command to its end and returns its output.
std::string Output(ChildOptions options, Exit* exit = nullptr) {
  Pipe pipe;
  options.out = pipe.write.get();
  auto child = Child::Spawn(options);
  if (!child) return child.error().reason;
  pipe.write.Close();
  std::string output = ReadUntil(pipe.read.get(), "");
  const auto ended = child->Wait(10s);
  EXPECT_TRUE(ended && *ended);
  if (exit) *exit = **ended;
  return output;
}

TEST(Child, GetsExactlyTheseArgumentsAndVariables) {
  EXPECT_EQ(Output({.argv = {"env"}, .env = {kPath, "A=b c"}}), "PATH=/usr/bin:/bin\nA=b c\n");
  EXPECT_EQ(Output({.argv = {"printf", "[%s]", "a b", "", "$(id)"}, .env = {kPath}}), "[a b][][$(id)]");
  EXPECT_EQ(Output({.argv = {"pwd"}, .env = {kPath}, .directory = "/usr"}), "/usr\n");
}

TEST(Child, GetsNoOtherFiles) {
  Pipe leak;
  const int inheritable = ::dup(leak.read.get());  // without CLOEXEC
  Pipe given;
  ASSERT_EQ(::write(given.write.get(), "hello", 5), 5);
  given.write.Close();
  const std::string list = Output({.argv = {"sh", "-c", "ls /proc/self/fd | tr '\\n' ' '; cat <&7"}, .env = {kPath}, .fds = {{given.read.get(), 7}}});
  EXPECT_EQ(list, "0 1 2 3 7 hello") << "3 is the folder that ls reads";
  ::close(inheritable);
}

TEST(Child, FilesMayChangePlaces) {
  Pipe a, b;
  ASSERT_EQ(::write(a.write.get(), "A", 1) + ::write(b.write.get(), "B", 1), 2);
  // a's number becomes b's and the other way round: the worst order.
  const std::string output = Output({.argv = {"sh", "-c", fmt::format("head -c1 <&{}; head -c1 <&{}", a.read.get(), b.read.get())},
                                     .env = {kPath},
                                     .fds = {{a.read.get(), b.read.get()}, {b.read.get(), a.read.get()}}});
  EXPECT_EQ(output, "BA");
}

TEST(Child, SaysHowItEnded) {
  Exit exit;
  Output({.argv = {"sh", "-c", "exit 7"}, .env = {kPath}}, &exit);
  EXPECT_FALSE(exit.signaled);
  EXPECT_EQ(exit.ShellCode(), 7);
  Output({.argv = {"sh", "-c", "kill -TERM $$"}, .env = {kPath}}, &exit);
  EXPECT_TRUE(exit.signaled);
  EXPECT_EQ(exit.ShellCode(), 128 + SIGTERM);
}

TEST(Child, ThatCannotStartIsAnErrorHere) {
  EXPECT_EQ(Child::Spawn({.argv = {"no-such-command"}, .env = {kPath}}).error().reason, "command-not-found");
  EXPECT_EQ(Child::Spawn({.argv = {"/etc/passwd"}, .env = {kPath}}).error().reason, "command-not-executable");
  EXPECT_EQ(Child::Spawn({.argv = {"true"}, .env = {kPath}, .directory = "/no/such"}).error().code, Code::kNotFound);
  EXPECT_EQ(Child::Spawn({.argv = {"true"}, .env = {"PATH="}}).error().reason, "command-not-found") << "an empty PATH is not the current folder";
}

TEST(Child, IsSignalledAlsoAsAGroup) {
  Pipe pipe;
  auto child = Child::Spawn({.argv = {"sh", "-c", "sleep 1000 & echo up; wait"}, .env = {kPath}, .out = pipe.write.get()});
  ASSERT_TRUE(child);
  pipe.write.Close();
  EXPECT_EQ(ReadUntil(pipe.read.get(), "up\n"), "up\n");
  EXPECT_FALSE(child->Wait(0s)->has_value());
  EXPECT_TRUE(child->SignalGroup(SIGTERM));
  EXPECT_EQ(ReadUntil(pipe.read.get(), ""), "") << "sleep holds the pipe as long as it lives";
  EXPECT_EQ(child->Wait(10s)->value().ShellCode(), 128 + SIGTERM);
  EXPECT_EQ(child->Wait()->value().ShellCode(), 128 + SIGTERM) << "asked again, the same answer";
  EXPECT_FALSE(child->Signal(SIGTERM));
  EXPECT_FALSE(child->SignalGroup(SIGTERM));
}

TEST(Child, HasDefaultSignalsWhateverTheParentDid) {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t set, before;
  ::sigemptyset(&set), ::sigaddset(&set, SIGUSR2);
  ::pthread_sigmask(SIG_BLOCK, &set, &before);
  const std::string status = Output({.argv = {"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"}, .env = {kPath}});
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  EXPECT_EQ(status, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST(Child, CanBeAnotherUserWithoutNewPrivileges) {
  if (::geteuid() != 0) {  // as anybody else it must fail, and say so
    EXPECT_EQ(Child::Spawn({.argv = {"id"}, .env = {kPath}, .uid = 0}).error().reason, "spawn-failed");
    return;
  }
  EXPECT_EQ(Output({.argv = {"sh", "-c", "id -u; id -g; id -G; grep NoNewPrivs /proc/self/status"},
                    .env = {kPath},
                    .no_new_privileges = true,
                    .uid = 12345,
                    .gid = 12346}),
            "12345\n12346\n12346\nNoNewPrivs:\t1\n");
}

TEST(Child, DiesWithItsParentIfAsked) {
  Pipe pipe;
  const pid_t parent = ::fork();
  if (parent == 0) {
    auto child =
        Child::Spawn({.argv = {"sh", "-c", "echo up; exec sleep 1000"}, .env = {kPath}, .out = pipe.write.get(), .parent_death_signal = SIGKILL});
    if (!child) ::_exit(1);
    ::pause();
  }
  pipe.write.Close();
  EXPECT_EQ(ReadUntil(pipe.read.get(), "up\n"), "up\n");
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  EXPECT_EQ(ReadUntil(pipe.read.get(), ""), "") << "the pipe closes when the child is dead";
}

// Each way in which a command may try to leave something behind. The pipe is closed only when every process that holds it is dead.
struct Way {
  const char* name;
  const char* program;  // Python; prints "up" when it is what its name says
};
class Containment : public testing::TestWithParam<Way> {};

TEST_P(Containment, LeavesNothingBehind) {
  ASSERT_TRUE(BecomeSubreaper());
  Pipe pipe;
  auto child = Child::Spawn({.argv = {"/usr/bin/python3", "-c", GetParam().program}, .env = {kPath}, .out = pipe.write.get()});
  ASSERT_TRUE(child) << child.error().message;
  pipe.write.Close();
  EXPECT_EQ(ReadUntil(pipe.read.get(), "up\n").substr(0, 3), "up\n");
  const auto killed = KillDescendants(60s, &*child);
  ASSERT_TRUE(killed) << killed.error().message;
  EXPECT_GE(*killed, 1u);
  EXPECT_TRUE(child->Wait(10s)->has_value());
  EXPECT_TRUE(Descendants(::getpid()).empty());
  const std::string rest = ReadUntil(pipe.read.get(), "");
  EXPECT_EQ(rest.find("nothing more came"), std::string::npos) << "somebody still holds the pipe";
}

const Way kWays[] = {
    {"GoesOn", "import time; print('up', flush=True); time.sleep(1000)"},
    // A daemon: new session, orphaned twice.
    {"Daemon", "import os, time\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0:\n  print('up', flush=True); time.sleep(1000)\n os._exit(0)"},
    {"IgnoresSignals",
     "import signal, time\nfor s in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}: signal.signal(s, signal.SIG_IGN)\n"
     "print('up', flush=True)\ntime.sleep(1000)"},
    // Each parent ends at once, so that the living one always has another number.
    {"ForksForEver", "import os, time\nprint('up', flush=True)\nwhile True:\n if os.fork(): os._exit(0)"},
    {"ForksForEverElsewhere", "import os, time\nprint('up', flush=True)\nwhile True:\n if os.fork(): os._exit(0)\n os.setsid()"},
    {"ForksWide", "import os, time\nprint('up', flush=True)\nfor i in range(7): os.fork()\ntime.sleep(1000)"},
    // It shows as a zombie while its other thread runs.
    {"FirstThreadEnded",
     "import threading, time, ctypes\nthreading.Thread(target=time.sleep, args=(1000,)).start()\nprint('up', flush=True)\n"
     "ctypes.CDLL(None).syscall(60, 0)"},
    // A name that looks like the fields of /proc/PID/stat behind it.
    {"OddName", "import ctypes, time\nctypes.CDLL(None).prctl(15, b') Z 1 1 1', 0, 0, 0)\nprint('up', flush=True)\ntime.sleep(1000)"},
};

INSTANTIATE_TEST_SUITE_P(Ways, Containment, testing::ValuesIn(kWays), [](const auto& info) { return std::string(info.param.name); });

TEST(Contain, NoDumpsHidesTheProcessFromItsOwnUser) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(NoDumps() && ::prctl(PR_GET_DUMPABLE) == 0 ? 0 : 1);
  int status = 1;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
}

// A cgroup v2 tree of this test's own, where the machine lets it have one; else only the refusal can be tested.
TEST(Cgroup, KillsAllInsideOrSaysThatThereIsNone) {
  char mount[] = "/tmp/remit_cgroup_XXXXXX";
  ASSERT_NE(::mkdtemp(mount), nullptr);
  const bool mounted = ::mount("none", mount, "cgroup2", 0, nullptr) == 0;
  auto group = Cgroup::CreateIn(mount, "remit-test-" + std::to_string(::getpid()));
  if (mounted && group) {
    Pipe pipe;
    auto child =
        Child::Spawn({.argv = {"sh", "-c", "setsid sleep 1000 & echo up; wait"}, .env = {kPath}, .out = pipe.write.get(), .cgroup = group->fd()});
    EXPECT_TRUE(child) << child.error().message;
    pipe.write.Close();
    EXPECT_EQ(ReadUntil(pipe.read.get(), "up\n"), "up\n");
    EXPECT_TRUE(group->Kill(10s));
    EXPECT_EQ(ReadUntil(pipe.read.get(), ""), "");
    EXPECT_TRUE(child->Wait(10s)->has_value());
    EXPECT_TRUE(group->Remove());
  } else {
    ASSERT_FALSE(group);
    EXPECT_EQ(group.error().reason, "no-cgroup");
  }
  if (mounted) ::umount(mount);
  ::rmdir(mount);
}

}  // namespace
}  // namespace remit::io
