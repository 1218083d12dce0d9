#include "cedar/evaluate/scope_index.h"

#include <algorithm>
#include <bit>

namespace remit::cedar {
namespace {

using Kind = ScopeConstraint::Kind;

// So few policies are tested one by one.
constexpr std::size_t kFew = 2;
// A part is worth asking for if a request is left with less than this share of the policies, or if one look-up spares so many tests.
constexpr double kWorthwhile = 0.75;
constexpr std::size_t kManyTests = 4;

}  // namespace

class ScopeIndexBuilder {
 public:
  ScopeIndexBuilder(ScopeIndex& to, std::span<const Scopes> scopes, const Program& program) : to_(to), scopes_(scopes), program_(program) {}

  void Build() {
    Entries all;
    for (std::uint32_t policy = 0; policy < scopes_.size(); ++policy) {
      std::uint32_t open = 0;
      bool possible = true;
      for (std::size_t part = 0; part < kSubjects; ++part) {
        const Scope& scope = scopes_[policy][part];
        if (scope.kind != Kind::kAny) open |= 1u << part;
        if (scope.kind == Kind::kInSet && scope.count == 0) possible = false;
      }
      if (possible) all.push_back({.policy = policy, .open = open});
    }
    to_.root_ = MakeChild(std::move(all), (1u << kSubjects) - 1);
  }

 private:
  using Entries = std::vector<ScopeIndex::Entry>;
  using Child = ScopeIndex::Child;

  // The keys of a node while it is built: a table of groups.
  struct Group {
    std::uint64_t hash = 0;
    const EntityUid* uid = nullptr;     // null: a type
    const std::string* type = nullptr;  // null: empty
    std::uint32_t last_itself = kEnd, last_below = kEnd, members = 0;
  };
  static constexpr std::uint32_t kEnd = 0xFFFF'FFFF;
  struct Link {
    std::uint32_t entry = 0, next = kEnd;
  };
  struct Groups {
    std::vector<Group> table;
    std::vector<Link> links;
    std::vector<std::uint32_t> any;
    double cost = 0;  // how many policies a request is left with, that names what policies name as often as they do

    Group& At(std::uint64_t hash, const EntityUid* uid, const std::string& type) {
      for (std::uint64_t at = hash;; ++at) {
        Group& group = table[at & (table.size() - 1)];
        if (group.type == nullptr) return group.hash = hash, group.uid = uid, group.type = &type, group;
        if (group.hash == hash && (group.uid == nullptr) == (uid == nullptr) && *group.type == type && (uid == nullptr || group.uid->id == uid->id))
          return group;
      }
    }
    void Add(std::uint32_t& last, std::uint32_t entry) {
      if (last != kEnd && links[last].entry == entry) return;  // one list may name an entity twice
      links.push_back({.entry = entry, .next = last});
      last = static_cast<std::uint32_t>(links.size() - 1);
    }
  };

  Groups GroupBy(std::size_t part, const Entries& entries) const {
    Groups groups;
    std::size_t keys = 0;
    for (const auto& entry : entries) keys += std::max(1u, scopes_[entry.policy][part].count);
    groups.table.resize(std::bit_ceil(2 * keys));
    groups.links.reserve(2 * keys);
    for (std::uint32_t i = 0; i < entries.size(); ++i) {
      const Scope& scope = scopes_[entries[i].policy][part];
      if (scope.kind == Kind::kAny) {
        groups.any.push_back(i);
      } else if (scope.kind == Kind::kIs) {
        Group& group = groups.At(HashText(*scope.type), nullptr, *scope.type);
        groups.Add(group.last_itself, i), ++group.members;
      } else {
        for (std::uint32_t at = scope.first; at < scope.first + scope.count; ++at) {
          const UidLiteral& literal = program_.uids[at];
          Group& group = groups.At(literal.hash, literal.uid, literal.uid->type);
          groups.Add(group.last_itself, i), ++group.members;
          if (scope.kind != Kind::kEqual) groups.Add(group.last_below, i);
        }
      }
    }
    groups.cost = static_cast<double>(groups.any.size());
    for (const Group& group : groups.table) groups.cost += static_cast<double>(group.members) * group.members / static_cast<double>(entries.size());
    return groups;
  }

  // The entry as it is once its part was asked for: done, but for the type that a slot of an entity does not tell.
  ScopeIndex::Entry Settled(ScopeIndex::Entry entry, std::size_t part) const {
    if (scopes_[entry.policy][part].kind != Kind::kIsIn) entry.open &= ~(1u << part);
    return entry;
  }

