// Any bytes as the name of a table: read or refused, and what is read is written back as it was.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pg/name.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto name = remit::pg::ParseTableName(text)) REMIT_CHECK(name->ToString() == text);
  if (const auto name = remit::pg::ParseSchemaTable(text)) REMIT_CHECK(name->ToString() == text);
  return 0;
}
