// Checkpoints (c2sp.org/tlog-checkpoint): origin, size and root of the ledger, signed as a note. And the proof that can be shown without
// the ledger (c2sp.org/tlog-proof): an event's index, its path, and a checkpoint.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/key.h"
#include "ledger/note.h"

namespace remit::ledger {

struct Checkpoint {
  std::string origin;  // Origin(installation)
  std::uint64_t size = 0;
  Hash root{};
  std::vector<std::string> extensions;  // lines after the third; Remit writes none

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// "remit/<installation id>": the origin of its checkpoints and the name of the key that signs them.
std::string Origin(std::string_view installation);

// The three lines (and extensions) that are signed. INVARIANT: ParseCheckpointText(CheckpointText(c)) == c.
std::string CheckpointText(const Checkpoint& checkpoint);

// Strict: one text for each checkpoint. Errors: `bad-checkpoint`.
Result<Checkpoint> ParseCheckpointText(std::string_view text);

// A note signed under the origin's name. `key` is an Ed25519 key used for checkpoints only. Errors: `bad-note`, `bad-note-key`.
Result<std::string> SignCheckpoint(const Checkpoint& checkpoint, const crypto::SigningKey& key);

// Verifies the note and that its origin is the verifier's name. Errors: `bad-note`, `bad-signature`, `unknown-signer`,
// `bad-checkpoint`, `wrong-origin`.
Result<Checkpoint> OpenCheckpoint(std::string_view note, const NoteVerifier& verifier);

// What shows, offline, that an event is in the ledger.
struct LedgerProof {
  std::uint64_t index = 0;
  std::vector<Hash> path;  // VerifyInclusion's proof
  std::string checkpoint;  // the signed note as it was issued
  std::string extra;       // e.g. the event's salt; not authenticated by itself

  friend bool operator==(const LedgerProof&, const LedgerProof&) = default;
};

std::string ProofText(const LedgerProof& proof);

// Reads the form; nothing is verified. Errors: `bad-proof-text`.
Result<LedgerProof> ParseProofText(std::string_view text);

// Whether the leaf is in the tree of the proof's checkpoint, which `verifier` signed. Errors: OpenCheckpoint's, `bad-proof`.
Result<Checkpoint> VerifyProof(const LedgerProof& proof, const Hash& leaf, const NoteVerifier& verifier);

}  // namespace remit::ledger
