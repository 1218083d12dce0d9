// Building a store: a number for each uid, parents before children, ancestors, attributes. What comes out is hierarchy.h's.
#include "cedar/entities.h"

#include <algorithm>
#include <cstdint>
#include <unordered_set>

#include <fmt/format.h>

#include "base/limits.h"
#include "cedar/entities/hierarchy.h"

namespace remit::cedar {
namespace {

class HierarchyBuilder {
 public:
  explicit HierarchyBuilder(Hierarchy& to) : to_(to) {}

  Status Build() {
    Resize(4 * to_.entities.size());
    to_.nodes.reserve(2 * to_.entities.size());
    REMIT_TRY(AddNodes());
    REMIT_TRY(AddAncestors());
    for (std::size_t i = 0; i < to_.entities.size(); ++i) AddAttributes(own_[i], to_.entities[i]);
    return {};
  }

 private:
  using Number = std::uint32_t;

  void Resize(std::size_t least) {
    std::size_t size = 16;
    while (size < least) size *= 2;
    to_.slots.assign(size, {});
    for (Number number = 0; number < to_.nodes.size(); ++number) Place(number);
  }

  void Place(Number number) {
    const std::uint64_t hash = to_.nodes[number].hash;
    const std::size_t mask = to_.slots.size() - 1;
    std::size_t at = hash & mask;
    while (to_.slots[at].number != kNowhere) at = (at + 1) & mask;
    to_.slots[at] = {.hash = static_cast<std::uint32_t>(hash >> 32), .number = number};
  }

  // `uid` must live as long as the hierarchy.
  Number NumberOf(const EntityUid& uid) {
    const std::uint64_t hash = HashUid(uid);
    if (const Number known = to_.Find(uid, hash); known != kNowhere) return known;
    const auto number = static_cast<Number>(to_.nodes.size());
    to_.nodes.push_back({.uid = &uid, .hash = hash, .entity = nullptr, .ancestors = {}, .attributes = {}});
    if (2 * to_.nodes.size() > to_.slots.size())
      Resize(4 * to_.nodes.size());
    else
      Place(number);
    return number;
  }

  Status AddNodes() {
    for (const Entity& entity : to_.entities) {
      const Number number = NumberOf(entity.uid);
      if (to_.nodes[number].entity != nullptr)
        return Fail(Code::kInvalidArgument, "duplicate-entity", fmt::format("duplicate entity entry `{}`", entity.uid.ToString()));
      to_.nodes[number].entity = &entity;
      own_.push_back(number);
      const auto begin = static_cast<Number>(edges_.size());
      for (const EntityUid& parent : entity.parents) edges_.push_back({.parent = NumberOf(parent), .child = number});
      edges_of_.resize(to_.nodes.size());
      edges_of_[number] = {.begin = begin, .end = static_cast<Number>(edges_.size())};
    }
    return {};
  }

  // Parents before children (Kahn's algorithm, no recursion: chains of parents may be as long as the document). Fewer than all: a cycle.
  std::vector<Number> ParentsFirst() const {
    const std::size_t count = to_.nodes.size();
    std::vector<Number> begin(count + 1), missing(count), children(edges_.size()), order;
    for (const Edge& edge : edges_) ++begin[edge.parent + 1], ++missing[edge.child];
    for (std::size_t i = 0; i < count; ++i) begin[i + 1] += begin[i];
    std::vector<Number> next = begin;
    for (const Edge& edge : edges_) children[next[edge.parent]++] = edge.child;
    order.reserve(count);
    for (Number number = 0; number < count; ++number) {
      if (missing[number] == 0) order.push_back(number);
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
      for (Number at = begin[order[i]]; at < begin[order[i] + 1]; ++at) {
        if (--missing[children[at]] == 0) order.push_back(children[at]);
      }
    }
    return order;
  }

