// Envelopes: two seals, and how they become one column.
//
// Format, version 1:  0x01 ‖ key id (16 hex digits) ‖ wrapped key (61 bytes) ‖ sealed text.
#include "crypto/envelope.h"

#include <fmt/format.h>

#include "crypto/seal.h"

namespace remit::crypto {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kWrappedBytes = kSealOverhead + SymmetricKey::kBytes;

Bytes KeyData(const MasterKey& master, ByteView associated_data) { return AssociatedData({"remit data key", master.id(), AsText(associated_data)}); }
Bytes TextData(ByteView associated_data) { return AssociatedData({"remit sealed text", AsText(associated_data)}); }

Bytes Wrap(const MasterKey& master, ByteView data_key, ByteView associated_data, Rng& rng) {
  return Seal(master.Derive("data keys"), data_key, KeyData(master, associated_data), rng);
}

Result<SymmetricKey> Unwrap(const MasterKey& master, const Envelope& envelope, ByteView associated_data) {
  if (envelope.key_id != master.id())
    return Fail(Code::kFailedPrecondition, "wrong-master-key",
                fmt::format("sealed under the master key `{}`, and the one in use is `{}`", envelope.key_id, master.id()));
  REMIT_ASSIGN(const Secret raw, Open(master.Derive("data keys"), envelope.wrapped_key, KeyData(master, associated_data)));
  return SymmetricKey::FromBytes(raw.RevealBytes());
}

}  // namespace

Envelope SealEnvelope(const MasterKey& master, ByteView plaintext, ByteView associated_data, Rng& rng) {
  const SymmetricKey data_key = SymmetricKey::Random(rng);
  return {master.id(), Wrap(master, data_key.Reveal(), associated_data, rng), Seal(data_key, plaintext, TextData(associated_data), rng)};
}

Result<Secret> OpenEnvelope(const MasterKey& master, const Envelope& envelope, ByteView associated_data) {
  REMIT_ASSIGN(const SymmetricKey data_key, Unwrap(master, envelope, associated_data));
  return Open(data_key, envelope.sealed, TextData(associated_data));
}

Result<Envelope> RewrapEnvelope(const MasterKey& from, const MasterKey& to, const Envelope& envelope, ByteView associated_data, Rng& rng) {
  REMIT_ASSIGN(const SymmetricKey data_key, Unwrap(from, envelope, associated_data));
  return Envelope{to.id(), Wrap(to, data_key.Reveal(), associated_data, rng), envelope.sealed};
}

Bytes EncodeEnvelope(const Envelope& envelope) {
  REMIT_CHECK(envelope.key_id.size() == kIdBytes && envelope.wrapped_key.size() == kWrappedBytes);
  Bytes out{kVersion};
  out.insert(out.end(), envelope.key_id.begin(), envelope.key_id.end());
  out.insert(out.end(), envelope.wrapped_key.begin(), envelope.wrapped_key.end());
  out.insert(out.end(), envelope.sealed.begin(), envelope.sealed.end());
  return out;
}

Result<Envelope> DecodeEnvelope(ByteView bytes) {
  if (bytes.size() < 1 + kIdBytes + kWrappedBytes + kSealOverhead || bytes[0] != kVersion)
    return Fail(Code::kCorrupt, "sealed-data-corrupt", "not an envelope, or cut short");
  const ByteView wrapped = bytes.subspan(1 + kIdBytes, kWrappedBytes), sealed = bytes.subspan(1 + kIdBytes + kWrappedBytes);
  return Envelope{ToText(bytes.subspan(1, kIdBytes)), Bytes(wrapped.begin(), wrapped.end()), Bytes(sealed.begin(), sealed.end())};
}

}  // namespace remit::crypto
