#include "ledger/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "ledger/proof.h"

namespace remit::ledger {
namespace {

constexpr std::string_view kProofHeader = "c2sp.org/tlog-proof@v1";
constexpr std::size_t kMaxPath = 64;  // one hash for each level of the tree

std::unexpected<Error> BadCheckpoint(std::string_view why) {
  return Fail(Code::kInvalidArgument, "bad-checkpoint", fmt::format("not a checkpoint: {}", why));
}
std::unexpected<Error> BadProofText(std::string_view why) {
  return Fail(Code::kInvalidArgument, "bad-proof-text", fmt::format("not a proof of a ledger: {}", why));
}

// Takes the next line, without its newline; nullopt where no whole line is left.
std::optional<std::string_view> TakeLine(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

std::optional<std::uint64_t> ReadNumber(std::string_view text) {
  std::uint64_t value = 0;
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Hash> ReadHash(std::string_view text) {
  if (text.size() != 44) return std::nullopt;
  const auto bytes = Base64Decode(text);
  Hash hash;
  if (!bytes || bytes->size() != hash.size()) return std::nullopt;
  std::ranges::copy(*bytes, hash.begin());
  return hash;
}

}  // namespace

std::string Origin(std::string_view installation) { return fmt::format("remit/{}", installation); }

std::string CheckpointText(const Checkpoint& checkpoint) {
  std::string text = fmt::format("{}\n{}\n{}\n", checkpoint.origin, checkpoint.size, Base64Encode(checkpoint.root));
  for (const std::string& line : checkpoint.extensions) text += line + "\n";
  return text;
}

Result<Checkpoint> ParseCheckpointText(std::string_view text) {
  Checkpoint checkpoint;
  const auto origin = TakeLine(text);
  if (!origin || origin->empty()) return BadCheckpoint("the first line holds no origin");
  checkpoint.origin = *origin;
  const auto size = TakeLine(text);
  const auto number = ReadNumber(size.value_or(""));
  if (!number) return BadCheckpoint("the second line holds no size");
  checkpoint.size = *number;
  const auto root = ReadHash(TakeLine(text).value_or(""));
  if (!root) return BadCheckpoint("the third line holds no root");
  checkpoint.root = *root;
  while (!text.empty()) {
    const auto line = TakeLine(text);
    if (!line || line->empty()) return BadCheckpoint("an extension line is empty or cut");
    checkpoint.extensions.emplace_back(*line);
  }
  return checkpoint;
}

Result<std::string> SignCheckpoint(const Checkpoint& checkpoint, const crypto::SigningKey& key) {
  return SignNote(CheckpointText(checkpoint), checkpoint.origin, key);
}

Result<Checkpoint> OpenCheckpoint(std::string_view note, const NoteVerifier& verifier) {
  REMIT_ASSIGN(Note opened, OpenNote(note, {verifier}));
  REMIT_ASSIGN(Checkpoint checkpoint, ParseCheckpointText(opened.text));
  if (checkpoint.origin != verifier.name()) {
    return Fail(Code::kCorrupt, "wrong-origin", fmt::format("the checkpoint is of `{}`, not of `{}`", checkpoint.origin, verifier.name()));
  }
  return checkpoint;
}

std::string ProofText(const LedgerProof& proof) {
  std::string text = fmt::format("{}\n", kProofHeader);
  if (!proof.extra.empty()) text += fmt::format("extra {}\n", Base64Encode(AsBytes(proof.extra)));
  text += fmt::format("index {}\n", proof.index);
  for (const Hash& hash : proof.path) text += Base64Encode(hash) + "\n";
  return text + "\n" + proof.checkpoint;
}

Result<LedgerProof> ParseProofText(std::string_view text) {
  if (text.size() > 2 * kMaxNoteBytes) return BadProofText("too long");
  LedgerProof proof;
  if (TakeLine(text) != kProofHeader) return BadProofText(fmt::format("the first line is not `{}`", kProofHeader));
  auto line = TakeLine(text);
  if (line && line->starts_with("extra ")) {
    const auto extra = Base64Decode(line->substr(6));
    if (!extra || extra->empty()) return BadProofText("the extra data are not base64");
    proof.extra = ToText(*extra);
    line = TakeLine(text);
  }
  if (!line || !line->starts_with("index ")) return BadProofText("no index");
  const auto index = ReadNumber(line->substr(6));
  if (!index) return BadProofText("the index is not a number");
  proof.index = *index;
  for (line = TakeLine(text); line && !line->empty(); line = TakeLine(text)) {
    const auto hash = ReadHash(*line);
    if (!hash || proof.path.size() == kMaxPath) return BadProofText("the path is too long, or holds something else than hashes");
    proof.path.push_back(*hash);
  }
  if (!line) return BadProofText("no checkpoint");
  if (auto note = ParseNote(text); !note) return BadProofText(note.error().message);
  proof.checkpoint = text;
  return proof;
}

Result<Checkpoint> VerifyProof(const LedgerProof& proof, const Hash& leaf, const NoteVerifier& verifier) {
  REMIT_ASSIGN(Checkpoint checkpoint, OpenCheckpoint(proof.checkpoint, verifier));
  REMIT_TRY(VerifyInclusion(proof.index, checkpoint.size, leaf, proof.path, checkpoint.root));
  return checkpoint;
}

}  // namespace remit::ledger
