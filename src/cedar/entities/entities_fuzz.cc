// Any JSON is read as entities or refused, and values survive being written.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "cedar/entities.h"
#include "json/read.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remit;
  using namespace remit::cedar;
  const auto document = json::Parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!document) return 0;
  if (const auto value = ValueFromJson(*document)) {
    const auto again = ValueFromJson(value->ToJson());
    REMIT_CHECK(again.has_value() && *again == *value);
  }
  if (const auto entities = Entities::FromJson(*document, nullptr)) {
    for (const Entity* entity : entities->All()) REMIT_CHECK(!entities->IsDescendant(entity->uid, entity->uid));
  }
  return 0;
}
