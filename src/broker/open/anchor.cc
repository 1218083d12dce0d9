#include "broker/open/anchor.h"

#include <charconv>

#include <fmt/format.h>

#include "base/text.h"
#include "broker/open/coded_text.h"

namespace remit::broker {
namespace {

constexpr std::string_view kForm = "remit/anchor/v1";
constexpr std::string_view kPurpose = "remit anchors v1";

std::unexpected<Error> Bad(std::string_view why) {
  return Fail(Code::kCorrupt, "bad-anchor", fmt::format("this is no anchor of this installation: {}", why),
              "if it cannot be mended, `remit serve --restored` begins anew");
}

// What stands behind `name ` in the line.
Result<std::string> Field(const std::string& line, std::string_view name) {
  if (line.size() <= name.size() + 1 || !line.starts_with(name) || line[name.size()] != ' ') return Bad(fmt::format("`{}` is missing", name));
  return line.substr(name.size() + 1);
}

Result<std::uint64_t> Number(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || (text.size() > 1 && text[0] == '0')) return Bad("a number is malformed");
  return number;
}

}  // namespace

std::string AnchorText(const Anchor& anchor, const crypto::MasterKey& master) {
  return WithCode(
      fmt::format("{}\ninstallation {}\nepoch {}\nsize {}\nroot {}\n", kForm, anchor.installation, anchor.epoch, anchor.size, HexEncode(anchor.root)),
      kPurpose, master);
}

Result<Anchor> ParseAnchor(std::string_view text, const crypto::MasterKey& master) {
  const std::vector<std::string> lines = Split(std::string(text), '\n');
  if (lines.size() != 7 || lines[0] != kForm || !lines[6].empty()) return Bad("it has not six lines");
  if (!WithoutCode(text, kPurpose, master)) return Bad("its code is not of this master key");
  Anchor anchor;
  REMIT_ASSIGN(anchor.installation, Field(lines[1], "installation"));
  REMIT_ASSIGN(const std::string epoch, Field(lines[2], "epoch"));
  REMIT_ASSIGN(const std::string size, Field(lines[3], "size"));
  REMIT_ASSIGN(const std::string root, Field(lines[4], "root"));
  REMIT_ASSIGN(anchor.epoch, Number(epoch));
  REMIT_ASSIGN(anchor.size, Number(size));
  const auto bytes = HexDecode(root);
  if (!bytes || bytes->size() != anchor.root.size()) return Bad("its root is malformed");
  std::ranges::copy(*bytes, anchor.root.begin());
  return anchor;
}

Result<Anchor> AnchorOf(store::Store& store) {
  Anchor anchor;
  REMIT_ASSIGN(const std::optional<std::string> installation, store.Get(store::Table::kMeta, "installation"));
  REMIT_ASSIGN(const std::optional<std::string> epoch, store.Get(store::Table::kMeta, "epoch"));
  const store::TreeHead head = store.Head();
  anchor.installation = installation.value_or("");
  anchor.size = head.size;
  anchor.root = head.root;
  if (epoch) {
    REMIT_ASSIGN(anchor.epoch, Number(*epoch));
  }
  return anchor;
}

Status CheckAnchor(store::Store& store, const Anchor& anchor, std::string_view where) {
  REMIT_ASSIGN(const Anchor here, AnchorOf(store));
  constexpr std::string_view kHint =
      "if this store was restored from a copy on purpose: `remit serve --restored` revokes everything that it says is alive, and begins anew";
  if (here.installation != anchor.installation)
    return Fail(Code::kFailedPrecondition, "another-store",
                fmt::format("{} is of installation `{}`, and this store is {}", where, anchor.installation,
                            here.installation.empty() ? "new" : fmt::format("`{}`", here.installation)),
                "put the right store in its place; to begin a new one, move the anchor away");
  if (here.epoch > anchor.epoch) return {};
  if (here.epoch < anchor.epoch)
    return Fail(Code::kFailedPrecondition, "ledger-shorter",
                fmt::format("{} is of epoch {}, and this store of epoch {}: it is an old copy", where, anchor.epoch, here.epoch), std::string(kHint));
  if (here.size < anchor.size)
    return Fail(Code::kFailedPrecondition, "ledger-shorter",
                fmt::format("{} saw {} events, and the ledger has {}: this store is an old copy", where, anchor.size, here.size), std::string(kHint));
  REMIT_ASSIGN(const Hash root, store.RootAt(anchor.size));
  if (root != anchor.root)
    return Fail(Code::kFailedPrecondition, "ledger-forked",
                fmt::format("{} saw other events than the first {} of this ledger: what was written since an old copy was lost", where, anchor.size),
                std::string(kHint));
  return {};
}

}  // namespace remit::broker