  Status AddAncestors() {
    const std::vector<Number> order = ParentsFirst();
    if (order.size() < to_.nodes.size()) {
      std::vector<bool> done(to_.nodes.size());
      for (const Number number : order) done[number] = true;
      const auto in_cycle = static_cast<std::size_t>(std::ranges::find(done, false) - done.begin());
      return Fail(Code::kInvalidArgument, "entity-cycle",
                  fmt::format("the entity hierarchy has a cycle through or above `{}`", to_.nodes[in_cycle].uid->ToString()));
    }
    std::vector<Number> above;
    for (const Number number : order) {
      above.clear();
      for (Number at = edges_of_[number].begin; at < edges_of_[number].end; ++at) {
        const auto higher = to_.AncestorsOf(edges_[at].parent);
        above.push_back(edges_[at].parent);
        above.insert(above.end(), higher.begin(), higher.end());
        if (above.size() + to_.ancestors.size() <= limits::kCedarAncestors) continue;
        SortUnique(above);  // several parents share ancestors
        if (above.size() + to_.ancestors.size() > limits::kCedarAncestors) {
          return Fail(Code::kResourceExhausted, "hierarchy-too-large",
                      fmt::format("the entities have more than {} ancestors in all", limits::kCedarAncestors), "make the hierarchy flatter");
        }
      }
      SortUnique(above);
      to_.nodes[number].ancestors = Append(to_.ancestors, above);
    }
    return {};
  }

  void AddAttributes(Number number, const Entity& entity) {
    const auto begin = static_cast<Number>(to_.attributes.size());
    for (const auto& [name, value] : entity.attributes) to_.attributes.push_back({.name = QuickName(name), .value = DatumOf(value)});
    to_.nodes[number].attributes = {.begin = begin, .end = static_cast<Number>(to_.attributes.size())};
  }

  Datum DatumOf(const Value& value) {
    Datum datum = Datum::Of(value);
    if (datum.Is(Datum::Tag::kEntity)) datum.number = NumberOf(*datum.uid);
    if (!datum.Is(Datum::Tag::kSet)) return datum;
    const std::vector<Value>& members = value.AsSet();
    if (!std::ranges::all_of(members, [](const Value& member) { return member.Is(Value::Kind::kEntity); })) return datum;
    std::vector<Number> numbers;
    numbers.reserve(members.size());
    for (const Value& member : members) numbers.push_back(NumberOf(member.AsEntity()));
    SortUnique(numbers);
    datum.members = Datum::Members::kNumbered, datum.number = static_cast<Number>(to_.sets.size());
    to_.sets.push_back(Append(to_.set_members, numbers));
    return datum;
  }

  static void SortUnique(std::vector<Number>& numbers) {
    std::ranges::sort(numbers);
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  }

  static Hierarchy::Range Append(std::vector<Number>& list, const std::vector<Number>& numbers) {
    const auto begin = static_cast<Number>(list.size());
    list.insert(list.end(), numbers.begin(), numbers.end());
    return {.begin = begin, .end = static_cast<Number>(list.size())};
  }

  struct Edge {
    Number parent = 0, child = 0;
  };

