// One offboarding on its way: what offboard.cc, its report and standing.cc share, under the mutex. Included by these only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/broker.h"

namespace remit::broker {

// Under the mutex.
struct Offboarding {
  cedar::EntityUid actor;
  std::string why, by;
  Time begun{};
  std::uint64_t bar = 0;                      // the change of the registry that it began with; 0: before this process
  std::vector<std::string> accounts;          // that were declared when it began, and ever since: whoever asked had these ended, and no others
  std::string standing_denied;                // why accounts at targets are not touched: whoever asked may not
  std::string standing = "nothing declared";  // the receipt's `standing_access`
  json::Array ended, open;
  std::size_t pending = 1;  // of what is waited for; the first is this function's own
  Answer<json::Value> answer;
};

}  // namespace remit::broker
