// Envelope encryption: each text has a data key of its own, which is sealed under the master key. Rotating the master key then means
// wrapping data keys again, and no key ever seals two texts.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/secret.h"
#include "crypto/master_key.h"

namespace remit::crypto {

struct Envelope {
  std::string key_id;  // of the master key
  Bytes wrapped_key;   // the data key, sealed under the master key
  Bytes sealed;        // the text, sealed under the data key
};

// Both seals cover `associated_data`, the wrapping one also the master key's id: an envelope moved to another row, path or version does
// not open.
Envelope SealEnvelope(const MasterKey& master, ByteView plaintext, ByteView associated_data, Rng& rng);

// Errors: `wrong-master-key` where the envelope names another one; `sealed-data-corrupt`.
Result<Secret> OpenEnvelope(const MasterKey& master, const Envelope& envelope, ByteView associated_data);

// The same text under another master key: unwraps the data key and wraps it anew; the text's seal names no master key and stays.
Result<Envelope> RewrapEnvelope(const MasterKey& from, const MasterKey& to, const Envelope& envelope, ByteView associated_data, Rng& rng);

// One envelope as one byte string and back, for a column: version, key id, wrapped key, sealed text.
Bytes EncodeEnvelope(const Envelope& envelope);
Result<Envelope> DecodeEnvelope(ByteView bytes);  // errors: `sealed-data-corrupt`

}  // namespace remit::crypto
