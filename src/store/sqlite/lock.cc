#include "store/sqlite/lock.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/text.h"

namespace remit::store::sqlite {
namespace {

std::unexpected<Error> SystemError(std::string_view what, const std::string& path) {
  const int error = errno;
  if (error == ELOOP)
    return Fail(Code::kFailedPrecondition, "store-failed", fmt::format("`{}` is a symbolic link", path), "give the path that it points to");
  if (error == ENOSPC || error == EDQUOT) return Fail(Code::kResourceExhausted, "store-full", fmt::format("{} `{}`: the disk is full", what, path));
  return Fail(Code::kUnavailable, "store-failed", fmt::format("{} `{}`: {}", what, path, std::strerror(error)));
}

std::unexpected<Error> InUse(const std::string& database, std::string_view holder) {
  return Fail(Code::kFailedPrecondition, "store-in-use",
              holder.empty() ? fmt::format("the store `{}` is in use by another server", database)
                             : fmt::format("the store `{}` is in use by the server with process id {}", database, holder),
              "stop that server, or give this one a store of its own");
}

std::string Holder(const std::string& database) {
  const Fd fd(open((database + "-lock").c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  char text[32];
  const ssize_t size = fd.empty() ? 0 : read(fd.get(), text, sizeof text);
  return size > 0 ? EscapeControl(Trim(std::string_view(text, static_cast<std::size_t>(size)))) : "";
}

bool Lock(int fd) {
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

Result<Fd> OpenFile(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (fd.empty()) return SystemError("cannot open", path);
  struct stat info{};
  if (fstat(fd.get(), &info) != 0) return SystemError("cannot read", path);
  if (!S_ISREG(info.st_mode)) return Fail(Code::kFailedPrecondition, "store-failed", fmt::format("`{}` is not a regular file", path));
  return fd;
}

Status CheckPrivate(const Fd& fd, const std::string& path) {
  struct stat info{};
  if (fstat(fd.get(), &info) != 0) return SystemError("cannot read", path);
  if ((info.st_mode & 077) == 0) return {};
  return Fail(Code::kFailedPrecondition, "store-not-private", fmt::format("`{}` may be used by others (mode {:04o})", path, info.st_mode & 07777u),
              fmt::format("chmod 600 {}", path));
}

Result<Fd> OpenPrivate(const std::string& path) {
  REMIT_ASSIGN(Fd fd, OpenFile(path));
  REMIT_TRY(CheckPrivate(fd, path));
  return fd;
}

Status PrepareFolder(const std::string& database) {
  const std::size_t slash = database.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : database.substr(0, slash);
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return SystemError("cannot make the folder", folder);
  struct stat info{};
  if (stat(folder.c_str(), &info) != 0) return SystemError("cannot read the folder", folder);
  // Whoever may write here could put another file in the store's place.
  if ((info.st_mode & 022) != 0) {
    return Fail(Code::kFailedPrecondition, "store-not-private",
                fmt::format("others may write into the folder `{}` (mode {:04o})", folder, info.st_mode & 07777u),
                (info.st_mode & S_ISVTX) != 0 ? "give the store a folder of its own: this one is everybody's" : fmt::format("chmod 700 {}", folder));
  }
  return {};
}

Result<StoreLock> StoreLock::TakeDatabase(const std::string& database) {
  StoreLock lock;
  REMIT_ASSIGN(lock.database_, OpenFile(database));
  if (!Lock(lock.database_.get())) return InUse(database, Holder(database));
  return lock;
}

Status StoreLock::TakeFile(const std::string& database) {
  const std::string path = database + "-lock";
  REMIT_ASSIGN(file_, OpenPrivate(path));
  if (!Lock(file_.get())) return InUse(database, Holder(database));
  // For people; nobody decides by it, so a full disk must not matter.
  const std::string pid = fmt::format("{}\n", getpid());
  if (ftruncate(file_.get(), 0) != 0 || pwrite(file_.get(), pid.data(), pid.size(), 0) < 0) return {};
  return {};
}

}  // namespace remit::store::sqlite
