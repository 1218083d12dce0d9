// Every reader of the ledger's texts: checkpoints, notes, keys, proofs and tile paths. What is read is written back the same.
#include <cstddef>
#include <cstdint>

#include "ledger/checkpoint.h"
#include "ledger/tile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remit;
  using namespace remit::ledger;
  const std::string_view text = AsText({data, size});
  if (auto checkpoint = ParseCheckpointText(text)) REMIT_CHECK(CheckpointText(*checkpoint) == text);
  if (auto proof = ParseProofText(text)) REMIT_CHECK(ProofText(*proof) == text);
  if (auto path = ParseTilePath(text)) REMIT_CHECK(TilePath(path->id, path->width) == text);
  if (auto key = NoteVerifier::Parse(text)) REMIT_CHECK(key->ToString() == text);
  (void)ParseNote(text);
  return 0;
}
