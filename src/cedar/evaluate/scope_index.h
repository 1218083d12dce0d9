// Which policies a request can concern: a tree that asks for one part of the request at each level (the part that tells these policies
// apart best), and looks that part up in a table: the entity itself, its type, its ancestors. So the cost of a request follows the
// policies that its own entities are named by, and not how many there are. A view that cannot list ancestors is asked of each group that
// policies name there instead.
//
// INVARIANT: every policy whose scope is satisfied is visited, perhaps more than once (an action that is in two groups of one list), and
// what is visited satisfies the parts of its scope that are not in `open`.
#pragma once

#include <span>
#include <vector>

#include "cedar/evaluate/scope.h"
#include "cedar/language/hash.h"

namespace remit::cedar {

struct Subject {
  Datum entity;
  std::uint64_t hash = 0;  // HashUid
};

class ScopeIndex {
 public:
  struct Entry {
    std::uint32_t policy = 0;
    std::uint32_t open = 0;  // bit i: part i of the scope is yet to be tested
  };

  // `scopes[i]` are those of policy i; the uids that they name are in `program`. Both must outlive the index.
  void Build(std::span<const Scopes> scopes, const Program& program);

  // Calls `visit(entry)`, until it returns false.
  template <class World, class Visit>
  void ForEach(const Subject (&subjects)[kSubjects], const World& world, Visit visit) const {
    if (root_ != kNone) Walk(root_, subjects, world, visit);
  }

 private:
  friend class ScopeIndexBuilder;

  // A child: an entry (kEntry set), a node, or none.
  using Child = std::uint32_t;
  static constexpr Child kNone = 0xFFFF'FFFF, kEntry = 0x8000'0000;

  struct Slot {  // what some policies name
    std::uint64_t hash = 0;
    const std::string* type = nullptr;  // null: an empty slot
    const std::string* id = nullptr;    // null: the type itself is named
    Child itself = kNone;               // those that concern it
    Child below = kNone;                // those that concern what is below it
  };
  struct Node {
    std::uint32_t part = kSubjects;                  // which part is asked for; kSubjects: none, `first` and `count` are of `entries_`
    std::uint32_t first = 0, count = 0;              // of `slots_`; a power of two
    Child any = kNone;                               // those that do not constrain the part
    bool types = false;                              // some slot is of a type
    std::uint32_t first_below = 0, below_count = 0;  // of `below_`: the slots that have `below`
  };

  const Slot* Find(const Node& node, const std::string& type, const std::string* id, std::uint64_t hash) const {
    for (std::uint64_t at = hash;; ++at) {
      const Slot& slot = slots_[node.first + (at & (node.count - 1))];
      if (slot.type == nullptr) return nullptr;
      if (slot.hash == hash && (slot.id == nullptr) == (id == nullptr) && (id == nullptr || SameText(*slot.id, *id)) && SameText(*slot.type, type))
        return &slot;
    }
  }

  template <class World, class Visit>
  bool Walk(Child child, const Subject (&subjects)[kSubjects], const World& world, Visit& visit) const {
    if (child == kNone) return true;
    if ((child & kEntry) != 0) return visit(entries_[child & ~kEntry]);
    const Node& node = nodes_[child];
    if (node.part == kSubjects) {
      for (std::uint32_t i = 0; i < node.count; ++i) {
        if (!visit(entries_[node.first + i])) return false;
      }
      return true;
    }
    const Subject& subject = subjects[node.part];
    const EntityUid& uid = *subject.entity.uid;
    if (!Walk(node.any, subjects, world, visit)) return false;
    if (const Slot* slot = Find(node, uid.type, &uid.id, subject.hash); slot != nullptr && !Walk(slot->itself, subjects, world, visit)) return false;
    if (node.types) {
      const Slot* slot = Find(node, uid.type, nullptr, HashText(uid.type));
      if (slot != nullptr && !Walk(slot->itself, subjects, world, visit)) return false;
    }
    return node.below_count == 0 || WalkBelow(node, subject.entity, subjects, world, visit);
  }

  // Up from the subject, or down the list of what is named: the shorter way, if there are both.
  template <class World, class Visit>
  bool WalkBelow(const Node& node, const Datum& entity, const Subject (&subjects)[kSubjects], const World& world, Visit& visit) const {
    bool go_on = true;
    if (world.IsSoonerListed(entity, node.below_count)) {
      const bool listed = world.ForEachAncestor(entity, [&](const EntityUid& ancestor, std::uint64_t hash) {
        if (!go_on) return;
        const Slot* slot = Find(node, ancestor.type, &ancestor.id, hash);
        if (slot != nullptr) go_on = Walk(slot->below, subjects, world, visit);
      });
      if (listed || !go_on) return go_on;
    }
    for (std::uint32_t i = 0; i < node.below_count && go_on; ++i) {
      const Slot& slot = slots_[below_[node.first_below + i].slot];
      const UidLiteral& uid = below_[node.first_below + i].uid;
      if (!SameUid(*uid.uid, *entity.uid) && world.Within(entity, world.Entity(uid))) go_on = Walk(slot.below, subjects, world, visit);
    }
    return go_on;
  }

  struct Below {
    std::uint32_t slot = 0;
    UidLiteral uid;
  };

  std::vector<Node> nodes_;
  std::vector<Slot> slots_;
  std::vector<Entry> entries_;
  std::vector<Below> below_;
  Child root_ = kNone;
};

}  // namespace remit::cedar
