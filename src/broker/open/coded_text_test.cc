#include "broker/open/coded_text.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace remit::broker {
namespace {

struct CodedText : testing::Test {
  SeededRng rng{1};
  crypto::MasterKey master = crypto::MasterKey::Random(rng);
};

TEST_F(CodedText, IsReadBackWhole) {
  const std::string text = WithCode("form\nwhat code it says\n", "a form", master);
  EXPECT_TRUE(text.starts_with("form\nwhat code it says\ncode "));
  EXPECT_EQ(WithoutCode(text, "a form", master), "form\nwhat code it says\n");
}

TEST_F(CodedText, OfAnotherKeyOrAnotherFormIsNone) {
  const std::string text = WithCode("form\n", "a form", master);
  EXPECT_FALSE(WithoutCode(text, "another form", master));
  EXPECT_FALSE(WithoutCode(text, "a form", crypto::MasterKey::Random(rng)));
}

TEST_F(CodedText, OfWhichAnyPartWasChangedIsNone) {
  const std::string text = WithCode("form\nwhat it says\n", "a form", master);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_FALSE(WithoutCode(other, "a form", master)) << i;
    EXPECT_FALSE(WithoutCode(text.substr(0, i), "a form", master)) << i;
  }
  EXPECT_FALSE(WithoutCode(text + "\n", "a form", master));
  EXPECT_FALSE(WithoutCode(text + text.substr(text.rfind("code ")), "a form", master));
}

}  // namespace
}  // namespace remit::broker
