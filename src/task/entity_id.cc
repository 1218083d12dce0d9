// See entity_id.h.
#include "task/entity_id.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "task/builtin_schema.h"
#include "task/nfc_tables.h"
#include "task/secret_path.h"

namespace remit::task {
namespace {

template <class Range>
const Range* Lookup(std::span<const Range> ranges, std::uint32_t code) {
  const auto range = std::ranges::lower_bound(ranges, code, {}, &Range::last);
  return range != ranges.end() && range->first <= code ? &*range : nullptr;
}

}  // namespace

bool IsNfc(std::string_view utf8) {
  if (!IsUtf8(utf8)) return false;
  std::uint8_t last_class = 0;
  while (!utf8.empty()) {
    const std::uint32_t code = NextCharacter(utf8);
    if (code < 0xc0) {
      last_class = 0;
      continue;
    }
    if (Lookup(std::span(kNotCertainlyNfc, kNotCertainlyNfcCount), code) != nullptr) return false;
    const CombiningRange* combining = Lookup(std::span(kCombiningClasses, kCombiningClassesCount), code);
    const std::uint8_t this_class = combining == nullptr ? std::uint8_t{0} : combining->combining_class;
    if (this_class != 0 && this_class < last_class) return false;  // marks in another order than the canonical one
    last_class = this_class;
  }
  return true;
}

Status CheckEntityId(const cedar::EntityUid& uid) {
  auto bad = [&](std::string_view why, std::string hint = {}) {
    return Fail(Code::kInvalidArgument, "bad-entity-id", fmt::format("`{}::\"{}\"` {}", uid.type, EscapeControl(uid.id.substr(0, 80)), why),
                std::move(hint));
  };
  if (uid.id.size() > limits::kEntityIdBytes) return bad("has an id that is too long");
  if (!IsVisible(uid.id)) return bad("has an id that is empty or holds invisible characters");
  if (!IsNfc(uid.id)) return bad("has an id that is not in Unicode's form NFC", "write accented letters as one character each");
  if (uid.type == kSecretPathType || uid.type == kSecretFolderType) {
    if (const Status path = CheckSecretPath(uid.id); !path) return bad(fmt::format("is refused: {}", path.error().message), path.error().hint);
  }
  return {};
}

}  // namespace remit::task
