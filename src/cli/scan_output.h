// What `remit scan` shows to people.
#pragma once

#include "posture/propose/replay.h"
#include "posture/scan/scan.h"

namespace remit::cli {

void PrintScan(const posture::ScanReport& report);
void PrintProposal(const posture::Proposal& proposal, const posture::ReplayReport& replay);
void PrintFindings(const std::vector<posture::Finding>& findings);

}  // namespace remit::cli
