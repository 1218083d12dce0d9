// A store that was restored from an old copy. Whoever starts it with --restored opens a new epoch: every task of before is revoked, and no
// handle, session or token of before works. What was made at targets after the copy carries our mark and is in no ledger: the sweep ends it.
#include "broker/epoch.h"

#include <fmt/format.h>

#include "broker/keys.h"
#include "broker/open/barred_list.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::broker {

Result<Epoch> ReadEpoch(store::Store& store) {
  Epoch epoch;
  REMIT_ASSIGN(const std::optional<std::string> number, store.Get(store::Table::kMeta, "epoch"));
  REMIT_ASSIGN(const std::optional<std::string> since, store.Get(store::Table::kMeta, "epoch-since"));
  if (number) epoch.number = std::strtoull(number->c_str(), nullptr, 10);
  if (since) epoch.since = FromMicros(std::strtoll(since->c_str(), nullptr, 10));
  return epoch;
}

Result<Time> LastEventTime(store::Store& store) {
  Time last{};
  const store::TreeHead head = store.Head();
  if (head.size == 0) return last;
  REMIT_TRY(store.ScanEvents(head.size - 1, [&](const store::StoredEvent& event) {
    if (!event.body) return true;
    const auto body = json::Parse(*event.body);
    const std::string* text = body ? body->FindString("time") : nullptr;
    if (text != nullptr)
      if (const auto time = ParseTime(*text)) last = *time;
    return true;
  }));
  return last;
}

Status OpenEpoch(store::Store& store, const crypto::MasterKey& master, Rng& rng, std::uint64_t number, Time now, const BarredList& list) {
  REMIT_ASSIGN(const Time last_event, LastEventTime(store));
  store::Batch batch;
  // Handles of people and PEPs, links; what waits for a yes; answers that somebody may ask for again. Not what was used once (kReplay).
  for (const store::Table table : {store::Table::kSession, store::Table::kApproval, store::Table::kIdempotency})
    REMIT_TRY(store.Scan(table, "", [&](std::string_view key, std::string_view) {
      batch.writes.push_back({table, std::string(key), std::nullopt});
      return true;
    }));
  const std::size_t before = batch.writes.size();
  REMIT_TRY(BarAgain(store, list.who, batch));
  const std::size_t barred_again = batch.writes.size() - before;
  // The key of tokens is made anew, and no earlier one verifies any more. Those of receipts and checkpoints stay: what they signed is still true,
  // where no key of receipts has leaked since.
  REMIT_TRY(ForgetKeys(store, kAccessKey, batch));
  std::vector<std::string> distrusted;
  if (list.receipt_keys) {
    REMIT_ASSIGN(distrusted, TrustReceiptKeys(store, master, rng, *list.receipt_keys, std::max(now, last_event), batch));
  }
  const Time since = std::max(now, last_event) + std::chrono::microseconds(1);
  batch.writes.push_back({store::Table::kMeta, "epoch", std::to_string(number)});
  batch.writes.push_back({store::Table::kMeta, "epoch-since", std::to_string(Micros(since))});
  const store::TreeHead head = store.Head();
  json::Object event{{"type", "epoch.opened"},
                     {"time", FormatTime(std::max(now, last_event))},
                     {"epoch", number},
                     {"after", head.size},
                     {"barred_again", barred_again}};
  if (!distrusted.empty()) event.Set("keys_distrusted_again", json::StringArray(distrusted));
  batch.events.push_back(json::Canonical(event));
  REMIT_TRY(store.CommitNow(std::move(batch)));
  return {};
}

}  // namespace remit::broker
