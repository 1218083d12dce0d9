#include "posture/propose/draws.h"

#include <algorithm>

namespace remit::posture {
namespace {

bool AnyOf(const std::vector<Held>& all, const Object& object, std::string_view privilege) {
  return std::ranges::any_of(all, [&](const Held& held) {
    return held.holding.object == object && held.holding.privilege == privilege && held.holding.path.via != Via::kFuture;
  });
}

// nextval takes either.
bool EverybodyDraws(const ScanReport& report, const Object& sequence) {
  return AnyOf(report.everyone, sequence, "USAGE") || AnyOf(report.everyone, sequence, "UPDATE");
}

}  // namespace

bool Holds(const ScanReport& report, const AccountReport& account, const Object& object, std::string_view privilege) {
  return account.superuser || AnyOf(account.held, object, privilege) || AnyOf(report.everyone, object, privilege);
}

Draws DrawsOf(const ScanReport& report, const AccountReport& account, const Object& table) {
  Draws draws;
  for (const DrawnDefault& one : report.drawn) {
    if (one.table != table) continue;
    if (one.own) {
      draws.own.push_back(&one);
    } else if (one.sequence.name.empty()) {
      draws.unknown.push_back(&one);
    } else if (!EverybodyDraws(report, one.sequence) &&
               (Holds(report, account, one.sequence, "USAGE") || Holds(report, account, one.sequence, "UPDATE"))) {
      draws.lacking.push_back(&one);
    }
  }
  return draws;
}

}  // namespace remit::posture
