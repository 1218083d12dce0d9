#include "http/url.h"

#include <string>

#include <gtest/gtest.h>

namespace remit::http {
namespace {

TEST(Url, HasNoUserNoFragmentAndNoCharactersOfNoUrl) {
  for (const char* good : {"https://remit.example:8443/a/b.json?key=1&x=%20~;,!$'()*+[]", "http://[::1]:1/", ""})
    EXPECT_TRUE(IsPlainUrl(good)) << good;
  for (const char c : std::string_view("#\"<>\\^`{|}@ \t\r\n\x01\x7f\xc3\0", 19))
    EXPECT_FALSE(IsPlainUrl("https://remit.example/" + std::string(1, c) + "x")) << static_cast<int>(c);
}

TEST(Url, IsLoopbackByItsWordsAlone) {
  for (const char* here : {"localhost", "127.0.0.1", "127.255.0.9", "[::1]"}) EXPECT_TRUE(IsLoopbackHost(here)) << here;
  for (const char* elsewhere : {"", "127", "127.0.0.1.example.com", "127.evil", "1127.0.0.1", "10.0.0.1", "localhost.example.com", "my.localhost",
                                "LOCALHOST", "::1", "[::2]", "[::1].example.com", "0.0.0.0", "[::]"})
    EXPECT_FALSE(IsLoopbackHost(elsewhere)) << elsewhere;
}

}  // namespace
}  // namespace remit::http
