// Any bytes as the plan of a replacement: refused, or read, written and read again as the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "json/read.h"
#include "posture/grants/sql.h"
#include "posture/replace/plan.h"

namespace {

void Show(remit::posture::Grant grant) {
  (void)grant.ToString();
  grant.on = "FOR ROLE x";  // where it is now is read from the server
  for (const int version : {150000, 160000}) {
    (void)remit::posture::RevokeSql(grant, version, true);
    (void)remit::posture::RegrantSql(grant, version);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = remit::json::Parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!value) return 0;
  const auto plan = remit::posture::PlanFromJson(*value);
  if (!plan) return 0;
  for (const auto* grants : {&plan->removed, &plan->cascades})
    for (const remit::posture::Grant& grant : *grants) Show(grant);
  const auto again = remit::posture::PlanFromJson(remit::posture::PlanToJson(*plan));
  REMIT_CHECK(again && remit::posture::PlanHash(*again) == remit::posture::PlanHash(*plan));
  REMIT_CHECK(remit::posture::Differences(*plan, *again).empty());
  return 0;
}
