#include "ledger/note.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "crypto/hash.h"

namespace remit::ledger {
namespace {

constexpr std::string_view kDash = "\u2014 ";
constexpr std::uint8_t kEd25519 = 0x01;
constexpr std::size_t kKeyIdBytes = 4;

std::unexpected<Error> BadNote(std::string_view why) { return Fail(Code::kInvalidArgument, "bad-note", fmt::format("not a signed note: {}", why)); }
std::unexpected<Error> BadKey(std::string_view why) {
  return Fail(Code::kInvalidArgument, "bad-note-key", fmt::format("not a key for signed notes: {}", why));
}

// UTF-8 without control characters other than newline.
bool IsNoteText(std::string_view text) {
  return IsUtf8(text) && std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n'; });
}

// Stricter than "no Unicode spaces, no plus": printable ASCII is what Remit's origins are made of.
bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f && c != '+'; });
}

// A name as others may use it: only what would make a signature line ambiguous is refused.
bool IsForeignName(std::string_view name) { return !name.empty() && IsVisible(name) && name.find_first_of(" +") == std::string_view::npos; }

Bytes KeyId(std::string_view name, const Bytes& public_key) {
  Bytes input = ToBytes(name);
  input.push_back('\n');
  input.push_back(kEd25519);
  input.insert(input.end(), public_key.begin(), public_key.end());
  const Hash hash = crypto::Sha256(input);
  return Bytes(hash.begin(), hash.begin() + kKeyIdBytes);
}

Result<NoteSignature> ParseSignature(std::string_view line) {
  if (!line.starts_with(kDash)) return BadNote("a signature line does not begin with a dash");
  line.remove_prefix(kDash.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !IsForeignName(line.substr(0, space))) return BadNote("a signature line has no name");
  auto bytes = Base64Decode(line.substr(space + 1));
  if (!bytes || bytes->size() <= kKeyIdBytes) return BadNote("a signature is not base64, or too short");
  return NoteSignature{std::string(line.substr(0, space)), Bytes(bytes->begin(), bytes->begin() + kKeyIdBytes),
                       Bytes(bytes->begin() + kKeyIdBytes, bytes->end())};
}

}  // namespace

Result<NoteVerifier> NoteVerifier::Make(std::string name, crypto::VerifyKey key) {
  if (!IsName(name)) return BadKey("the name must be printable ASCII without spaces and plus");
  if (key.empty() || key.type() != crypto::KeyType::kEd25519) return BadKey("only Ed25519 keys sign notes");
  NoteVerifier verifier;
  verifier.key_id_ = KeyId(name, key.x());
  verifier.name_ = std::move(name);
  verifier.key_ = std::move(key);
  return verifier;
}

Result<NoteVerifier> NoteVerifier::Parse(std::string_view text) {
  const std::size_t first = text.find('+');
  const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return BadKey("it is not of the form `name+hash+key`");
  auto key = Base64Decode(text.substr(second + 1));
  if (!key || key->size() != 33 || key->front() != kEd25519) return BadKey("the key is not an Ed25519 key in base64");
  REMIT_ASSIGN(crypto::VerifyKey parsed, crypto::VerifyKey::FromEd25519(ByteView(*key).subspan(1)));
  REMIT_ASSIGN(NoteVerifier verifier, Make(std::string(text.substr(0, first)), std::move(parsed)));
  if (HexEncode(verifier.key_id()) != text.substr(first + 1, second - first - 1)) return BadKey("its hash does not match");
  return verifier;
}

std::string NoteVerifier::ToString() const {
  Bytes key{kEd25519};
  key.insert(key.end(), key_.x().begin(), key_.x().end());
  return fmt::format("{}+{}+{}", name_, HexEncode(key_id_), Base64Encode(key));
}

Result<std::string> SignNote(std::string_view text, std::string_view name, const crypto::SigningKey& key) {
  if (!text.ends_with('\n') || !IsNoteText(text)) return BadNote("the text must be UTF-8 lines, each ended by a newline");
  if (key.empty()) return BadKey("there is none");
  REMIT_ASSIGN(NoteVerifier verifier, NoteVerifier::Make(std::string(name), key.public_key()));
  Bytes signature = verifier.key_id();
  const Bytes signed_bytes = key.Sign(AsBytes(text));
  signature.insert(signature.end(), signed_bytes.begin(), signed_bytes.end());
  return fmt::format("{}\n{}{} {}\n", text, kDash, name, Base64Encode(signature));
}

Result<Note> ParseNote(std::string_view bytes) {
  if (bytes.size() > kMaxNoteBytes) return BadNote(fmt::format("longer than {} bytes", kMaxNoteBytes));
  if (!IsNoteText(bytes)) return BadNote("it is not UTF-8, or holds control characters");
  const std::size_t blank = bytes.rfind("\n\n");
  if (blank == std::string_view::npos) return BadNote("no empty line stands before the signatures");
  if (!bytes.ends_with('\n')) return BadNote("the last line is cut");
  Note note;
  note.text = bytes.substr(0, blank + 1);
  for (std::string_view rest = bytes.substr(blank + 2); !rest.empty();) {
    const std::size_t end = rest.find('\n');
    if (note.signatures.size() == kMaxNoteSignatures) return BadNote(fmt::format("more than {} signatures", kMaxNoteSignatures));
    REMIT_ASSIGN(NoteSignature signature, ParseSignature(rest.substr(0, end)));
    note.signatures.push_back(std::move(signature));
    rest.remove_prefix(end + 1);
  }
  if (note.signatures.empty()) return BadNote("it has no signature");
  return note;
}

Result<Note> OpenNote(std::string_view bytes, const std::vector<NoteVerifier>& known) {
  REMIT_ASSIGN(Note note, ParseNote(bytes));
  bool verified = false;
  for (const NoteSignature& signature : note.signatures) {
    const auto verifier =
        std::ranges::find_if(known, [&](const NoteVerifier& v) { return v.name() == signature.name && v.key_id() == signature.key_id; });
    if (verifier == known.end()) continue;
    if (!verifier->Verify(AsBytes(note.text), signature.signature)) {
      return Fail(Code::kCorrupt, "bad-signature",
                  fmt::format("the signature of `{}` does not hold: the note was changed or forged", signature.name));
    }
    verified = true;
  }
  if (!verified) {
    return Fail(Code::kCorrupt, "unknown-signer", "none of the note's signatures is of a known key",
                "give the key of the installation whose ledger this is");
  }
  return note;
}

}  // namespace remit::ledger
