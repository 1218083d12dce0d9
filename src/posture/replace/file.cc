#include "posture/replace/file.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "io/files.h"
#include "json/object_reader.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::posture {
namespace {

constexpr std::string_view kFormat = "remit-replace/1";
constexpr mode_t kMode = 0600;

std::string Text(const PlanFile& file) {
  return json::WritePretty(json::Object{{"format", kFormat},
                                        {"hash", PlanHash(file.plan)},
                                        {"phase", PhaseName(file.phase)},
                                        {"planned", FormatTime(file.planned)},
                                        {"changed", FormatTime(file.changed)},
                                        {"evidence", file.evidence},
                                        {"plan", PlanToJson(file.plan)}}) +
         "\n";
}

Result<PlanFile> Read(const json::Value& value) {
  json::ObjectReader r(value, "plan file");
  PlanFile file;
  const std::string format = r.RequiredString("format");
  const std::string hash = r.RequiredString("hash");
  const std::string phase = r.RequiredString("phase");
  const std::string planned = r.RequiredString("planned");
  const std::string changed = r.RequiredString("changed");
  file.evidence = r.RequiredObject("evidence");
  const json::Value& plan = r.RequiredValue("plan");
  REMIT_TRY(r.Finish());
  if (format != kFormat) return Fail(Code::kUnsupported, "bad-plan-file", fmt::format("its format is not `{}`", kFormat));
  REMIT_ASSIGN(file.planned, ParseTime(planned));
  REMIT_ASSIGN(file.changed, ParseTime(changed));
  REMIT_ASSIGN(file.plan, PlanFromJson(plan));
  if (PlanHash(file.plan) != hash)
    return Fail(Code::kCorrupt, "plan-damaged", "the plan is not the one that the hash was made of: somebody changed it",
                "what was planned is not known any more; plan again, and compare");
  for (int one = 0; one <= static_cast<int>(Phase::kRolledBack); ++one)
    if (PhaseName(static_cast<Phase>(one)) == phase) return file.phase = static_cast<Phase>(one), file;
  return Fail(Code::kCorrupt, "bad-plan-file", "its phase is not known");
}

}  // namespace

std::string_view PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kPlanned: return "planned";
    case Phase::kApplying: return "applying";
    case Phase::kApplied: return "applied";
    case Phase::kRollingBack: return "rolling-back";
    case Phase::kRolledBack: return "rolled-back";
  }
  return "";
}

Result<PlanFile> PlanFile::Load(const std::string& path) {
  // Rollback grants what the file says: nobody else may have written it.
  REMIT_ASSIGN(const Secret text, io::ReadSecretFile(path, limits::kReplacePlanBytes));
  auto value = json::Parse(text.Reveal(), {.bytes = limits::kReplacePlanBytes});
  if (!value) return Fail(Error(value.error()).Within(fmt::format("`{}` is not a plan", path)));
  auto file = Read(*value);
  if (!file) return Fail(Error(file.error()).Within(fmt::format("`{}`", path)));
  file->path = path;
  return file;
}

Status PlanFile::Create() const { return io::WriteNewFile(path, Text(*this), kMode); }

Status PlanFile::Enter(Phase next, Time now) {
  phase = next;
  changed = now;
  return io::WriteFileAtomic(path, Text(*this), kMode);
}

}  // namespace remit::posture
