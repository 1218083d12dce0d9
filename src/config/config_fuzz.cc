// Any bytes are a configuration or an error, and a configuration can be written and read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remit;
  auto config = config::Parse(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz");
  if (!config) return 0;
  config->targets.clear();
  REMIT_CHECK(config::Parse(config::DefaultToml(*config), "fuzz") == *config);
  return 0;
}
