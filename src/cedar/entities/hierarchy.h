// A store as evaluation reads it: every uid that occurs has a number, every number its sorted ancestors and its attributes, in arrays that
// lie close together. The entities themselves are kept beside it; everything here points into them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cedar/entities.h"
#include "cedar/entities/datum.h"
#include "cedar/language/hash.h"

namespace remit::cedar {

struct Hierarchy {
  struct Range {
    std::uint32_t begin = 0, end = 0;
  };
  struct Node {
    const EntityUid* uid = nullptr;
    std::uint64_t hash = 0;          // HashUid
    const Entity* entity = nullptr;  // null: only named, as a parent or in an attribute
    Range ancestors, attributes;     // of the lists below
  };
  struct Attribute {
    QuickName name;
    Datum value;
  };
  struct Slot {
    std::uint32_t hash = 0;  // the upper half
    std::uint32_t number = kNowhere;
  };

  std::vector<Entity> entities;  // INVARIANT: never moved once nodes are made
  std::vector<Node> nodes;
  std::vector<Slot> slots;                 // open addressing; a power of two, at most half full
  std::vector<std::uint32_t> ancestors;    // of each node, sorted
  std::vector<Attribute> attributes;       // of each node, in order of name
  std::vector<std::uint32_t> set_members;  // numbers, sorted
  std::vector<Range> sets;                 // sets of entities only, that stand in an attribute

  // kNowhere: not named.
  std::uint32_t Find(const EntityUid& uid, std::uint64_t hash) const {
    if (slots.empty()) return kNowhere;
    const std::size_t mask = slots.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots[at];
      if (slot.number == kNowhere) return kNowhere;
      if (slot.hash == hash >> 32 && nodes[slot.number].hash == hash && SameUid(*nodes[slot.number].uid, uid)) return slot.number;
    }
  }
  std::span<const std::uint32_t> AncestorsOf(std::uint32_t number) const {
    const Range range = nodes[number].ancestors;
    return {ancestors.data() + range.begin, ancestors.data() + range.end};
  }
  std::span<const std::uint32_t> MembersOf(std::uint32_t set) const {
    return {set_members.data() + sets[set].begin, set_members.data() + sets[set].end};
  }
};

inline bool ContainsNumber(std::span<const std::uint32_t> sorted, std::uint32_t number) {
  const std::uint32_t* at = sorted.data();
  std::size_t count = sorted.size();
  while (count > 8) {
    const std::size_t half = count / 2;
    at = at[half] <= number ? at + half : at;
    count -= half;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (at[i] == number) return true;
  }
  return false;
}

}  // namespace remit::cedar
