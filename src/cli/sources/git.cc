#include "cli/sources/git.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "io/child.h"
#include "io/files.h"

namespace remit::cli {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kGitTime{60};            // of all calls together
constexpr rlim_t kGitFileBytes = 256u << 20;            // of a file that Git writes: one commit of facts is far smaller
constexpr std::size_t kGitListBytes = 1u << 20;         // of a folder's list
constexpr std::size_t kGitSaid = 64u << 10;             // of what it says when it fails
constexpr std::string_view kRef = "refs/remit/source";  // where the commit is kept
constexpr std::string_view kAsksWho = "a repository that asks who you are is fetched by yourself: name your copy with git+file://";
constexpr std::string_view kCommands[] = {"init", "ls-remote", "fetch", "rev-parse", "cat-file", "ls-tree"};

// What to do about what Git says when it fails; "" where nobody knows.
std::string GitHint(std::string_view said) {
  constexpr std::pair<std::string_view, std::string_view> kHints[] = {
      {"dubious ownership", "this copy belongs to another user: sync as that user, or make a copy of your own (`git clone --bare`) and name it"},
      {"does not appear to be a git repository", "there is no repository at this path: name its top folder, before the `#`"},
      {"find remote ref HEAD", "the repository has no commit on its default branch: name another, #BRANCH:PATH"},
      {"not our ref", "the repository does not have this commit, or not where others may fetch it: name a branch or a tag"},
      {"could not read Username", kAsksWho},
      {"could not read Password", kAsksWho},
      {"Authentication failed", kAsksWho},
      {"not found", "is the address right? One that asks who you are can say this too: fetch it yourself, and name your copy with git+file://"}};
  const auto* known = std::ranges::find_if(kHints, [said](const auto& hint) { return said.find(hint.first) != said.npos; });
  return known == std::end(kHints) ? "" : std::string(known->second);
}

// A folder of this call's own, gone with it.
class Scratch {
 public:
  static Result<Scratch> Make() {
    const char* base = ::getenv("TMPDIR");
    std::string path = fmt::format("{}/remit-facts-XXXXXX", base != nullptr && *base == '/' ? base : "/tmp");
    if (::mkdtemp(path.data()) == nullptr)
      return Fail(Code::kUnavailable, "no-temporary-folder", fmt::format("cannot make `{}`: {}", path, std::strerror(errno)));
    return Scratch(std::move(path));
  }
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// Children inherit it: a repository that never ends does not fill the disk.
class FileSizeLimit {
 public:
  FileSizeLimit() {
    if (::getrlimit(RLIMIT_FSIZE, &before_) != 0) return;
    rlimit now = before_;
    now.rlim_cur = std::min(before_.rlim_cur, kGitFileBytes);
    changed_ = ::setrlimit(RLIMIT_FSIZE, &now) == 0;
  }
  ~FileSizeLimit() {
    if (changed_) (void)::setrlimit(RLIMIT_FSIZE, &before_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  bool changed_ = false;
};

class Git {
 public:
  Git(std::string folder, const std::string& ca_file) : folder_(std::move(folder)), until_(Steady::now() + kGitTime) {
    const char* path = ::getenv("PATH");
    env_ = {fmt::format("PATH={}", path == nullptr ? "/usr/bin:/bin" : path),
            "HOME=" + folder_,
            "LC_ALL=C",
            "GIT_CONFIG_NOSYSTEM=1",
            "GIT_CONFIG_GLOBAL=/dev/null",
            "GIT_ATTR_NOSYSTEM=1",
            "GIT_TERMINAL_PROMPT=0",
            "GIT_ASKPASS=/bin/false",
            "SSH_ASKPASS=/bin/false",
            "GIT_ALLOW_PROTOCOL=file:https",
            "GIT_PROTOCOL_FROM_USER=0",
            "GIT_DIR=" + folder_ + "/repository"};
    if (!ca_file.empty()) env_.push_back("GIT_SSL_CAINFO=" + std::filesystem::absolute(ca_file).string());
  }

  // What it says on its standard output, at most `most` bytes.
  Result<std::string> Run(std::vector<std::string> arguments, std::size_t most) {
    std::vector<std::string> argv = {
        "git",       "-c", "core.hooksPath=/dev/null", "-c", "http.followRedirects=false", "-c", "credential.helper=", "-c",
        "gc.auto=0", "-c", "maintenance.auto=false",   "-c", "submodule.recurse=false"};
    std::ranges::move(arguments, std::back_inserter(argv));
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return Fail(Code::kUnavailable, "spawn-failed", std::strerror(errno));
    io::Fd out(ends[0]), in_child(ends[1]);
    io::Fd said(::open((folder_ + "/said").c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600)),
        nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    io::ChildOptions options{.argv = argv, .env = env_, .directory = folder_, .in = nothing.get(), .out = in_child.get(), .err = said.get()};
    options.parent_death_signal = SIGKILL;
    options.no_new_privileges = true;
    Result<io::Child> child = Spawn(options);
    if (!child) return std::unexpected(std::move(child.error()));
    in_child.Close();
    Result<std::string> text = Read(out.get(), most);
    if (!text) {
      child->SignalGroup(SIGKILL);
      REMIT_TRY(child->Wait());
      return text;
    }
    REMIT_ASSIGN(const std::optional<io::Exit> exit, child->Wait(std::max<Duration>(Left(), Duration(1))));
    if (!exit) {
      child->SignalGroup(SIGKILL);
      REMIT_TRY(child->Wait());
      return TooLate();
    }
    if (exit->signaled || exit->value != 0) return Failed(argv);
    return text;
  }

 private:
  static Result<io::Child> Spawn(const io::ChildOptions& options) {
    const FileSizeLimit limit;
    Result<io::Child> child = io::Child::Spawn(options);
    if (!child && child.error().reason == "command-not-found")
      return Fail(Code::kFailedPrecondition, "no-git", "there is no program `git` in PATH", "install it, or name a file or a URL");
    return child;
  }

  Duration Left() const { return std::chrono::duration_cast<Duration>(until_ - Steady::now()); }
  static std::unexpected<Error> TooLate() {
    return Fail(Code::kDeadlineExceeded, "call-timeout", fmt::format("git was not done within {} s", kGitTime.count()));
  }

  Result<std::string> Read(int fd, std::size_t most) const {
    std::string text;
    char buffer[16384];
    while (true) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(Left()).count();
      if (left <= 0) return TooLate();
      pollfd ready{fd, POLLIN, 0};
      const int polled = ::poll(&ready, 1, static_cast<int>(left));
      if (polled == 0 || (polled < 0 && errno == EINTR)) continue;
      const ssize_t size = ::read(fd, buffer, sizeof buffer);
      if (size == 0) return text;
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return Fail(Code::kUnavailable, "git-failed", std::strerror(errno));
      text.append(buffer, static_cast<std::size_t>(size));
      if (text.size() > most) return Fail(Code::kInvalidArgument, "source-too-large", fmt::format("git gives more than {} bytes", most));
    }
  }

  std::unexpected<Error> Failed(const std::vector<std::string>& argv) const {
    const Result<std::string> said = io::ReadFile(folder_ + "/said", kGitSaid);
    std::string line;  // the first that is fatal says what is wrong; those behind it what did not follow
    for (const std::string& one : Split(said ? *said : "", '\n'))
      if (line.empty() || (one.starts_with("fatal: ") && !line.starts_with("fatal: "))) line = one;
    const auto command = std::ranges::find_if(argv, [](const std::string& one) { return std::ranges::find(kCommands, one) != std::end(kCommands); });
    return Fail(Code::kUnavailable, "git-failed",
                fmt::format("git {}: {}", command == argv.end() ? "" : *command, line.empty() ? "failed" : EscapeControl(line)),
                GitHint(said ? *said : ""));
  }

  std::string folder_;
  std::vector<std::string> env_;
  Steady::time_point until_;
};

struct Entry {
  std::string name, id;
};

// Of `git ls-tree -z`: "100644 blob ID\tNAME\0". Files alone: a link says where, not what.
std::vector<Entry> JsonFiles(const std::string& list) {
  std::vector<Entry> entries;
  for (const std::string& line : Split(list, '\0')) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string::npos || !(line.starts_with("100644 blob ") || line.starts_with("100755 blob "))) continue;
    Entry entry{line.substr(tab + 1), line.substr(12, tab - 12)};
    if (entry.name.ends_with(".json") && !entry.name.starts_with('.')) entries.push_back(std::move(entry));
  }
  std::ranges::sort(entries, {}, &Entry::name);
  return entries;
}

Result<std::string> Line(Result<std::string> text) {
  if (text && text->ends_with('\n')) text->pop_back();
  return text;
}

// Forty digits, the id of a commit in a repository of SHA-1, which the one that is fetched into is: Git takes anything else for a name.
bool IsCommitId(std::string_view ref) { return ref.size() == 40 && ref.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos; }

struct Tip {
  std::string name;  // in full; an id or `HEAD` as it was given
  std::string id;    // of what the repository says is there; "" where it was not asked
};

// What is to be fetched, by a name that Git can read in one way alone. INVARIANT: it is never left to Git to complete a name: it would look among the
// tags first, and whoever may make a tag (or a branch, of what was meant as a tag) is not who may say what the facts are.
Result<Tip> Find(Git& git, const GitSource& source) {
  if (source.ref == "HEAD" || IsCommitId(source.ref)) return Tip{source.ref, ""};
  std::vector<std::string> names = {source.ref};
  if (!source.ref.starts_with("refs/")) names = {"refs/heads/" + source.ref, "refs/tags/" + source.ref};
  std::vector<std::string> asked = {"ls-remote", "--quiet", "--refs", "--", source.url};
  asked.insert(asked.end(), names.begin(), names.end());
  REMIT_ASSIGN(const std::string list, git.Run(asked, kGitListBytes));
  std::vector<Tip> found;
  for (const std::string& line : Split(list, '\n')) {  // "ID\tNAME", also of names that only end like this
    const std::size_t tab = line.find('\t');
    if (tab != std::string::npos && std::ranges::find(names, line.substr(tab + 1)) != names.end())
      found.push_back({line.substr(tab + 1), line.substr(0, tab)});
  }
  if (found.empty())
    return Fail(Code::kNotFound, "no-such-source",
                fmt::format("there is no {} `{}` in the repository", names.size() == 1 ? "ref" : "branch or tag", source.ref),
                "`git ls-remote` of it lists what there is");
  if (found.size() > 1)
    return Fail(Code::kFailedPrecondition, "ambiguous-source", fmt::format("`{}` is both a branch and a tag of the repository", source.ref),
                fmt::format("write #{} or #{}, whichever was meant", names[0], names[1]));
  return found.front();
}

}  // namespace

