// Any bytes are parsed or refused, and what was parsed survives being printed.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cedar/authorizer.h"
#include "cedar/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remit;
  using namespace remit::cedar;
  const auto policies = ParsePolicies(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz");
  if (!policies) return 0;
  const Request request{{"User", "a"}, {"Action", "b"}, {"Doc", "c"}};
  const Entities entities;
  for (const PolicyPtr& policy : *policies) {
    const auto again = ParsePolicies(ToString(*policy), "printed");
    REMIT_CHECK(again.has_value() && again->size() == 1);
    REMIT_CHECK(Equal(*again->front(), *policy));
    (void)EvaluateExpr(*policy->AsExpr(), request, entities);
  }
  if (const auto set = PolicySet::Build(*policies)) (void)set->IsAuthorized(request, entities);
  return 0;
}
