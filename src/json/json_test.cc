// JSON is read strictly, written so that it can be read again, and canonical where it is hashed.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <bit>
#include <cmath>
#include <limits>

#include "json/object_reader.h"
#include "json/read.h"
#include "json/value.h"
#include "json/write.h"

namespace remit::json {
namespace {

Value MustParse(std::string_view text) {
  auto value = Parse(text);
  EXPECT_TRUE(value.has_value()) << text << " → " << (value ? "" : value.error().ToString());
  return value.value_or(Value());
}

Error MustRefuse(std::string_view text) {
  auto value = Parse(text);
  EXPECT_FALSE(value.has_value()) << text << " was read as " << Write(value.value_or(Value()));
  return value ? Error() : value.error();
}

TEST(Value, IsPleasantToBuild) {
  const Value v = Object{{"a", 1}, {"b", Array{"x", 2.5, true, nullptr}}, {"c", Object{{"d", "e"}}}};
  EXPECT_EQ(Write(v), R"({"a":1,"b":["x",2.5,true,null],"c":{"d":"e"}})");
  EXPECT_EQ(v.Find("c")->Find("d")->AsString(), "e");
  EXPECT_EQ(v.Find("nothing"), nullptr);
  EXPECT_EQ(*v.Find("c")->FindString("d"), "e");
  EXPECT_EQ(v.FindString("a"), nullptr);
}

TEST(Value, ObjectsKeepTheirOrderAndCompareWithoutIt) {
  Object o;
  o["z"] = 1;
  o.Set("a", 2);
  o.Set("z", 3);
  EXPECT_EQ(Write(o), R"({"z":3,"a":2})");
  EXPECT_EQ(Value(o), Value(Object{{"a", 2}, {"z", 3}}));
  EXPECT_NE(Value(o), Value(Object{{"a", 2}, {"y", 3}}));
  EXPECT_NE(Value(1), Value(1.0));
  EXPECT_TRUE(o.Erase("z"));
  EXPECT_FALSE(o.Erase("z"));
  EXPECT_EQ(o.size(), 1u);
}

TEST(ValueDeathTest, AskingForTheWrongTypeEndsTheProcess) {
  EXPECT_DEATH(Value(1).AsString(), "check failed");
  EXPECT_DEATH(Value{std::numeric_limits<double>::infinity()}, "check failed");
  EXPECT_DEATH(Value{std::numeric_limits<std::uint64_t>::max()}, "check failed");
  EXPECT_DEATH((Object{{"a", 1}, {"a", 2}}), "check failed");
}

TEST(Parse, ReadsEveryKindOfValue) {
  EXPECT_EQ(MustParse("null"), Value());
  EXPECT_EQ(MustParse(" true "), Value(true));
  EXPECT_EQ(MustParse("\"\\u00e9\\n\\ud83d\\ude00\""), Value("é\n😀"));
  EXPECT_EQ(MustParse("[]"), Value(Array()));
  EXPECT_EQ(MustParse("{}"), Value(Object()));
  EXPECT_EQ(MustParse("\"a\\u0000b\"").AsString().size(), 3u);
  EXPECT_EQ(MustParse("[1,[2,{\"a\":[]}]]"), Value(Array{1, Array{2, Object{{"a", Array()}}}}));
  EXPECT_EQ(MustParse("\"\""), Value(""));
}

TEST(Parse, KeepsIntegersApartFromDoubles) {
  EXPECT_EQ(MustParse("9223372036854775807"), Value(std::numeric_limits<std::int64_t>::max()));
  EXPECT_EQ(MustParse("-9223372036854775808"), Value(std::numeric_limits<std::int64_t>::min()));
  EXPECT_EQ(MustParse("-0"), Value(0));
  EXPECT_TRUE(std::signbit(MustParse("-0.0").AsDouble()));
  EXPECT_TRUE(MustParse("1.0").IsDouble());
  EXPECT_TRUE(MustParse("1e2").IsDouble());
}

TEST(Parse, RoundsDoublesCorrectly) {
  for (const char* text : {"0.1", "1.7976931348623157e308", "2.2250738585072014e-308", "5e-324", "123456789.12345678", "9007199254740993.0",
                           "8.41e21", "2.2250738585072011e-308", "1.00000000000000011102230246251565"})
    EXPECT_EQ(MustParse(text).AsDouble(), std::strtod(text, nullptr)) << text;
  EXPECT_EQ(MustParse("1e-400").AsDouble(), 0.0);
}

TEST(Parse, RefusesNumbersThatItCannotHold) {
  for (const char* text : {"9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616", "100000000000000000001",
                           "123456789012345678901234567890", "1e309", "-1e309", "1e99999999999"})
    EXPECT_EQ(MustRefuse(text).reason, "bad-json") << text;
}

TEST(Parse, ReadsIntegerDigitsOnlyWhereTheyAreADoublesCanonicalSpelling) {
  EXPECT_EQ(MustParse("100000000000000000000"), Value(1e20));
  EXPECT_EQ(MustParse("9223372036854776000"), Value(std::ldexp(1.0, 63)));
  EXPECT_EQ(Canonical(Value(1e20)), "100000000000000000000");
}

TEST(Parse, RefusesEqualNames) {
  EXPECT_EQ(MustRefuse(R"({"a":1,"a":2})").message, "member `a` stands twice in one object");
  MustRefuse("{\"a\":1,\"\\u0061\":2}");
  MustRefuse(R"([{"x":{"b":1,"c":2,"b":1}}])");
  MustParse(R"([{"a":1},{"a":2},{"b":{"a":3}}])");
  std::string many = "{";
  for (int i = 0; i < 1000; ++i) many += "\"k" + std::to_string(i) + "\":1,";
  MustParse(many + "\"last\":1}");
  MustRefuse(many + "\"k3\":1}");
  MustRefuse(many + "\"k999\":1}");
}

TEST(Parse, RefusesWhatIsNotJson) {
  for (const char* text : {"",     " ",       "\n",     "nul",    "tru",       "[1,]",      "{\"a\":1,}",     "{a:1}", "'a'",    "01", "+1",   "1.",
                           ".5",   "1e",      "-",      "NaN",    "Infinity",  "[1 2]",     "{\"a\" 1}",      "\"abc", "[",      "{",  "[1]]", "1 2",
                           "{}{}", "// c\n1", "/* */1", "\"\t\"", "\"\\x41\"", "\"\\u12\"", "\xEF\xBB\xBF{}", "[\v1]", "\"\n\"", "1,", "]"})
    EXPECT_EQ(MustRefuse(text).reason, "bad-json") << text;
  MustRefuse(std::string_view("1\0", 2));
  MustRefuse(std::string_view("\0", 1));
}

TEST(Parse, RefusesIllFormedUtf8AndLoneSurrogates) {
  for (const char* text : {"\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "\"\\ud800\"", "\"\\ud800x\"",
                           "\"\\udc00\"", "\"\\ud800\\ud800\"", "{\"\xff\":1}"})
    EXPECT_EQ(MustRefuse(text).reason, "bad-json") << text;
  EXPECT_EQ(MustRefuse("\"\xff\"").message, "the text is not UTF-8");
}

TEST(Parse, HasLimits) {
  const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  MustParse(nested(limits::kJsonDepth));
  EXPECT_EQ(MustRefuse(nested(limits::kJsonDepth + 1)).message, "nested deeper than 64 levels");
  MustRefuse(std::string(1'000'000, '['));
  EXPECT_FALSE(Parse("[[1]]", {.depth = 1}).has_value());
  EXPECT_EQ(Parse("12345", {.bytes = 4}).error().reason, "json-too-large");
}

TEST(Parse, SaysWhere) {
  EXPECT_EQ(MustRefuse("{\n  \"a\": nope}").place, "2:8");
  EXPECT_EQ(MustRefuse("[1,\n2,\n").place, "3:1");
  EXPECT_EQ(MustRefuse("[1] x").place, "1:5");
}

// RFC 8785 appendix B, "Number Serialization Samples".
TEST(Canonical, WritesNumbersAsRfc8785AppendixBDoes) {
  const std::pair<std::uint64_t, const char*> kSamples[] = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& [bits, text] : kSamples) EXPECT_EQ(Canonical(Value(std::bit_cast<double>(bits))), text) << std::hex << bits;
}

// RFC 8785 §3.2.2 and §3.2.3, whose output is given as bytes in §3.2.4.
TEST(Canonical, WritesTheRfcsExample) {
  const Value v = MustParse(R"({
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  })");
  EXPECT_EQ(Canonical(v),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
            "\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

// RFC 8785 §3.2.3: names by their UTF-16 code units, so that an emoji stands before a Hebrew presentation form.
TEST(Canonical, SortsByUtf16CodeUnits) {
  const Value v = MustParse(R"({"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
                               "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"})");
  EXPECT_EQ(Canonical(v),
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xC2\x80\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\","
            "\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\uFB33\":\"Hebrew Letter Dalet With Dagesh\"}");
}

TEST(Write, KeepsADoubleADouble) {
  EXPECT_EQ(Write(Value(1.0)), "1.0");
  EXPECT_EQ(Write(Value(-0.0)), "-0.0");
  EXPECT_EQ(Write(Value(1e20)), "100000000000000000000.0");
  EXPECT_EQ(Write(Value(1e21)), "1e+21");
}

TEST(Write, IsJsonWhateverTheStringHolds) {
  EXPECT_EQ(Write(Value("a\xff z")), "\"a\uFFFD z\"");
  EXPECT_EQ(Write(Value("\xe2\x82")), "\"\uFFFD\uFFFD\"");
  EXPECT_EQ(Write(Value("€\xc0\n")), "\"€\uFFFD\\n\"");
  EXPECT_EQ(Quote("\x01\x1f\x7f"), "\"\\u0001\\u001f\x7f\"");
}

TEST(Write, CanBePretty) {
  EXPECT_EQ(WritePretty(Object{{"a", Array{1, 2}}, {"b", Object()}, {"c", Array()}}),
            "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {},\n  \"c\": []\n}");
}

// Values of every shape, at most `depth` deep.
rc::Gen<Value> AnyValue(int depth) {
  auto number = rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t bits) {
    const double d = std::bit_cast<double>(bits);
    return Value(std::isfinite(d) ? d : 0.5);
  });
  auto string = rc::gen::map(
      rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>("a", "\"", "\\", "\n", "é", "€", "😀", "\x01", "\uFB33")),
      [](const std::vector<std::string>& parts) {
        std::string joined;
        for (const auto& part : parts) joined += part;
        return joined;
      });
  auto leaf = rc::gen::oneOf(rc::gen::just(Value()), rc::gen::map(rc::gen::arbitrary<bool>(), [](bool b) { return Value(b); }),
                             rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t i) { return Value(i); }), number,
                             rc::gen::map(string, [](const std::string& s) { return Value(s); }));
  if (depth == 0) return leaf;
  auto array = rc::gen::map(rc::gen::scale(0.3, rc::gen::container<std::vector<Value>>(AnyValue(depth - 1))),
                            [](const std::vector<Value>& a) { return Value(a); });
  auto object =
      rc::gen::map(rc::gen::scale(0.3, rc::gen::container<std::vector<std::pair<std::string, Value>>>(rc::gen::pair(string, AnyValue(depth - 1)))),
                   [](const std::vector<std::pair<std::string, Value>>& members) {
                     Object o;
                     for (const auto& [name, value] : members) o.Set(name, value);
                     return Value(o);
                   });
  return rc::gen::oneOf(leaf, array, object);
}

