// One server for one store. Two locks, both of the kernel's and gone with the process however it ends: on a file beside the database,
// which also names the holder, and on the database itself, so that removing the file beside it admits nobody.
#pragma once

#include <string>

#include "base/result.h"

namespace remit::store::sqlite {

// A file descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  int get() const { return fd_; }
  bool empty() const { return fd_ < 0; }

 private:
  int fd_ = -1;
};

// Opens a file of the store, made with mode 0600 where it is missing. Errors: `store-failed` (also where the last part of the path is a
// symbolic link, or no regular file), `store-full`.
Result<Fd> OpenFile(const std::string& path);

// Errors: `store-not-private`: others than its owner may read or write the file.
Status CheckPrivate(const Fd& fd, const std::string& path);

// Both.
Result<Fd> OpenPrivate(const std::string& path);

// Makes the folder with mode 0700 where it is missing. Errors: `store-failed`, `store-not-private` (others may write into it).
Status PrepareFolder(const std::string& database);

class StoreLock {
 public:
  // Locks the database file (made empty where it is missing). Errors: `store-in-use`, OpenFile's.
  // INVARIANT: must outlive every SQLite connection of this process to the file: closing a descriptor of a file drops the locks that
  // SQLite holds on it (fcntl(2)).
  static Result<StoreLock> TakeDatabase(const std::string& database);
  // Takes the lock file "<database>-lock" as well and writes the process id into it. Errors: `store-in-use`, OpenPrivate's.
  Status TakeFile(const std::string& database);
  const Fd& database() const { return database_; }

 private:
  Fd database_, file_;
};

}  // namespace remit::store::sqlite
