// Files, done with care: an owner for descriptors, reading with a limit, writing that is all or nothing, and locks.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/secret.h"

namespace remit::io {

// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { Close(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Close();

 private:
  int fd_ = -1;
};

// The whole file. Errors: `no-such-file`, `cannot-read-file`, `file-too-large` (more than `max_bytes`).
Result<std::string> ReadFile(const std::string& path, std::size_t max_bytes);

// The whole file, which must be a plain file that belongs to this user or root and that group and others can neither read nor write.
// Errors: those of ReadFile, and `file-not-private`.
Result<Secret> ReadSecretFile(const std::string& path, std::size_t max_bytes);

// Puts `content` in the place of `path`: a new file beside it, written, synced, renamed, and the folder synced. After a crash there is the
// old content or the new one. `mode` is set exactly, whatever the umask. Errors: `cannot-write-file`.
Status WriteFileAtomic(const std::string& path, std::string_view content, mode_t mode = 0644);

// Makes the file only if there is none (for keys that must never be overwritten). Errors: `file-exists`, `cannot-write-file`.
Status WriteNewFile(const std::string& path, std::string_view content, mode_t mode);

// A lock that one process holds, until it is destroyed or the process ends, however it ends.
class FileLock {
 public:
  // Takes it at once or not at all; makes the file if needed (mode 0600), and writes this process's id into it.
  // Errors: `locked` (message names the holder's pid), `cannot-lock-file`.
  static Result<FileLock> Take(const std::string& path);

 private:
  Fd fd_;
};

}  // namespace remit::io
