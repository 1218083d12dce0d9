// Who is barred, and which keys of receipts are trusted, kept beside the anchor's file: a store that was restored from an old copy does not know who
// was barred since, nor which key has leaked.
//
// The text (docs/formats.md, "Anchors") has a line for each, and a code by the master key, so that who has not the key can neither bar
// somebody by it nor take one out. It can be deleted, or an old one put in its place: then it says less, and nobody is let in who was not.
// It names the keys that are trusted, not those that are not: so it never grows, and a key that it does not know is not trusted.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/master_key.h"
#include "store/store.h"

namespace remit::broker {

struct BarredList {
  std::string installation;
  std::vector<std::string> who;                          // uids as text, of actors and people, sorted, each once
  std::optional<std::vector<std::string>> receipt_keys;  // kids, sorted, each once; nothing: a Remit wrote it that did not list them
  bool operator==(const BarredList&) const = default;
};

std::string BarredText(const BarredList& list, const crypto::MasterKey& master);
// Strict. Errors: `bad-anchor`, also for one that another master key made.
Result<BarredList> ParseBarred(std::string_view text, const crypto::MasterKey& master);

// What the store says. Errors: the store's; `store-corrupt`; OpenKeys's.
Result<BarredList> BarredIn(store::Store& store, const crypto::MasterKey& master);

// Adds to the batch what bars them in this store, those apart that it does not know or that are barred. Errors: as BarredIn.
Status BarAgain(store::Store& store, const std::vector<std::string>& who, store::Batch& batch);

// The row that each change of the registry writes anew, so that BarredIn is asked only where the answer may be another. kKeysRow (keys.h) is that of
// keys.
inline constexpr std::string_view kRegistryRow = "registry";

inline constexpr std::size_t kBarredBytes = 64u << 20;  // of the file: some hundred thousand

}  // namespace remit::broker
