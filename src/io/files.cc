#include "io/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/rng.h"

namespace remit::io {
namespace {

std::unexpected<Error> FileFailure(std::string_view reason, std::string_view what, const std::string& path) {
  const int number = errno;
  const Code code = number == ENOENT ? Code::kNotFound : number == EACCES || number == EPERM ? Code::kPermissionDenied : Code::kUnavailable;
  return Fail(code, reason, fmt::format("cannot {} `{}`: {}", what, path, std::strerror(number)));
}

Result<Fd> OpenToRead(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return FileFailure(errno == ENOENT ? "no-such-file" : "cannot-read-file", "read", path);
  return fd;
}

Result<std::string> ReadAll(const Fd& fd, const std::string& path, std::size_t max_bytes) {
  std::string content;
  content.resize(std::min<std::size_t>(max_bytes, 16u << 10) + 1);
  std::size_t size = 0;
  for (;;) {
    if (size == content.size()) content.resize(std::min(2 * content.size(), max_bytes + 1));
    const ssize_t got = ::read(fd.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileFailure("cannot-read-file", "read", path);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
    if (size > max_bytes) {
      return Fail(Code::kInvalidArgument, "file-too-large", fmt::format("file `{}` has more than {} bytes", path, max_bytes));
    }
  }
  content.resize(size);
  return content;
}

bool WriteAll(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t put = ::write(fd, content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

bool SyncFolder(const std::string& path) {
  const Fd folder(::open(FolderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder && ::fsync(folder.get()) == 0;
}

// A new file beside `path` with the content, synced. Returns its name.
Result<std::string> WriteBeside(const std::string& path, std::string_view content, mode_t mode) {
  SystemRng rng;
  std::string name = path + ".new-" + HexEncode(rng.Take(8));
  const Fd fd(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return FileFailure("cannot-write-file", "write", path);
  if (::fchmod(fd.get(), mode) != 0 || !WriteAll(fd.get(), content) || ::fsync(fd.get()) != 0) {
    auto failure = FileFailure("cannot-write-file", "write", path);
    ::unlink(name.c_str());
    return failure;
  }
  return name;
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = other.Release();
  }
  return *this;
}

void Fd::Close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<std::string> ReadFile(const std::string& path, std::size_t max_bytes) {
  REMIT_ASSIGN(const Fd fd, OpenToRead(path));
  return ReadAll(fd, path, max_bytes);
}

Result<Secret> ReadSecretFile(const std::string& path, std::size_t max_bytes) {
  REMIT_ASSIGN(const Fd fd, OpenToRead(path));
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return FileFailure("cannot-read-file", "read", path);
  const bool owner = status.st_uid == ::geteuid() || status.st_uid == 0;
  if (!S_ISREG(status.st_mode) || !owner || (status.st_mode & 077) != 0) {
    return Fail(Code::kPermissionDenied, "file-not-private",
                fmt::format("others than its owner may read or write `{}`, or it is no plain file", path), fmt::format("chmod 600 {}", path));
  }
  REMIT_ASSIGN(std::string content, ReadAll(fd, path, max_bytes));
  Secret secret(content);
  WipeMemory(content.data(), content.size());
  return secret;
}

Status WriteFileAtomic(const std::string& path, std::string_view content, mode_t mode) {
  REMIT_ASSIGN(const std::string name, WriteBeside(path, content, mode));
  if (::rename(name.c_str(), path.c_str()) != 0) {
    auto failure = FileFailure("cannot-write-file", "write", path);
    ::unlink(name.c_str());
    return failure;
  }
  if (!SyncFolder(path)) return FileFailure("cannot-write-file", "sync the folder of", path);
  return {};
}

Status WriteNewFile(const std::string& path, std::string_view content, mode_t mode) {
  REMIT_ASSIGN(const std::string name, WriteBeside(path, content, mode));
  const bool linked = ::link(name.c_str(), path.c_str()) == 0;  // unlike rename, it never replaces
  const int number = errno;
  ::unlink(name.c_str());
  if (!linked && number == EEXIST)
    return Fail(Code::kAlreadyExists, "file-exists", fmt::format("there is a file `{}` already", path), "give another name: nothing is overwritten");
  errno = number;
  if (!linked || !SyncFolder(path)) return FileFailure("cannot-write-file", "write", path);
  return {};
}

Result<FileLock> FileLock::Take(const std::string& path) {
  FileLock lock;
  lock.fd_ = Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.fd_) return FileFailure("cannot-lock-file", "lock", path);
  if (::flock(lock.fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return FileFailure("cannot-lock-file", "lock", path);
    char holder[16] = {};
    const ssize_t size = ::pread(lock.fd_.get(), holder, sizeof holder - 1, 0);
    std::string_view pid(holder, size > 0 ? static_cast<std::size_t>(size) : 0);
    while (!pid.empty() && (pid.back() < '0' || pid.back() > '9')) pid.remove_suffix(1);
    return Fail(Code::kFailedPrecondition, "locked", fmt::format("`{}` is locked by process {}", path, pid.empty() ? "?" : pid));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock.fd_.get(), 0) != 0 || !WriteAll(lock.fd_.get(), pid)) return FileFailure("cannot-lock-file", "write", path);
  return lock;
}

}  // namespace remit::io
