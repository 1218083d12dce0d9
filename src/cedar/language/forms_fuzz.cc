// What parses survives every change of form: formatted, and as JSON.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "cedar/format.h"
#include "cedar/language/normal_form.h"
#include "cedar/parser.h"
#include "cedar/policy_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remit;
  using namespace remit::cedar;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto policies = ParsePolicies(text, "fuzz");
  const ParsedPolicies all = ParseAllPolicies(text, "fuzz");
  REMIT_CHECK(all.errors.empty() == policies.has_value());
  if (!policies) return 0;
  const FormatOptions options{.line_width = size % 3 == 0 ? 20 : 80, .indent_width = 2};
  const auto formatted = FormatPolicies(text, "fuzz", options);
  // Indentation alone can make it too large to be read again.
  REMIT_CHECK(formatted.has_value() || formatted.error().reason == "source-too-large");
  if (formatted) REMIT_CHECK(FormatPolicies(*formatted, "formatted", options).value_or("") == *formatted);
  for (const PolicyPtr& policy : *policies) {
    const json::Value written = PolicyToJson(*policy);
    const auto again = PolicyFromJson(written, "again");
    REMIT_CHECK(again.has_value());
    REMIT_CHECK(EqualInNormalForm(**again, *policy));
  }
  return 0;
}
