#include "cli/scan_output.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/text.h"
#include "cli/local_time.h"
#include "cli/output.h"

namespace remit::cli {
namespace {

using posture::Evidence;
using posture::Held;

std::string When(Time t) { return LocalTime(t, std::chrono::floor<Duration>(std::chrono::system_clock::now())); }

std::string Of(const posture::Object& object) {
  const std::string where = object.database.empty() ? "" : object.database + ": ";
  return EscapeControl(where + object.ToString());
}

std::string Evident(const Held& held) {
  switch (held.evidence) {
    case Evidence::kUsed: return fmt::format("{}×", held.count);
    case Evidence::kNever: return "never";
    case Evidence::kUnknown: return "?";
  }
  return "";
}

// Used first, then never used, then what cannot be told.
void PrintHeld(const std::vector<Held>& held) {
  std::vector<std::vector<std::string>> rows = {{"  USED", "PRIVILEGE", "ON", "BY"}};
  for (Evidence evidence : {Evidence::kUsed, Evidence::kNever, Evidence::kUnknown})
    for (const Held& one : held)
      if (one.evidence == evidence)
        rows.push_back({"  " + Evident(one), EscapeControl(one.holding.privilege) + (one.holding.grantable ? "*" : ""), Of(one.holding.object),
                        EscapeControl(one.holding.path.ToString())});
  if (rows.size() > 1) PrintTable(rows);
}

void PrintRefused(const std::vector<posture::Refused>& refused) {
  for (const posture::Refused& one : refused) {
    std::vector<std::string> candidates;
    for (const posture::Object& object : one.candidates) candidates.push_back(EscapeControl(object.ToString()));
    std::string which;
    if (candidates.size() == 1) which = ": " + candidates.front();
    if (candidates.size() > 1) which = ", one of: " + Join(candidates, ", ");
    PrintLine(fmt::format("  {} {}×  {}{}{}", Styled(Style::kRed, "refused"), one.count,
                          one.what.empty() ? std::string("(in words that are not understood)") : EscapeControl(one.what), which,
                          one.within_function ? " (inside a function, which may have made it up)" : ""));
  }
}

void PrintAccount(const posture::AccountReport& account) {
  std::string head = Styled(Style::kBold, EscapeControl(account.name));
  if (account.superuser) head += "  superuser";
  if (account.gone) head += "  not at the server any more";
  PrintLine("\n" + head);
  for (const auto& [database, sessions] : account.sessions)
    PrintLine(fmt::format("  {} session{} in {}, {} to {}; {} with a use, the longest {}", sessions.count, sessions.count == 1 ? "" : "s",
                          EscapeControl(database), When(sessions.first), When(sessions.last), sessions.with_use,
                          FormatDuration(std::chrono::ceil<std::chrono::seconds>(sessions.longest))));
  PrintHeld(account.held);
  for (const posture::Use& use : account.uses)
    if (use.held.empty())
      PrintLine(fmt::format("  {} {}×  {} on {}", Styled(Style::kYellow, "with others' rights"), use.count, use.privilege, Of(use.object)));
  PrintRefused(account.refused);
}

Style StyleOf(posture::Verdict verdict) {
  switch (verdict) {
    case posture::Verdict::kAllowed: return Style::kGreen;
    case posture::Verdict::kRefused: return Style::kRed;
    case posture::Verdict::kUnclear: return Style::kYellow;
    default: return Style::kDim;
  }
}

}  // namespace

void PrintFindings(const std::vector<posture::Finding>& findings) {
  for (const posture::Finding& finding : findings)
    PrintLine(fmt::format("{}{}  {}{}{}", Styled(Style::kYellow, finding.reason),
                          finding.account.empty() ? "" : "  " + EscapeControl(finding.account), EscapeControl(finding.message),
                          finding.count > 1 ? fmt::format(" ({}×)", finding.count) : "",
                          finding.place.empty() ? "" : ", first at " + EscapeControl(finding.place)));
}

void PrintScan(const posture::ScanReport& report) {
  if (report.first && report.last) {
    PrintLine(fmt::format("{} of the log, {} to {}", Counted(report.records, "line"), When(*report.first), When(*report.last)));
  } else {
    PrintLine("no log was read: what is held, and not what is used");
  }
  for (const posture::AccountReport& account : report.accounts) PrintAccount(account);
  if (!report.everyone.empty()) {
    PrintLine("\n" + Styled(Style::kBold, "PUBLIC") + "  so every account");
    PrintHeld(report.everyone);
  }
  PrintLine("\n" + Styled(Style::kDim, "? the log cannot tell; * may be passed on"));
  PrintFindings(report.findings);
}

void PrintProposal(const posture::Proposal& proposal, const posture::ReplayReport& replay) {
  for (const posture::ProposedType& type : proposal.types) {
    PrintLine(fmt::format("{}  what {} does in {}; lives {}", Styled(Style::kBold, type.name), EscapeControl(type.account),
                          EscapeControl(type.database), FormatDuration(type.life)));
    for (const posture::ProposedPermission& one : type.permissions)
      PrintLine(fmt::format("  {} {}{}{}", one.privilege, EscapeControl(one.resource), one.is_hidden ? "  (hidden in the log)" : "",
                            one.sequences.empty() ? "" : "  (and its own sequence " + EscapeControl(Join(one.sequences, ", ")) + ")"));
    for (const posture::ReplayedType& one : replay.types)
      if (one.name == type.name)
        PrintLine(fmt::format("  {} of {} session{} would have gone through whole; {} task{} started, at most {} a day", one.whole,
                              one.whole + one.cut, one.whole + one.cut == 1 ? "" : "s", one.tasks, one.tasks == 1 ? "" : "s", one.most_a_day));
  }
  PrintLine("");
  std::vector<std::string> parts;
  for (posture::Verdict verdict :
       {posture::Verdict::kAllowed, posture::Verdict::kPublic, posture::Verdict::kOthers, posture::Verdict::kRefused, posture::Verdict::kUnclear})
    parts.push_back(fmt::format("{} {}", replay.Count(verdict), posture::VerdictName(verdict)));
  PrintLine("replayed, in lines of the log: " + Join(parts, ", "));
  for (const posture::ReplayedUse& use : replay.uses)
    if (use.verdict != posture::Verdict::kAllowed)
      PrintLine(fmt::format("  {} {}×  {}: {} on {} in {}", Styled(StyleOf(use.verdict), posture::VerdictName(use.verdict)), use.count,
                            EscapeControl(use.account), use.privilege, EscapeControl(use.object), EscapeControl(use.database)));
  if (!proposal.findings.empty()) PrintLine("");
  PrintFindings(proposal.findings);
}

}  // namespace remit::cli
