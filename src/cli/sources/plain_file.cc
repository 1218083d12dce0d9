#include "cli/sources/plain_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"
#include "io/files.h"

namespace remit::cli {
namespace {

std::unexpected<Error> CannotRead(const std::string& path) {
  const int number = errno;
  const std::string message = fmt::format("cannot read `{}`: {}", EscapeControl(path), std::strerror(number));
  if (number == ENOENT) return Fail(Code::kNotFound, "no-such-file", message);
  return Fail(number == EACCES ? Code::kPermissionDenied : Code::kUnavailable, "cannot-read-file", message);
}

std::unexpected<Error> NotPlain(const std::string& path) {
  return Fail(Code::kInvalidArgument, "not-a-plain-file", fmt::format("`{}` is no plain file", EscapeControl(path)),
              "put a copy there: in a folder links are not followed, and pipes and devices are not read");
}

}  // namespace

Result<std::string> ReadPlainFile(const std::string& path, std::size_t max_bytes, bool may_be_link) {
  const io::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (may_be_link ? 0 : O_NOFOLLOW)));
  if (!fd && (errno == ELOOP || errno == ENXIO)) return NotPlain(path);  // a link; a socket
  struct stat status{};
  if (!fd || ::fstat(fd.get(), &status) != 0) return CannotRead(path);
  if (!S_ISREG(status.st_mode)) return NotPlain(path);
  std::string content;
  char buffer[16384];
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return CannotRead(path);
    if (got == 0) return content;
    content.append(buffer, static_cast<std::size_t>(got));
    if (content.size() > max_bytes)
      return Fail(Code::kInvalidArgument, "file-too-large", fmt::format("file `{}` has more than {} bytes", EscapeControl(path), max_bytes));
  }
}

}  // namespace remit::cli
