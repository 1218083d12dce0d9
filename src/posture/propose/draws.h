// What an INSERT takes its columns' defaults from: sequences, which pgaudit does not write down. A target gives a task those that the table's own
// columns own, and no others. Pure.
#pragma once

#include <vector>

#include "posture/scan/scan.h"

namespace remit::posture {

struct Draws {
  std::vector<const DrawnDefault*> own;      // come with the INSERT
  std::vector<const DrawnDefault*> lacking;  // the account may draw on these, and no task may
  std::vector<const DrawnDefault*> unknown;  // which sequence it is, the server does not say
};

// For an INSERT into `table`, as the account did it. A sequence that it may not draw on itself it cannot have needed.
Draws DrawsOf(const ScanReport& report, const AccountReport& account, const Object& table);

// Whether the account, or everybody, may do this with the object now.
bool Holds(const ScanReport& report, const AccountReport& account, const Object& object, std::string_view privilege);

}  // namespace remit::posture
