// Any bytes are read or refused, and what was read survives being written.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "json/read.h"
#include "json/write.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remit;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = json::Parse(text);
  if (!value) return 0;
  REMIT_CHECK(json::Parse(json::Write(*value)) == *value);
  const std::string canonical = json::Canonical(*value);
  const auto again = json::Parse(canonical);
  REMIT_CHECK(again.has_value() && json::Canonical(*again) == canonical);
  return 0;
}
