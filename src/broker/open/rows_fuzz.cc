// What the broker reads from a file or a row that others may have written: anchors, changes that wait, approvals of uses. What is read is
// written again the same, and nothing that another key made is an anchor.
#include <cstddef>
#include <cstdint>

#include "base/text.h"
#include "broker/administer/change.h"
#include "broker/core.h"
#include "broker/open/anchor.h"
#include "broker/open/barred_list.h"
#include "json/read.h"
#include "json/write.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remit;
  using namespace remit::broker;
  static SeededRng rng(1);
  static const crypto::MasterKey master = crypto::MasterKey::Random(rng), other = crypto::MasterKey::Random(rng);
  const std::string_view text = AsText({data, size});

  if (const auto anchor = ParseAnchor(text, master)) REMIT_CHECK(AnchorText(*anchor, master) == text);
  // With its code made right, so that what stands behind the code is reached.
  Anchor made;
  made.installation = std::string(text.substr(0, text.find('\n')));
  made.size = size;
  const std::string good = AnchorText(made, master);
  if (const auto again = ParseAnchor(good, master)) REMIT_CHECK(*again == made && !ParseAnchor(good, other));

  if (const auto barred = ParseBarred(text, master)) REMIT_CHECK(BarredText(*barred, master) == text);
  const std::string listed =
      BarredText({made.installation, Split(text, ' '), size % 2 == 0 ? std::optional(Split(text, '/')) : std::nullopt}, master);
  if (const auto again = ParseBarred(listed, master)) REMIT_CHECK(BarredText(*again, master) == listed && !ParseBarred(listed, other));

  const auto row = json::Parse(text);
  if (!row) return 0;
  if (ChangeRequest::IsOne(*row)) {
    const auto change = ChangeRequest::FromJson(*row);
    if (change) REMIT_CHECK(ChangeRequest::FromJson(change->ToJson()).value().hash == change->hash);
  } else if (const auto approval = UseApproval::FromJson(*row)) {
    REMIT_CHECK(json::Canonical(UseApproval::FromJson(approval->ToJson()).value().ToJson()) == json::Canonical(approval->ToJson()));
  }
  return 0;
}
