// Signed notes (c2sp.org/signed-note): a text, an empty line, and signature lines. The form of checkpoints, and nothing more than that
// form: what a text means is for whoever reads it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/key.h"

namespace remit::ledger {

inline constexpr std::size_t kMaxNoteBytes = 64u << 10;  // 16 signatures of post-quantum size would fit
inline constexpr std::size_t kMaxNoteSignatures = 32;    // the specification asks for at least 16

// A name and an Ed25519 key: who signs. Written "name+hash+key" (golang.org/x/mod/sumdb/note calls it a verifier key).
class NoteVerifier {
 public:
  // `name`: not empty, no white space, no plus. Errors: `bad-note-key` (name, or a key that is not Ed25519).
  static Result<NoteVerifier> Make(std::string name, crypto::VerifyKey key);
  // Errors: `bad-note-key`.
  static Result<NoteVerifier> Parse(std::string_view text);

  const std::string& name() const { return name_; }
  // SHA-256(name || 0x0A || 0x01 || public key), the first four bytes.
  const Bytes& key_id() const { return key_id_; }
  std::string ToString() const;
  bool Verify(ByteView text, ByteView signature) const { return key_.Verify(text, signature); }

 private:
  NoteVerifier() = default;
  std::string name_;
  crypto::VerifyKey key_;
  Bytes key_id_;
};

struct NoteSignature {
  std::string name;
  Bytes key_id;     // 4 bytes
  Bytes signature;  // the rest
};

struct Note {
  std::string text;  // ends in a newline
  std::vector<NoteSignature> signatures;
};

// Signs `text`, which must end in a newline and hold no other control character. Errors: `bad-note`, `bad-note-key`.
Result<std::string> SignNote(std::string_view text, std::string_view name, const crypto::SigningKey& key);

// Reads the form alone; signatures are not checked. Errors: `bad-note`.
Result<Note> ParseNote(std::string_view bytes);

// Reads and verifies: at least one signature of a known key holds, and none of a known key fails. Signatures of others are ignored.
// Errors: `bad-note`, `bad-signature`, `unknown-signer`.
Result<Note> OpenNote(std::string_view bytes, const std::vector<NoteVerifier>& known);

}  // namespace remit::ledger
