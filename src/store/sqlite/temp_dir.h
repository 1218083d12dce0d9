// A folder of a test's own, gone with it. In memory where the machine has such a file system: what these tests show does not depend on
// the disk, and waiting for it does not make them better.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include <unistd.h>

#include "base/result.h"

namespace remit::store::sqlite {

class TempDir {
 public:
  TempDir() {
    const bool memory = access("/dev/shm", W_OK) == 0;
    std::string path = ((memory ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path()) / "remit-store-XXXXXX").string();
    REMIT_CHECK(mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  std::string File(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace remit::store::sqlite
