// A catalog of any text: refused with a finding, or loaded into one whose permissions can be worked out. The input is a schema, a zero
// byte, and policies.
#include "cedar/entities.h"
#include "task/catalog.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remit;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t middle = std::min(input.find('\0'), size);
  const std::string schema(input.substr(0, middle)), policies(input.substr(std::min(middle + 1, size)));
  const task::Catalog::Loaded loaded = task::Catalog::Load({{"a.cedarschema", schema}, {"a.cedar", policies}});
  REMIT_CHECK((loaded.catalog == nullptr) == !loaded.errors.empty());
  if (!loaded.catalog) return 0;
  const cedar::Entities none;
  for (const auto& [name, type] : loaded.catalog->task_types()) {
    task::ExplainType(*loaded.catalog, type);
    task::PermissionsOf(*loaded.catalog, cedar::Entity{{name, "tsk_1"}, {}, {}, {}}, none);
  }
  return 0;
}
