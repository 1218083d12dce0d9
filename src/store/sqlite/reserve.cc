#include "store/sqlite/reserve.h"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace remit::store::sqlite {

std::uint64_t DiskSpace::Free(int fd) {
  struct statvfs info{};
  if (fstatvfs(fd, &info) != 0) return 0;
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

bool DiskSpace::Allocate(int fd, std::uint64_t size) { return posix_fallocate(fd, 0, static_cast<off_t>(size)) == 0; }

Result<Reserve> Reserve::Open(const std::string& database, std::uint64_t target, DiskSpace& disk) {
  REMIT_ASSIGN(Fd fd, OpenPrivate(database + "-reserve"));
  struct stat info{};
  if (fstat(fd.get(), &info) != 0) info = {};
  std::uint64_t size = static_cast<std::uint64_t>(info.st_size);
  // A sparse copy (of a restored backup) reserves nothing; and what is more than wanted goes back.
  if (static_cast<std::uint64_t>(info.st_blocks) * 512 < size) size = 0;
  size = std::min(size, target);
  if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0) size = 0;
  return Reserve(std::move(fd), size, target, disk);
}

bool Reserve::Release() {
  if (size_ == 0) return false;
  const std::uint64_t size = size_ - std::min(size_, kSliceBytes);
  if (ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return false;
  size_ = size;
  return true;
}

void Reserve::Regrow() {
  while (size_ + kSliceBytes < target_ && disk_->Free(fd_.get()) >= kSliceBytes + kLogRoomBytes) {
    const std::uint64_t size = size_ + kSliceBytes;
    if (!disk_->Allocate(fd_.get(), size)) {
      if (ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) size_ = 0;
      return;
    }
    size_ = size;
  }
}

bool Reserve::Refill() {
  if (whole()) return true;
  if (disk_->Free(fd_.get()) < target_ - size_ + kHeadroomBytes) return false;
  if (!disk_->Allocate(fd_.get(), target_)) {
    // Half an allocation is no reserve, and takes what ends could use.
    if (ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) size_ = 0;
    return false;
  }
  size_ = target_;
  return true;
}

}  // namespace remit::store::sqlite
