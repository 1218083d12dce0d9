#include "ledger/tile.h"

#include <charconv>

#include <fmt/format.h>

#include "base/text.h"
#include "ledger/hash.h"

namespace remit::ledger {
namespace {

std::unexpected<Error> BadPath(std::string_view path) {
  return Fail(Code::kInvalidArgument, "bad-tile-path", fmt::format("`{}` is not the path of a tile", EscapeControl(path)));
}

// A decimal number without sign, leading zero or anything behind it.
bool ReadNumber(std::string_view text, unsigned max, unsigned& out) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out <= max;
}

bool ReadGroup(std::string_view text, std::uint64_t& index) {
  if (text.size() != 3) return false;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (index > (UINT64_MAX - value) / 1000) return false;
  index = index * 1000 + value;
  return true;
}

}  // namespace

std::uint64_t TileWidthAt(TileId id, std::uint64_t size) {
  const std::uint64_t entries = size >> (kTileHeight * id.level);
  if (id.index > entries / kTileWidth) return 0;
  return std::min(kTileWidth, entries - id.index * kTileWidth);
}

Hash SubtreeRoot(std::span<const Hash> hashes) {
  REMIT_CHECK(!hashes.empty() && (hashes.size() & (hashes.size() - 1)) == 0);
  if (hashes.size() == 1) return hashes[0];
  std::vector<Hash> level;
  level.reserve(hashes.size() / 2);
  for (std::size_t i = 0; i < hashes.size(); i += 2) level.push_back(NodeHash(hashes[i], hashes[i + 1]));
  for (std::size_t width = level.size(); width > 1; width /= 2) {
    for (std::size_t i = 0; i < width / 2; ++i) level[i] = NodeHash(level[2 * i], level[2 * i + 1]);
  }
  return level[0];
}

std::string TilePath(TileId id, std::uint64_t width) {
  std::string number = fmt::format("{:03}", id.index % 1000);
  for (std::uint64_t rest = id.index / 1000; rest > 0; rest /= 1000) number = fmt::format("x{:03}/{}", rest % 1000, number);
  std::string path = fmt::format("tile/{}/{}", id.level, number);
  if (width != kTileWidth) path += fmt::format(".p/{}", width);
  return path;
}

Result<TileRequest> ParseTilePath(std::string_view path) {
  if (path.size() > 64) return BadPath(path.substr(0, 64));
  std::vector<std::string> parts = Split(path, '/');
  TileRequest request;
  if (parts.size() < 3 || parts[0] != "tile" || !ReadNumber(parts[1], kTileLevels - 1, request.id.level)) return BadPath(path);
  if (const std::string& last = parts[parts.size() - 2]; parts.size() >= 4 && last.ends_with(".p")) {
    unsigned width = 0;
    if (!ReadNumber(parts.back(), kTileWidth - 1, width) || width == 0) return BadPath(path);
    request.width = width;
    parts.pop_back();
    parts.back().resize(parts.back().size() - 2);
  }
  for (std::size_t i = 2; i < parts.size(); ++i) {
    std::string_view group = parts[i];
    if (i + 1 < parts.size()) {
      if (!group.starts_with('x')) return BadPath(path);
      group.remove_prefix(1);
    }
    if (!ReadGroup(group, request.id.index)) return BadPath(path);
  }
  // One path for each tile: leading groups of zeros were accepted above.
  if (TilePath(request.id, request.width) != path) return BadPath(path);
  return request;
}

}  // namespace remit::ledger