  Hierarchy& to_;
  std::vector<Number> own_;                 // of each entity
  std::vector<Edge> edges_;                 // those of one child together
  std::vector<Hierarchy::Range> edges_of_;  // of each node
};

}  // namespace

Result<Entities> Entities::Build(std::vector<Entity> entities) {
  auto hierarchy = std::make_shared<Hierarchy>();
  hierarchy->entities = std::move(entities);
  REMIT_TRY(HierarchyBuilder(*hierarchy).Build());
  Entities built;
  built.hierarchy_ = std::move(hierarchy);
  return built;
}

const Entity* Entities::Find(const EntityUid& uid) const {
  const std::uint32_t number = hierarchy_ == nullptr ? kNowhere : hierarchy_->Find(uid, HashUid(uid));
  return number == kNowhere ? nullptr : hierarchy_->nodes[number].entity;
}

const Hierarchy* Entities::Prepared() const {
  static const Hierarchy kEmpty;
  return hierarchy_ != nullptr ? hierarchy_.get() : &kEmpty;
}

bool Entities::IsDescendant(const EntityUid& child, const EntityUid& ancestor) const {
  const std::uint32_t number = hierarchy_ == nullptr ? kNowhere : hierarchy_->Find(child, HashUid(child));
  if (number == kNowhere || hierarchy_->AncestorsOf(number).empty()) return false;
  const std::uint32_t above = hierarchy_->Find(ancestor, HashUid(ancestor));
  return above != kNowhere && ContainsNumber(hierarchy_->AncestorsOf(number), above);
}

bool Entities::ForEachAncestor(const EntityUid& uid, EachUid each) const {
  const std::uint32_t number = hierarchy_ == nullptr ? kNowhere : hierarchy_->Find(uid, HashUid(uid));
  if (number == kNowhere) return true;
  for (const std::uint32_t above : hierarchy_->AncestorsOf(number)) each(*hierarchy_->nodes[above].uid);
  return true;
}

std::size_t Entities::size() const { return hierarchy_ == nullptr ? 0 : hierarchy_->entities.size(); }

std::vector<const Entity*> Entities::All() const {
  std::vector<const Entity*> all;
  if (hierarchy_ == nullptr) return all;
  for (const Entity& entity : hierarchy_->entities) all.push_back(&entity);
  std::ranges::sort(all, {}, [](const Entity* entity) -> const EntityUid& { return entity->uid; });
  return all;
}

void OverlayEntities::Add(std::shared_ptr<const Entity> entity) {
  REMIT_CHECK(entity != nullptr);
  std::erase_if(added_, [&](const auto& other) { return other->uid == entity->uid; });
  added_.push_back(std::move(entity));
}

const Entity* OverlayEntities::FindAdded(const EntityUid& uid) const {
  for (const auto& entity : added_) {
    if (entity->uid == uid) return entity.get();
  }
  return nullptr;
}

const Entity* OverlayEntities::Find(const EntityUid& uid) const {
  const Entity* added = FindAdded(uid);
  return added != nullptr ? added : base_.Find(uid);
}

// Whether the base alone knows what is above `uid`: neither it nor anything on the way up is hidden. (What is hidden takes part with its new
// parents only.)
bool OverlayEntities::IsLeftToBase(const EntityUid& uid) const {
  return std::ranges::none_of(added_, [&](const auto& entity) { return entity->uid == uid || base_.IsDescendant(uid, entity->uid); });
}

// The way up from `from`: `of_parent(uid)` for each entity on it that something hidden leads to, and `of_base(uid)` for each from which on the
// base knows the way alone. Until one says true, which is then the answer.
template <class OfParent, class OfBase>
bool OverlayEntities::GoUp(const EntityUid& from, OfParent of_parent, OfBase of_base) const {
  if (IsLeftToBase(from)) return of_base(from);
  std::vector<const EntityUid*> open{&from};
  std::unordered_set<EntityUid, EntityUidHash> seen;
  while (!open.empty()) {
    const EntityUid& uid = *open.back();
    open.pop_back();
    if (IsLeftToBase(uid)) {
      if (of_base(uid)) return true;
      continue;
    }
    const Entity* entity = Find(uid);
    if (entity == nullptr) continue;
    for (const EntityUid& parent : entity->parents) {
      if (!seen.insert(parent).second) continue;
      if (of_parent(parent)) return true;
      open.push_back(&parent);
    }
  }
  return false;
}

bool OverlayEntities::IsDescendant(const EntityUid& child, const EntityUid& ancestor) const {
  return GoUp(
      child, [&](const EntityUid& parent) { return parent == ancestor; }, [&](const EntityUid& uid) { return base_.IsDescendant(uid, ancestor); });
}

bool OverlayEntities::ForEachAncestor(const EntityUid& uid, EachUid each) const {
  const bool base_cannot = GoUp(
      uid, [&](const EntityUid& parent) { return each(parent), false; }, [&](const EntityUid& last) { return !base_.ForEachAncestor(last, each); });
  return !base_cannot;
}

}  // namespace remit::cedar
