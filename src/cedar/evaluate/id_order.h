// Policies in order of their ids: sorted by their first sixteen bytes as two numbers, which most ids do not go beyond.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <vector>

#include "cedar/ast.h"

namespace remit::cedar {

struct IdOrder {
  std::vector<std::uint32_t> positions;  // in order of the ids; of equal ids the first comes first
  std::size_t duplicate = 0;             // the first position whose id an earlier one has; without any: how many there are
};

inline IdOrder OrderOfIds(const std::vector<PolicyPtr>& policies) {
  struct Key {
    std::uint64_t first = 0, second = 0;  // bytes 0 to 15, the first highest; zero behind the end
    std::uint32_t position = 0;
  };
  auto number = [](const char* bytes) {
    std::uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
  };
  std::vector<Key> keys;
  keys.reserve(policies.size());
  for (std::uint32_t position = 0; position < policies.size(); ++position) {
    const std::string& id = policies[position]->id;
    char bytes[16] = {};
    std::memcpy(bytes, id.data(), std::min(id.size(), sizeof bytes));
    keys.push_back({.first = number(bytes), .second = number(bytes + 8), .position = position});
  }
  std::ranges::sort(keys, [&](const Key& a, const Key& b) {
    if (std::tie(a.first, a.second) != std::tie(b.first, b.second)) return std::tie(a.first, a.second) < std::tie(b.first, b.second);
    return std::tie(policies[a.position]->id, a.position) < std::tie(policies[b.position]->id, b.position);
  });
  IdOrder order{.positions = {}, .duplicate = keys.size()};
  order.positions.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Key& key = keys[i];
    order.positions.push_back(key.position);
    if (i == 0 || key.first != keys[i - 1].first || key.second != keys[i - 1].second) continue;
    if (policies[key.position]->id == policies[keys[i - 1].position]->id) order.duplicate = std::min<std::size_t>(order.duplicate, key.position);
  }
  return order;
}

}  // namespace remit::cedar
