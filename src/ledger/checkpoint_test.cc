// Checkpoints and proofs as others write and read them, and as an attacker would like to change them.
#include "ledger/checkpoint.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "ledger/hash.h"
#include "ledger/proof.h"
#include "ledger/tree.h"

namespace remit::ledger {
namespace {

// The example of golang.org/x/mod/sumdb/note.
constexpr std::string_view kNeumannKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr std::string_view kNeumannNote =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

struct CheckpointTest : testing::Test {
  crypto::SigningKey key = crypto::SigningKey::Generate(crypto::KeyType::kEd25519);
  NoteVerifier verifier = NoteVerifier::Make("remit/inst1", key.public_key()).value();
  Checkpoint checkpoint{"remit/inst1", 5, LeafHash(AsBytes("r")), {}};
  std::string note = SignCheckpoint(checkpoint, key).value();
};

TEST(NoteTest, ReadsTheNoteOfAnotherImplementation) {
  const auto verifier = NoteVerifier::Parse(kNeumannKey);
  ASSERT_TRUE(verifier);
  EXPECT_EQ(verifier->ToString(), kNeumannKey);
  const auto note = OpenNote(kNeumannNote, {*verifier});
  ASSERT_TRUE(note) << note.error().ToString();
  EXPECT_TRUE(note->text.starts_with("If you think"));
  std::string forged(kNeumannNote);
  forged[0] = 'i';
  EXPECT_EQ(OpenNote(forged, {*verifier}).error().reason, "bad-signature");
}

TEST(NoteTest, RefusesKeysThatAreNotWhatTheySay) {
  for (const char* text :
       {"", "PeterNeumann", "PeterNeumann+c74f20a3", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+AhpB", "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"}) {
    EXPECT_FALSE(NoteVerifier::Parse(text)) << text;
  }
  const auto es256 = crypto::SigningKey::Generate(crypto::KeyType::kEs256);
  EXPECT_EQ(NoteVerifier::Make("a", es256.public_key()).error().reason, "bad-note-key");
  EXPECT_FALSE(SignNote("a\n", "a", es256));
  const auto ed25519 = crypto::SigningKey::Generate(crypto::KeyType::kEd25519);
  EXPECT_FALSE(SignNote("a", "a", ed25519));
  EXPECT_FALSE(SignNote("a\rb\n", "a", ed25519));
  EXPECT_FALSE(SignNote("a\n", "a b", ed25519));
}

TEST_F(CheckpointTest, SignsAndOpens) {
  EXPECT_TRUE(note.starts_with("remit/inst1\n5\n"));
  const auto opened = OpenCheckpoint(note, verifier);
  ASSERT_TRUE(opened) << opened.error().ToString();
  EXPECT_EQ(*opened, checkpoint);
  EXPECT_EQ(Origin("inst1"), "remit/inst1");
}

TEST_F(CheckpointTest, AnyFlippedBitIsRefused) {
  for (std::size_t i = 0; i < note.size() * 8; ++i) {
    std::string forged = note;
    forged[i / 8] = static_cast<char>(forged[i / 8] ^ (1 << (i % 8)));
    ASSERT_FALSE(OpenCheckpoint(forged, verifier)) << i;
  }
  for (std::size_t i = 0; i < note.size(); ++i) ASSERT_FALSE(OpenCheckpoint(note.substr(0, i), verifier)) << i;
  EXPECT_FALSE(OpenCheckpoint(note + "x", verifier));
  EXPECT_FALSE(OpenCheckpoint(note + "\n", verifier));
}

TEST_F(CheckpointTest, OtherKeysAndOtherLedgersDoNotCount) {
  const auto other = crypto::SigningKey::Generate(crypto::KeyType::kEd25519);
  EXPECT_EQ(OpenCheckpoint(SignCheckpoint(checkpoint, other).value(), verifier).error().reason, "unknown-signer");
  Checkpoint foreign = checkpoint;
  foreign.origin = "remit/inst2";
  EXPECT_EQ(OpenCheckpoint(SignNote(CheckpointText(foreign), "remit/inst1", key).value(), verifier).error().reason, "wrong-origin");
  // A witness's signature beside ours changes nothing.
  const std::string cosigned = SignNote(CheckpointText(checkpoint), "witness.example", other).value();
  const std::string line = cosigned.substr(CheckpointText(checkpoint).size() + 1);
  EXPECT_TRUE(OpenCheckpoint(note + line, verifier));
  // A key of ours that does not hold spoils the note even if another one holds.
  const auto both = NoteVerifier::Make("witness.example", other.public_key()).value();
  std::string broken = line;
  broken[broken.size() - 6] = broken[broken.size() - 6] == 'A' ? 'B' : 'A';
  EXPECT_EQ(OpenNote(note + broken, {verifier, both}).error().reason, "bad-signature");
}

TEST(CheckpointTextTest, OneTextForEachCheckpoint) {
  const std::string root = Base64Encode(LeafHash(AsBytes("r")));
  const std::string good = "o\n5\n" + root + "\n";
  ASSERT_TRUE(ParseCheckpointText(good));
  EXPECT_EQ(ParseCheckpointText(good + "more\n")->extensions, std::vector<std::string>{"more"});
  EXPECT_EQ(ParseCheckpointText("o\n18446744073709551615\n" + root + "\n")->size, UINT64_MAX);
  for (const std::string& text :
       {std::string(), std::string("\n5\n" + root + "\n"), "o\n05\n" + root + "\n", "o\n-5\n" + root + "\n", "o\n+5\n" + root + "\n",
        "o\n5 \n" + root + "\n", "o\n\n" + root + "\n", "o\n18446744073709551616\n" + root + "\n", "o\n5\n" + root, "o\n5\n" + root.substr(1) + "\n",
        "o\n5\n" + root + "=\n", "o\n5\n" + root + "\n\n", "o\n5\n" + root + "\nmore"}) {
    EXPECT_FALSE(ParseCheckpointText(text)) << text;
  }
  rc::check("text reads back", [] {
    Checkpoint c{"remit/" + std::to_string(*rc::gen::arbitrary<unsigned>()), *rc::gen::arbitrary<std::uint64_t>(), {}, {}};
    for (auto& byte : c.root) byte = *rc::gen::arbitrary<std::uint8_t>();
    RC_ASSERT(ParseCheckpointText(CheckpointText(c)).value() == c);
  });
}

TEST_F(CheckpointTest, AProofShowsAnEventWithoutTheLedger) {
  Tree tree;
  const Bytes salt(16, 3);
  for (std::uint64_t i = 0; i < 9; ++i) tree.Append(EventLeaf(i, salt, AsBytes("{}")));
  checkpoint.size = 9;
  checkpoint.root = tree.Root();
  const TileSource source = [&](TileId id, std::uint64_t) -> Result<std::vector<Hash>> { return tree.OpenTile(id.level); };
  LedgerProof proof{4, ProveInclusion(4, 9, source).value(), SignCheckpoint(checkpoint, key).value(), ToText(salt)};
  const std::string text = ProofText(proof);
  EXPECT_TRUE(text.starts_with("c2sp.org/tlog-proof@v1\nextra AwMD"));
  const auto read = ParseProofText(text);
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_EQ(*read, proof);
  EXPECT_TRUE(VerifyProof(*read, EventLeaf(4, AsBytes(read->extra), AsBytes("{}")), verifier));
  EXPECT_FALSE(VerifyProof(*read, EventLeaf(5, salt, AsBytes("{}")), verifier));
  // Whatever bit changes: the text is refused, or the proof fails, or nothing that was proved has changed (only the extra data may).
  for (std::size_t i = 0; i < text.size() * 8; ++i) {
    std::string forged = text;
    forged[i / 8] = static_cast<char>(forged[i / 8] ^ (1 << (i % 8)));
    const auto parsed = ParseProofText(forged);
    ASSERT_FALSE(parsed &&
                 VerifyProof(*parsed,
                             EventLeaf(parsed->index, AsBytes(parsed->extra).size() == 16 ? AsBytes(parsed->extra) : ByteView(salt), AsBytes("{}")),
                             verifier))
        << i;
  }
}

TEST(ProofTextTest, RefusesOtherForms) {
  for (const char* text :
       {"", "c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v2\nindex 0\n\n", "c2sp.org/tlog-proof@v1\nindex 00\n\n",
        "c2sp.org/tlog-proof@v1\nextra \nindex 0\n\n", "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n", "c2sp.org/tlog-proof@v1\nindex 0\n\n"}) {
    EXPECT_EQ(ParseProofText(text).error().reason, "bad-proof-text") << text;
  }
}

}  // namespace
}  // namespace remit::ledger
