// The master key: 256 bits in a file outside the data folder, and the keys derived from it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/rng.h"
#include "crypto/seal.h"

namespace remit::crypto {

class MasterKey {
 public:
  // Reads exactly 32 raw bytes. The file must be a regular one of the process's own user (or root's), with mode 0600 or 0400.
  // Errors: `master-key-missing`, `master-key-unsafe` (owner, mode, no regular file), `master-key-malformed` (size), all with the path
  // as place and a hint.
  static Result<MasterKey> ReadFile(const std::string& path);
  // The same for a systemd credential, which systemd may give to the service by an access list: group read is then no alarm.
  static Result<MasterKey> ReadSystemdCredential(const std::string& path);
  // Makes a new key and writes it with mode 0600, synced to disk. Never overwrites. Errors: `master-key-exists`, `master-key-unwritable`.
  static Result<MasterKey> CreateFile(const std::string& path, Rng& rng);
  // A key that lives in memory only.
  static MasterKey Random(Rng& rng);
  // From 32 bytes. Errors: `master-key-malformed`.
  static Result<MasterKey> FromBytes(ByteView bytes);

  // 16 hex digits that tell keys apart and nothing about the key: the first 8 bytes of a labelled SHA-256.
  const std::string& id() const { return id_; }

  // A key for one purpose (HKDF-SHA-256). Different purposes give independent keys.
  SymmetricKey Derive(std::string_view purpose) const;

 private:
  explicit MasterKey(SymmetricKey key);

  SymmetricKey key_;
  std::string id_;
};

}  // namespace remit::crypto
