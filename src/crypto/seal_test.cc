// What is sealed opens only with the same key and the same associated data.
#include "crypto/seal.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "crypto/envelope.h"

namespace remit::crypto {
namespace {

Bytes Hex(std::string_view text) { return HexDecode(text).value(); }

// Gives out fixed bytes, for vectors that prescribe the nonce.
class FixedRng final : public Rng {
 public:
  explicit FixedRng(Bytes bytes) : bytes_(std::move(bytes)) {}
  void Fill(std::span<std::uint8_t> out) override { std::copy_n(bytes_.begin(), out.size(), out.begin()); }

 private:
  Bytes bytes_;
};

// Test cases 13, 14 and 16 of McGrew and Viega's GCM specification, which NIST took over.
TEST(Seal, GcmVectors) {
  const struct {
    const char *key, *nonce, *plaintext, *associated_data, *sealed;
  } kVectors[] = {
      {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
      {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "00000000000000000000000000000000", "",
       "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
      {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
       "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
       "feedfacedeadbeeffeedfacedeadbeefabaddad2",
       "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
       "76fc6ece0f4e1768cddf8853bb2d551b"},
  };
  for (const auto& v : kVectors) {
    const SymmetricKey key = SymmetricKey::FromBytes(Hex(v.key)).value();
    FixedRng rng(Hex(v.nonce));
    const Bytes sealed = Seal(key, Hex(v.plaintext), Hex(v.associated_data), rng);
    EXPECT_EQ(HexEncode(sealed), "01" + std::string(v.nonce) + v.sealed);
    EXPECT_EQ(HexEncode(Open(key, sealed, Hex(v.associated_data))->RevealBytes()), v.plaintext);
  }
}

TEST(Seal, OpensAgainAndNeverWhenChanged) {
  SystemRng rng;
  const SymmetricKey key = SymmetricKey::Random(rng), other = SymmetricKey::Random(rng);
  EXPECT_TRUE(rc::check("seal and open", [&](const std::string& plaintext, const std::string& data) {
    const Bytes sealed = Seal(key, AsBytes(plaintext), AsBytes(data), rng);
    RC_ASSERT(sealed.size() == plaintext.size() + kSealOverhead);
    RC_ASSERT(Open(key, sealed, AsBytes(data))->Reveal() == plaintext);
    RC_ASSERT(!Open(other, sealed, AsBytes(data)).has_value());
    RC_ASSERT(!Open(key, sealed, AsBytes(data + "x")).has_value());
    RC_ASSERT(Seal(key, AsBytes(plaintext), AsBytes(data), rng) != sealed);
    Bytes flipped = sealed;
    const auto bit = *rc::gen::inRange<std::size_t>(0, sealed.size() * 8);
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    RC_ASSERT(Open(key, flipped, AsBytes(data)).error().reason == "sealed-data-corrupt");
    const auto cut = *rc::gen::inRange<std::size_t>(0, sealed.size());
    RC_ASSERT(!Open(key, ByteView(sealed).first(cut), AsBytes(data)).has_value());
  }));
}

TEST(AssociatedData, NoTwoListsOfFieldsGiveTheSameBytes) {
  EXPECT_NE(AssociatedData({"ab", "c"}), AssociatedData({"a", "bc"}));
  EXPECT_NE(AssociatedData({"a"}), AssociatedData({"a", ""}));
  EXPECT_EQ(HexEncode(AssociatedData({"a"})), "000000000000000161");
}

TEST(Envelope, OpensInItsPlaceOnly) {
  SystemRng rng;
  const MasterKey master = MasterKey::Random(rng), other = MasterKey::Random(rng);
  const Bytes here = AssociatedData({"store", "db/password", "1"}), there = AssociatedData({"store", "db/password", "2"});
  const Envelope envelope = SealEnvelope(master, AsBytes("s3cret"), here, rng);
  EXPECT_EQ(OpenEnvelope(master, envelope, here)->Reveal(), "s3cret");
  EXPECT_EQ(OpenEnvelope(master, envelope, there).error().reason, "sealed-data-corrupt");
  EXPECT_EQ(OpenEnvelope(other, envelope, here).error().reason, "wrong-master-key");

  // Half of one row in another: the wrapped key of one envelope with the text of a second.
  Envelope mixed = SealEnvelope(master, AsBytes("other"), here, rng);
  mixed.wrapped_key = envelope.wrapped_key;
  EXPECT_EQ(OpenEnvelope(master, mixed, here).error().reason, "sealed-data-corrupt");

  // A master key that claims the id of another.
  Envelope renamed = envelope;
  renamed.key_id = other.id();
  EXPECT_EQ(OpenEnvelope(other, renamed, here).error().reason, "sealed-data-corrupt");
}

TEST(Envelope, GoesUnderAnotherMasterKey) {
  SystemRng rng;
  const MasterKey old_key = MasterKey::Random(rng), new_key = MasterKey::Random(rng);
  const Envelope before = SealEnvelope(old_key, AsBytes("s3cret"), AsBytes("row"), rng);
  const Envelope after = RewrapEnvelope(old_key, new_key, before, AsBytes("row"), rng).value();
  EXPECT_EQ(after.key_id, new_key.id());
  EXPECT_EQ(OpenEnvelope(new_key, after, AsBytes("row"))->Reveal(), "s3cret");
  EXPECT_FALSE(OpenEnvelope(old_key, after, AsBytes("row")).has_value());
  EXPECT_FALSE(RewrapEnvelope(old_key, new_key, before, AsBytes("another row"), rng).has_value());
}

TEST(Envelope, IsOneColumn) {
  SystemRng rng;
  const MasterKey master = MasterKey::Random(rng);
  const Bytes encoded = EncodeEnvelope(SealEnvelope(master, AsBytes("s3cret"), AsBytes("row"), rng));
  EXPECT_EQ(OpenEnvelope(master, DecodeEnvelope(encoded).value(), AsBytes("row"))->Reveal(), "s3cret");
  for (std::size_t size = 0; size < encoded.size(); ++size) {
    const auto cut = DecodeEnvelope(ByteView(encoded).first(size));
    EXPECT_TRUE(!cut.has_value() || !OpenEnvelope(master, *cut, AsBytes("row")).has_value()) << size;
  }
  Bytes versioned = encoded;
  versioned[0] = 2;
  EXPECT_EQ(DecodeEnvelope(versioned).error().reason, "sealed-data-corrupt");
}

}  // namespace
}  // namespace remit::crypto
