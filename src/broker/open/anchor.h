// An anchor: what the ledger was at a moment, kept where the store is not, so that an old copy of the store is known for what it is.
//
// The text is five lines (docs/formats.md, "Anchors"): form, installation, epoch, size and root, and a code by the master key, so that who
// has not the key cannot make one. It is no secret.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/master_key.h"
#include "store/store.h"

namespace remit::broker {

struct Anchor {
  std::string installation;
  std::uint64_t epoch = 1;
  std::uint64_t size = 0;
  Hash root{};
  bool operator==(const Anchor&) const = default;
};

std::string AnchorText(const Anchor& anchor, const crypto::MasterKey& master);
// Strict. Errors: `bad-anchor`, also for one that another master key made.
Result<Anchor> ParseAnchor(std::string_view text, const crypto::MasterKey& master);

// What the store is now. `installation` empty in a store that is new. Errors: the store's.
Result<Anchor> AnchorOf(store::Store& store);

// Whether the store is what the anchor saw, or an extension of it; or of a later epoch, which somebody opened knowingly. `where` the anchor
// was. Errors: `another-store`, `ledger-shorter`, `ledger-forked`, the store's.
Status CheckAnchor(store::Store& store, const Anchor& anchor, std::string_view where);

}  // namespace remit::broker