  Entries Listed(std::uint32_t last, const Groups& groups, const Entries& entries, std::size_t part) const {
    Entries listed;
    for (std::uint32_t at = last; at != kEnd; at = groups.links[at].next) listed.push_back(Settled(entries[groups.links[at].entry], part));
    std::ranges::reverse(listed);
    return listed;
  }

  Child MakeChild(Entries entries, std::uint32_t parts) {
    if (entries.empty()) return ScopeIndex::kNone;
    if (entries.size() == 1) {
      to_.entries_.push_back(entries.front());
      return static_cast<Child>(to_.entries_.size() - 1) | ScopeIndex::kEntry;
    }
    if (entries.size() <= kFew) return MakeLeaf(entries);
    std::size_t best_part = kSubjects;
    Groups best;
    for (std::size_t part = 0; part < kSubjects; ++part) {
      if ((parts & 1u << part) == 0) continue;
      Groups groups = GroupBy(part, entries);
      const bool better = std::pair(groups.cost, groups.any.size()) < std::pair(best.cost, best.any.size());
      if (best_part == kSubjects || better) best = std::move(groups), best_part = part;
    }
    if (best_part == kSubjects) return MakeLeaf(entries);
    const bool selective = best.cost <= kWorthwhile * static_cast<double>(entries.size());
    if (!selective && entries.size() - best.any.size() < kManyTests) return MakeLeaf(entries);
    return MakeNode(best_part, best, entries, parts & ~(1u << best_part));
  }

  Child MakeLeaf(const Entries& entries) {
    ScopeIndex::Node leaf;
    leaf.first = static_cast<std::uint32_t>(to_.entries_.size()), leaf.count = static_cast<std::uint32_t>(entries.size());
    to_.entries_.insert(to_.entries_.end(), entries.begin(), entries.end());
    to_.nodes_.push_back(leaf);
    return static_cast<Child>(to_.nodes_.size() - 1);
  }

  Child MakeNode(std::size_t part, const Groups& groups, const Entries& entries, std::uint32_t parts) {
    ScopeIndex::Node node;
    node.part = static_cast<std::uint32_t>(part);
    Entries any;
    for (const std::uint32_t i : groups.any) any.push_back(Settled(entries[i], part));
    const auto used = std::ranges::count_if(groups.table, [](const Group& group) { return group.type != nullptr; });
    std::vector<ScopeIndex::Slot> slots(std::bit_ceil(static_cast<std::size_t>(2 * used + 1)));
    std::vector<ScopeIndex::Below> below;
    for (const Group& group : groups.table) {
      if (group.type == nullptr) continue;
      std::size_t at = group.hash & (slots.size() - 1);
      while (slots[at].type != nullptr) at = (at + 1) & (slots.size() - 1);
      slots[at] = {.hash = group.hash, .type = group.type, .id = group.uid == nullptr ? nullptr : &group.uid->id};
      Entries of_itself = Listed(group.last_itself, groups, entries, part), of_below = Listed(group.last_below, groups, entries, part);
      const bool same = of_itself.size() == of_below.size();
      slots[at].itself = MakeChild(std::move(of_itself), parts);
      slots[at].below = same ? slots[at].itself : MakeChild(std::move(of_below), parts);
      if (group.uid == nullptr) node.types = true;
      if (slots[at].below != ScopeIndex::kNone)
        below.push_back({.slot = static_cast<std::uint32_t>(at), .uid = {.uid = group.uid, .hash = group.hash}});
    }
    node.any = MakeChild(std::move(any), parts);
    node.first = static_cast<std::uint32_t>(to_.slots_.size()), node.count = static_cast<std::uint32_t>(slots.size());
    to_.slots_.insert(to_.slots_.end(), slots.begin(), slots.end());
    for (ScopeIndex::Below& one : below) one.slot += node.first;
    node.first_below = static_cast<std::uint32_t>(to_.below_.size()), node.below_count = static_cast<std::uint32_t>(below.size());
    to_.below_.insert(to_.below_.end(), below.begin(), below.end());
    to_.nodes_.push_back(node);
    return static_cast<Child>(to_.nodes_.size() - 1);
  }

  ScopeIndex& to_;
  std::span<const Scopes> scopes_;
  const Program& program_;
};

void ScopeIndex::Build(std::span<const Scopes> scopes, const Program& program) {
  *this = {};
  ScopeIndexBuilder(*this, scopes, program).Build();
}

}  // namespace remit::cedar
