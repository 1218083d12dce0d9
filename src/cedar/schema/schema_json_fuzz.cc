// Any JSON is a schema or an error; what can be written as text is the same schema there, and translating it again changes nothing.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cedar/schema.h"
#include "cedar/schema_json.h"
#include "json/read.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remit;
  using namespace remit::cedar;
  const auto document = json::Parse(std::string_view(reinterpret_cast<const char*>(data), size), kSchemaJsonLimits);
  if (!document) return 0;
  const auto schema = Schema::FromJson({*document});
  const auto text = SchemaJsonToText(*document);
  if (!text) return 0;
  const auto back = SchemaTextToJson(*text, "text");
  REMIT_CHECK(back.has_value());
  const auto again = SchemaJsonToText(*back);
  REMIT_CHECK(again.has_value());
  REMIT_CHECK(SchemaTextToJson(*again, "again").value() == *back);
  if (schema) REMIT_CHECK(Schema::Parse({{"text", *text}}).has_value());
  return 0;
}
