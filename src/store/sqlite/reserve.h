// Space that is kept for ends: a file beside the database whose blocks are allocated and hold nothing. When the disk is full it is cut
// back a slice at a time, so that nobody else on the disk can take the rest; when there is space again it is made whole.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "store/sqlite/lock.h"

namespace remit::store::sqlite {

// How the disk is asked and used; tests have one of their own.
class DiskSpace {
 public:
  virtual ~DiskSpace() = default;
  // Bytes that this process may still write on the file system of `fd`.
  virtual std::uint64_t Free(int fd);
  // Makes the file `size` bytes long, with blocks behind all of them.
  virtual bool Allocate(int fd, std::uint64_t size);
};

// Used by the writer's thread alone.
class Reserve {
 public:
  static constexpr std::uint64_t kSliceBytes = 1u << 20;      // given back at a time: some hundred ends
  static constexpr std::uint64_t kLogRoomBytes = 512u << 10;  // stays free when slices are taken back
  static constexpr std::uint64_t kHeadroomBytes = 2u << 20;   // free beyond the reserve before ordinary work goes on: no flapping

  // Opens "<database>-reserve" and takes what it holds; `target` bytes are wanted (0: none). Call Refill() next. Errors: OpenPrivate's.
  static Result<Reserve> Open(const std::string& database, std::uint64_t target, DiskSpace& disk);

  // Whether it is whole.
  bool whole() const { return size_ >= target_; }
  std::uint64_t size() const { return size_; }

  // Gives one slice back to the disk. False: there is none left.
  bool Release();

  // Takes back what slices the disk has room for, while it is not whole: space that the log gave back is kept for ends, and not left to
  // whoever writes next. Something stays free for the log itself, and the last slice is Refill's: only ends are written until then.
  void Regrow();

  // Makes it whole if the disk has room for it and kHeadroomBytes beyond. True: it is whole.
  bool Refill();

 private:
  Reserve(Fd fd, std::uint64_t size, std::uint64_t target, DiskSpace& disk) : fd_(std::move(fd)), size_(size), target_(target), disk_(&disk) {}

  Fd fd_;
  std::uint64_t size_, target_;
  DiskSpace* disk_;
};

}  // namespace remit::store::sqlite
