#include "store/verify.h"

#include <fmt/format.h>

namespace remit::store {

Result<ledger::AuditReport> VerifyStore(Store& store, std::optional<TreeHead> against) {
  const TreeHead head = store.Head();
  // Only complete tiles are stored; what is asked for beyond them is the audit's own business.
  const auto tiles = [&store](ledger::TileId id, std::uint64_t width) { return store.ReadTile(id, width); };
  ledger::Audit audit(tiles, against, /*recorded_roots=*/false);
  REMIT_TRY(store.ScanEvents(0, [&](const StoredEvent& event) {
    if (event.index >= head.size) return false;
    audit.Add(ledger::AuditRow{event.index, event.body, event.salt, event.leaf, std::nullopt});
    return true;
  }));
  ledger::AuditReport report = audit.Finish();
  if (report.ok() && report.head != head) {
    report.findings.push_back({ledger::Flaw::kRoot, head.size, fmt::format("the {} events do not give the root that the store serves", head.size)});
  }
  return report;
}

}  // namespace remit::store
