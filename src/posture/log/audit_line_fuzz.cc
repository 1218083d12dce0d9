// Any bytes as a message of pgaudit's, as a name, and as the times of a line.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "posture/log/audit_line.h"
#include "posture/log/log_time.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remit::posture;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto fields = ParseAudit("AUDIT: " + std::string(text)))
    if (const auto name = ParseQualifiedName(fields->object_name)) REMIT_CHECK(!name->name.empty());
  if (const auto name = ParseQualifiedName(text)) REMIT_CHECK(!name->name.empty());
  (void)KindsOf(SplitRefusal(text).first);
  LogRecord record;
  record.backend_type = "client backend";
  record.user = record.database = "x";
  record.severity = "LOG";
  record.sqlstate = size % 2 == 0 ? "00000" : "42501";
  record.message = text;
  const AuditLine line = Classify(record);
  if (line.kind == AuditLine::Kind::kUse) REMIT_CHECK(!line.privilege.empty() && !line.name.schema.empty() && !line.name.name.empty());
  record.session_id = "6b09d56e.339d";
  record.time = record.session_start = text;
  LogClock clock;
  if (clock.At(record)) REMIT_CHECK(IsLogTime(text));
  return 0;
}
