// Any text is a schema or an error; what is a schema prints as one that prints the same.
#include <cstddef>
#include <cstdint>

#include "cedar/schema.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remit::cedar;
  const auto schema = Schema::Parse({{"fuzz", std::string(reinterpret_cast<const char*>(data), size)}});
  if (!schema) return 0;
  const std::string printed = schema->ToString();
  const auto again = Schema::Parse({{"printed", printed}});
  REMIT_CHECK(again.has_value());
  REMIT_CHECK(again->ToString() == printed);
  return 0;
}
