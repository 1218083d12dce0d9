// Hashes give what their standards say they give.
#include "crypto/hash.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace remit::crypto {
namespace {

Bytes Hex(std::string_view text) { return HexDecode(text).value(); }
std::string Hex(const Hash& hash) { return HexEncode(hash); }
Bytes Repeat(std::uint8_t byte, std::size_t count) { return Bytes(count, byte); }

TEST(Sha256, Fips180Vectors) {
  EXPECT_EQ(Hex(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hex(Sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Hex(Sha256(std::string(1'000'000, 'a'))), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PartsAndPiecesGiveTheHashOfTheWhole) {
  EXPECT_TRUE(rc::check("split anywhere", [](const std::vector<std::string>& pieces) {
    std::string whole;
    Sha256Hasher hasher;
    for (const auto& piece : pieces) {
      whole += piece;
      hasher.Update(piece);
    }
    RC_ASSERT(hasher.Finish() == Sha256(whole));
    hasher.Update(whole);  // a hasher starts again after Finish
    RC_ASSERT(hasher.Finish() == Sha256(whole));
    const std::size_t half = whole.size() / 2;
    RC_ASSERT(Sha256Concat({AsBytes(whole).first(half), AsBytes(whole).subspan(half)}) == Sha256(whole));
  }));
}

TEST(HmacSha256, Rfc4231Vectors) {
  EXPECT_EQ(Hex(HmacSha256(Repeat(0x0b, 20), AsBytes("Hi There"))), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(Hex(HmacSha256(AsBytes("Jefe"), AsBytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(Hex(HmacSha256(Repeat(0xaa, 20), Repeat(0xdd, 50))), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(Hex(HmacSha256(Repeat(0xaa, 131), AsBytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Pbkdf2, Rfc7914Vectors) {
  EXPECT_EQ(HexEncode(Pbkdf2HmacSha256(AsBytes("passwd"), AsBytes("salt"), 1, 64)),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
  EXPECT_EQ(HexEncode(Pbkdf2HmacSha256(AsBytes("Password"), AsBytes("NaCl"), 80000, 64)),
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d");
}

TEST(Hkdf, Rfc5869Vectors) {
  EXPECT_EQ(HexEncode(HkdfSha256(Repeat(0x0b, 22), Hex("000102030405060708090a0b0c"), Hex("f0f1f2f3f4f5f6f7f8f9"), 42)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  EXPECT_EQ(HexEncode(HkdfSha256(Repeat(0x0b, 22), {}, {}, 42)),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
  EXPECT_EQ(HkdfSha256(Repeat(1, 32), {}, {}, 8160).size(), 8160u);
}

}  // namespace
}  // namespace remit::crypto
