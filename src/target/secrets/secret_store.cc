#include "target/secrets/secret_store.h"

#include <set>

#include <fmt/format.h>

#include "base/limits.h"
#include "crypto/envelope.h"
#include "crypto/seal.h"
#include "task/secret_path.h"

namespace remit::target::secrets {
namespace {

// A row's key is the path, a zero byte, and the version in eight hex digits, so that versions of one path stand together in order.
std::string KeyOf(std::string_view path, std::uint32_t version) { return fmt::format("{}{}{:08x}", path, '\0', version); }

// What ties an envelope to its row.
Bytes ContextOf(std::string_view path, std::uint32_t version) { return crypto::AssociatedData({"remit secret v1", path, std::to_string(version)}); }

std::unexpected<Error> NoSuchSecret(std::string_view path) { return Fail(Code::kNotFound, "no-such-secret", fmt::format("no secret `{}`", path)); }

// A row's value: eight bytes of microseconds, then the envelope.
std::string EncodeRow(Time written, ByteView envelope) {
  std::string row;
  auto micros = static_cast<std::uint64_t>(Micros(written));
  for (int shift = 56; shift >= 0; shift -= 8) row += static_cast<char>(micros >> shift & 0xFF);
  row += AsText(envelope);
  return row;
}

Result<Version> DecodeRow(const crypto::MasterKey& master, std::string_view path, std::uint32_t number, std::string_view row) {
  if (row.size() < 8) return Fail(Code::kCorrupt, "store-corrupt", fmt::format("row of secret `{}` is too short", path));
  std::uint64_t micros = 0;
  for (int i = 0; i < 8; ++i) micros = micros << 8 | static_cast<std::uint8_t>(row[static_cast<std::size_t>(i)]);
  REMIT_ASSIGN(crypto::Envelope envelope, crypto::DecodeEnvelope(AsBytes(row.substr(8))));
  REMIT_ASSIGN(Secret value, crypto::OpenEnvelope(master, envelope, ContextOf(path, number)));
  return Version{number, FromMicros(static_cast<std::int64_t>(micros)), std::move(value)};
}

}  // namespace

Result<std::vector<std::uint32_t>> SecretStore::Versions(std::string_view path) const {
  std::vector<std::uint32_t> versions;
  std::string prefix = std::string(path) + '\0';
  REMIT_TRY(store_.Scan(store::Table::kSecret, prefix, [&](std::string_view key, std::string_view) {
    versions.push_back(static_cast<std::uint32_t>(std::stoul(std::string(key.substr(prefix.size())), nullptr, 16)));
    return true;
  }));
  return versions;
}

Result<Version> SecretStore::Read(std::string_view path, std::optional<std::uint32_t> version) const {
  REMIT_TRY(task::CheckSecretPath(path));
  if (!version) {
    REMIT_ASSIGN(std::vector<std::uint32_t> versions, Versions(path));
    if (versions.empty()) return NoSuchSecret(path);
    version = versions.back();
  }
  REMIT_ASSIGN(std::optional<std::string> row, store_.Get(store::Table::kSecret, KeyOf(path, *version)));
  if (!row) return NoSuchSecret(path);
  return DecodeRow(master_, path, *version, *row);
}

Result<std::uint32_t> SecretStore::PrepareWrite(std::string_view path, const Secret& value, Time now, store::Batch& batch) const {
  REMIT_TRY(task::CheckSecretPath(path));
  if (value.size() > limits::kSecretBytes)
    return Fail(Code::kInvalidArgument, "secret-too-large",
                fmt::format("a secret has at most {} bytes, this one has {}", limits::kSecretBytes, value.size()));
  REMIT_ASSIGN(std::vector<std::uint32_t> versions, Versions(path));
  std::uint32_t next = versions.empty() ? 1 : versions.back() + 1;
  std::string key = KeyOf(path, next);
  crypto::Envelope envelope = crypto::SealEnvelope(master_, value.RevealBytes(), ContextOf(path, next), rng_);
  batch.expects.push_back({store::Table::kSecret, key, std::nullopt});
  batch.writes.push_back({store::Table::kSecret, key, EncodeRow(now, crypto::EncodeEnvelope(envelope))});
  for (std::size_t i = 0; versions.size() + 1 - i > limits::kSecretVersions; ++i)
    batch.writes.push_back({store::Table::kSecret, KeyOf(path, versions[i]), std::nullopt});
  return next;
}

Result<std::vector<std::string>> SecretStore::List(std::string_view folder) const {
  std::string prefix;
  if (!folder.empty()) {
    REMIT_TRY(task::CheckSecretPath(folder));
    prefix = std::string(folder) + "/";
  }
  std::set<std::string> names;
  REMIT_TRY(store_.Scan(store::Table::kSecret, prefix, [&](std::string_view key, std::string_view) {
    std::string_view rest = key.substr(prefix.size());
    rest = rest.substr(0, rest.find('\0'));
    std::size_t slash = rest.find('/');
    names.emplace(slash == std::string_view::npos ? rest : rest.substr(0, slash + 1));
    return true;
  }));
  return std::vector<std::string>(names.begin(), names.end());
}

}  // namespace remit::target::secrets
