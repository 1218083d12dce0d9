// Laws of the two forms of schemas, on random schemas: nothing is lost on the way from one to the other, whichever way.
#include <gtest/gtest.h>

#include "cedar/schema.h"
#include "cedar/schema/schema_generator.h"
#include "cedar/schema_json.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::cedar {
namespace {

template <class T>
T Get(Result<T> result, const std::string& text) {
  EXPECT_TRUE(result.has_value()) << result.error().ToString() << "\n" << text;
  return result ? std::move(*result) : T();
}

TEST(SchemaPropertyTest, NothingIsLostBetweenTextAndJson) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    const std::string text = ToText(SchemaGenerator(random).Fragment());
    const json::Value document = Get(SchemaTextToJson(text, "random"), text);
    EXPECT_EQ(Get(SchemaJsonToText(document), text), text);
    const std::string schema = Get(Schema::Parse({{"random", text}}), text).ToText().value();
    EXPECT_EQ(Get(Schema::FromJson({document}), text).ToText().value(), schema) << text;
    EXPECT_EQ(Get(Schema::Parse({{"random.json", json::Write(document), true}}), text).ToText().value(), schema) << text;
    const json::Value resolved = Get(SchemaTextToResolvedJson(text, "random"), text);
    EXPECT_EQ(Get(Schema::FromJson({resolved}), text).ToText().value(), schema) << text;
    EXPECT_EQ(Get(Schema::Parse({{"printed", schema}}), schema).ToText().value(), schema) << text;
    if (HasFailure()) return;
  }
}

// Whether a schema is one text or a text for each namespace makes no difference.
TEST(SchemaPropertyTest, FragmentsMakeTheSameSchemaAsTheWhole) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    const SchemaFragment whole = SchemaGenerator(random).Fragment();
    std::vector<SchemaSource> parts;
    for (const NamespaceDeclaration& space : whole) parts.push_back({"part", ToText({space})});
    std::ranges::reverse(parts);
    const std::string text = ToText(whole);
    EXPECT_EQ(Get(Schema::Parse(parts), text).ToText().value(), Get(Schema::Parse({{"whole", text}}), text).ToText().value());
  }
}

}  // namespace
}  // namespace remit::cedar