Result<GitFiles> FetchFromGit(const GitSource& source, const std::string& ca_file) {
  REMIT_ASSIGN(const Scratch scratch, Scratch::Make());
  Git git(scratch.path(), ca_file);
  REMIT_TRY(git.Run({"init", "--quiet", "--bare", "--template="}, kGitSaid));
  REMIT_ASSIGN(const Tip tip, Find(git, source));
  REMIT_TRY(git.Run({"fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance", "--", source.url,
                     fmt::format("+{}:{}", tip.name, kRef)},
                    kGitSaid));
  REMIT_ASSIGN(const std::string fetched, Line(git.Run({"rev-parse", "--verify", std::string(kRef)}, kGitSaid)));
  if (!tip.id.empty() && fetched != tip.id)
    return Fail(Code::kUnavailable, "git-failed", fmt::format("`{}` became another while it was fetched", tip.name), "sync again");
  GitFiles read;
  REMIT_ASSIGN(read.commit, Line(git.Run({"rev-parse", "--verify", fmt::format("{}^{{commit}}", kRef)}, kGitSaid)));
  // From here on an object is named by the commit's id, so that nothing that was named begins an argument.
  const std::string place = fmt::format("{}:{}", read.commit, source.path);
  Result<std::string> kind = Line(git.Run({"cat-file", "-t", place}, kGitSaid));
  if (!kind && kind.error().reason == "git-failed")
    return Fail(Code::kNotFound, "no-such-source",
                fmt::format("there is no `{}` in commit {}", EscapeControl(source.path), read.commit.substr(0, 12)),
                "the path begins at the top of the repository, and what is not committed is not read");
  if (!kind) return std::unexpected(std::move(kind.error()));
  std::vector<Entry> entries = {{source.path, place}};
  read.is_folder = *kind == "tree";
  if (read.is_folder) {
    REMIT_ASSIGN(const std::string list, git.Run({"ls-tree", "-z", place}, kGitListBytes));
    entries = JsonFiles(list);
  }
  std::size_t left = limits::kHttpLargeBodyBytes;
  for (const Entry& entry : entries) {
    REMIT_ASSIGN(std::string text, git.Run({"cat-file", "blob", entry.id}, left));
    left -= text.size();
    read.files.push_back({entry.name, std::move(text)});
  }
  return read;
}

}  // namespace remit::cli