void HoldsForAnyValue(const char* law, const std::function<bool(const Value&)>& holds) {
  EXPECT_TRUE(rc::check(law, [&] {
    const auto gen = rc::gen::noShrink(AnyValue(3));
    RC_ASSERT(holds(*gen));
  }));
}

TEST(Law, WhatIsWrittenIsReadAsTheSame) {
  HoldsForAnyValue("Parse(Write(v)) == v", [](const Value& v) { return Parse(Write(v)) == v && Parse(WritePretty(v)) == v; });
}

TEST(Law, CanonicalIsAFixedPoint) {
  HoldsForAnyValue("Canonical(Parse(Canonical(v))) == Canonical(v)", [](const Value& v) {
    const auto again = Parse(Canonical(v));
    return again.has_value() && Canonical(*again) == Canonical(v);
  });
}

TEST(Law, AnyBytesAreReadOrRefused) {
  EXPECT_TRUE(rc::check("Parse never aborts", [](const std::string& text) {
    if (const auto value = Parse(text)) RC_ASSERT((Parse(Write(*value)) == *value));
  }));
}

TEST(ObjectReader, ReadsFieldsByNameAndType) {
  const Value v = MustParse(R"({"s":"x","i":3,"b":true,"l":["a","b"],"o":{"k":1},"a":[1],"any":null})");
  ObjectReader r(v, "body");
  EXPECT_EQ(r.RequiredString("s"), "x");
  EXPECT_EQ(r.RequiredInt("i"), 3);
  EXPECT_TRUE(r.RequiredBool("b"));
  EXPECT_EQ(r.RequiredStrings("l"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(r.RequiredObject("o").size(), 1u);
  EXPECT_EQ(r.RequiredArray("a").size(), 1u);
  EXPECT_TRUE(r.RequiredValue("any").IsNull());
  EXPECT_EQ(r.OptionalString("absent"), std::nullopt);
  EXPECT_EQ(r.OptionalInt("i"), 3);
  EXPECT_TRUE(r.Finish().has_value());
}

TEST(ObjectReader, RefusesAnUnknownFieldAndGuesses) {
  const Value v = MustParse(R"({"reason":"x","prameters":{}})");
  ObjectReader r(v, "body");
  r.RequiredString("reason");
  r.OptionalObject("parameters");
  const Error error = r.Finish().error();
  EXPECT_EQ(error.reason, "unknown-field");
  EXPECT_EQ(error.place, "body");
  EXPECT_EQ(error.hint, "did you mean `parameters`?");
  EXPECT_TRUE(r.FinishIgnoringUnknown().has_value());
}

TEST(ObjectReader, KeepsTheFirstError) {
  const Value v = MustParse(R"({"a":1,"b":"x","l":["a",1]})");
  ObjectReader r(v, "body");
  EXPECT_EQ(r.RequiredString("a"), "");
  r.RequiredInt("b");
  r.RequiredString("c");
  EXPECT_EQ(r.Finish().error().message, "field `a` must be a string, not an integer");
  ObjectReader strings(v, "body");
  EXPECT_EQ(strings.OptionalStrings("l"), std::nullopt);
  EXPECT_EQ(strings.Finish().error().message, "field `l` must be an array of strings, and holds an integer");
  ObjectReader missing(v, "body");
  missing.RequiredBool("d");
  EXPECT_EQ(missing.Finish().error().reason, "missing-field");
  ObjectReader refused(v, "body");
  refused.Refuse("a", "must be above 3");
  EXPECT_EQ(refused.Finish().error().message, "field `a` must be above 3");
}

// A number that does not fit is another number when it is cut, and often a smaller one.
TEST(ObjectReader, CountsAreNotCut) {
  const auto count = [](std::string_view number) -> std::string {
    const Value v = MustParse("{\"n\":" + std::string(number) + "}");
    ObjectReader r(v, "body");
    const std::uint32_t n = r.RequiredCount("n");
    const Status done = r.Finish();
    return done ? std::to_string(n) : std::to_string(n) + " " + done.error().message;
  };
  EXPECT_EQ(count("0"), "0");
  EXPECT_EQ(count("4294967295"), "4294967295");
  EXPECT_EQ(count("4294967296"), "0 field `n` must be from 0 to 4294967295");
  EXPECT_EQ(count("-1"), "0 field `n` must be from 0 to 4294967295");
}

TEST(ObjectReader, RefusesWhatIsNoObject) {
  const Value v = MustParse("[1]");
  ObjectReader r(v, "body");
  r.RequiredString("a");
  EXPECT_EQ(r.Finish().error().reason, "not-an-object");
}

TEST(ObjectReader, NullIsNotAbsent) {
  const Value v = MustParse(R"({"a":null})");
  ObjectReader r(v, "body");
  r.OptionalString("a");
  EXPECT_EQ(r.Finish().error().reason, "bad-field");
}

}  // namespace
}  // namespace remit::json
