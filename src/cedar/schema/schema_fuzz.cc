// Any text is a schema or an error; what is a schema prints as one that prints the same, and is the same in JSON.
#include <cstddef>
#include <cstdint>

#include "cedar/schema.h"
#include "cedar/schema_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remit::cedar;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto schema = Schema::Parse({{"fuzz", text}});
  const auto document = SchemaTextToJson(text, "fuzz");
  if (document) {
    // The name of a common type that cannot be, as in `context: Long`, means something else in JSON; such a schema is none.
    const auto back = SchemaJsonToText(*document);
    REMIT_CHECK(back.has_value() || !schema.has_value());
    if (back) REMIT_CHECK(SchemaTextToJson(*back, "back").value() == *document);
  }
  if (!schema) return 0;
  REMIT_CHECK(document.has_value());
  const auto from_json = Schema::FromJson({*document});
  REMIT_CHECK(from_json.has_value());
  const auto printed = schema->ToText();
  const auto printed_from_json = from_json->ToText();
  REMIT_CHECK(printed.has_value() == printed_from_json.has_value());
  if (!printed) return 0;
  REMIT_CHECK(*printed_from_json == *printed);
  const auto again = Schema::Parse({{"printed", *printed}});
  REMIT_CHECK(again.has_value());
  REMIT_CHECK(again->ToText().value() == *printed);
  return 0;
}
