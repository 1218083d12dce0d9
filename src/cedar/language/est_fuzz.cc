// Any JSON is read as a policy or refused; what was read survives being written as JSON and as text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "cedar/language/normal_form.h"
#include "cedar/parser.h"
#include "cedar/policy_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remit;
  using namespace remit::cedar;
  const auto document = json::Parse(std::string_view(reinterpret_cast<const char*>(data), size), kPolicyJsonLimits);
  if (!document) return 0;
  if (const auto set = PolicySetFromJson(*document)) (void)LinkAll(*set);
  const auto policy = PolicyFromJson(*document, "fuzz");
  if (!policy) return 0;
  const auto again = PolicyFromJson(PolicyToJson(**policy), "again");
  REMIT_CHECK(again.has_value());
  REMIT_CHECK(EqualInNormalForm(**again, **policy));
  const auto printed = ParsePolicies(ToString(**policy), "printed");
  REMIT_CHECK(printed.has_value() && printed->size() == 1);
  REMIT_CHECK(Equal(*printed->front(), **policy));
  return 0;
}
