// The master key's file, and what is derived from the key.
#include "crypto/master_key.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "crypto/hash.h"

namespace remit::crypto {
namespace {

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::unexpected<Error> Refuse(Code code, std::string_view reason, const std::string& path, std::string message, std::string hint) {
  return Fail(Error(code, reason, std::move(message)).At(path).Hint(std::move(hint)));
}

Status CheckFile(const std::string& path, const struct stat& info, mode_t allowed) {
  const auto unsafe = [&](std::string message, std::string hint) {
    return Refuse(Code::kFailedPrecondition, "master-key-unsafe", path, std::move(message), std::move(hint));
  };
  if (!S_ISREG(info.st_mode)) return unsafe("the master key is not a regular file", "name a file that holds 32 random bytes");
  if (info.st_uid != ::geteuid() && info.st_uid != 0)
    return unsafe(fmt::format("the master key belongs to user {}, not to the one that remit runs as ({})", info.st_uid, ::geteuid()),
                  fmt::format("chown it to {}", ::geteuid()));
  if (const mode_t mode = info.st_mode & 07777; (mode & ~allowed) != 0)
    return unsafe(fmt::format("the master key has mode {:04o}: others can reach it", static_cast<unsigned>(mode)), fmt::format("chmod 600 {}", path));
  return {};
}

// The file's bytes: one more than a key is read, so that a longer file shows.
Result<Bytes> ReadChecked(const std::string& path, mode_t allowed) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0)
    return Refuse(Code::kFailedPrecondition, "master-key-missing", path, fmt::format("cannot open the master key: {}", std::strerror(errno)),
                  "`remit init` makes one; a store can only be read with the key that it was made with");
  struct stat info{};
  REMIT_CHECK(::fstat(file.get(), &info) == 0);
  REMIT_TRY(CheckFile(path, info, allowed));
  Bytes bytes(SymmetricKey::kBytes + 1);
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  bytes.resize(size);
  return bytes;
}

Result<MasterKey> Read(const std::string& path, mode_t allowed) {
  REMIT_ASSIGN(Bytes bytes, ReadChecked(path, allowed));
  auto key = MasterKey::FromBytes(bytes);
  WipeMemory(bytes.data(), bytes.size());
  if (!key) return Fail(std::move(key).error().At(path));
  return key;
}

bool WriteAndSync(int fd, ByteView bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    done += static_cast<std::size_t>(wrote);
  }
  return ::fsync(fd) == 0;
}

bool SyncFolderOf(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  const File file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return file.get() >= 0 && ::fsync(file.get()) == 0;
}

}  // namespace

MasterKey::MasterKey(SymmetricKey key) : key_(std::move(key)) {
  const Hash hash = Sha256Concat({AsBytes("remit master key id v1\n"), key_.Reveal()});
  id_ = HexEncode(ByteView(hash).first(8));
}

Result<MasterKey> MasterKey::ReadFile(const std::string& path) { return Read(path, 0600); }

Result<MasterKey> MasterKey::ReadSystemdCredential(const std::string& path) { return Read(path, 0640); }

Result<MasterKey> MasterKey::CreateFile(const std::string& path, Rng& rng) {
  const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0 && errno == EEXIST)
    return Refuse(Code::kAlreadyExists, "master-key-exists", path, "there is a file already, and a master key is never overwritten",
                  "choose another path");
  const auto failed = [&] {
    return Refuse(Code::kUnavailable, "master-key-unwritable", path, fmt::format("cannot write the master key: {}", std::strerror(errno)),
                  "check the folder's owner, mode and free space");
  };
  if (file.get() < 0) return failed();
  MasterKey key = Random(rng);
  // The mode of open() is cut by the umask, and a umask of 0700 would make a key that nobody can read.
  if (::fchmod(file.get(), 0600) != 0 || !WriteAndSync(file.get(), key.key_.Reveal()) || !SyncFolderOf(path)) {
    auto error = failed();
    ::unlink(path.c_str());  // half a key is no key
    return error;
  }
  return key;
}

MasterKey MasterKey::Random(Rng& rng) { return MasterKey(SymmetricKey::Random(rng)); }

Result<MasterKey> MasterKey::FromBytes(ByteView bytes) {
  auto key = SymmetricKey::FromBytes(bytes);
  if (!key)
    return Fail(Code::kFailedPrecondition, "master-key-malformed", "a master key is exactly 32 bytes",
                "restore the file from its backup, or make a new store");
  return MasterKey(std::move(key).value());
}

SymmetricKey MasterKey::Derive(std::string_view purpose) const {
  Bytes bytes = HkdfSha256(key_.Reveal(), AsBytes("remit master key v1"), AsBytes(purpose), SymmetricKey::kBytes);
  auto key = SymmetricKey::FromBytes(bytes);
  WipeMemory(bytes.data(), bytes.size());
  return std::move(key).value();
}

}  // namespace remit::crypto
