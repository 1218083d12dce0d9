// The hierarchy: every uid that occurs gets a number, every node the sorted numbers of its ancestors.
#include "cedar/entities.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include <fmt/format.h>

#include "base/limits.h"

namespace remit::cedar {

struct Entities::Hierarchy {
  struct Node {
    std::optional<Entity> entity;          // nothing: only named as a parent
    std::vector<std::uint32_t> ancestors;  // sorted
  };
  std::unordered_map<EntityUid, std::uint32_t, EntityUidHash> numbers;
  std::vector<Node> nodes;
  std::size_t entities = 0;

  std::uint32_t NumberOf(const EntityUid& uid) {
    const auto [found, added] = numbers.try_emplace(uid, static_cast<std::uint32_t>(nodes.size()));
    if (added) nodes.emplace_back();
    return found->second;
  }

  const Node* FindNode(const EntityUid& uid) const {
    const auto found = numbers.find(uid);
    return found == numbers.end() ? nullptr : &nodes[found->second];
  }
};

namespace {

// Parents before children (Kahn's algorithm, no recursion: chains of parents may be as long as the document). Fewer than all: a cycle.
std::vector<std::uint32_t> ParentsFirst(const std::vector<std::vector<std::uint32_t>>& parents) {
  std::vector<std::vector<std::uint32_t>> children(parents.size());
  std::vector<std::size_t> missing(parents.size());
  std::vector<std::uint32_t> order;
  for (std::uint32_t node = 0; node < parents.size(); ++node) {
    missing[node] = parents[node].size();
    for (const std::uint32_t parent : parents[node]) children[parent].push_back(node);
    if (missing[node] == 0) order.push_back(node);
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (const std::uint32_t child : children[order[i]]) {
      if (--missing[child] == 0) order.push_back(child);
    }
  }
  return order;
}

}  // namespace

Result<Entities> Entities::Build(std::vector<Entity> entities) {
  auto hierarchy = std::make_shared<Hierarchy>();
  hierarchy->entities = entities.size();
  std::vector<std::vector<std::uint32_t>> parents;
  for (Entity& entity : entities) {
    const std::uint32_t node = hierarchy->NumberOf(entity.uid);
    if (hierarchy->nodes[node].entity.has_value()) {
      return Fail(Code::kInvalidArgument, "duplicate-entity", fmt::format("duplicate entity entry `{}`", entity.uid.ToString()));
    }
    std::vector<std::uint32_t> own;
    for (const EntityUid& parent : entity.parents) own.push_back(hierarchy->NumberOf(parent));
    parents.resize(hierarchy->nodes.size());
    parents[node] = std::move(own);
    hierarchy->nodes[node].entity = std::move(entity);
  }
  const std::vector<std::uint32_t> order = ParentsFirst(parents);
  if (order.size() < parents.size()) {
    std::vector<bool> done(parents.size());
    for (const std::uint32_t node : order) done[node] = true;
    const auto in_cycle = static_cast<std::size_t>(std::ranges::find(done, false) - done.begin());
    return Fail(Code::kInvalidArgument, "entity-cycle",
                fmt::format("the entity hierarchy has a cycle through or above `{}`", hierarchy->nodes[in_cycle].entity->uid.ToString()));
  }
  std::size_t total = 0;
  for (const std::uint32_t node : order) {
    std::vector<std::uint32_t>& ancestors = hierarchy->nodes[node].ancestors;
    for (const std::uint32_t parent : parents[node]) {
      const std::vector<std::uint32_t>& above = hierarchy->nodes[parent].ancestors;
      ancestors.push_back(parent);
      ancestors.insert(ancestors.end(), above.begin(), above.end());
      if (ancestors.size() + total > limits::kCedarAncestors) {
        return Fail(Code::kResourceExhausted, "hierarchy-too-large",
                    fmt::format("the entities have more than {} ancestors in all", limits::kCedarAncestors), "make the hierarchy flatter");
      }
    }
    std::ranges::sort(ancestors);
    ancestors.erase(std::unique(ancestors.begin(), ancestors.end()), ancestors.end());
    ancestors.shrink_to_fit();
    total += ancestors.size();
  }
  Entities built;
  built.hierarchy_ = std::move(hierarchy);
  return built;
}

const Entity* Entities::Find(const EntityUid& uid) const {
  const Hierarchy::Node* node = hierarchy_ == nullptr ? nullptr : hierarchy_->FindNode(uid);
  return node == nullptr || !node->entity.has_value() ? nullptr : &*node->entity;
}

bool Entities::IsDescendant(const EntityUid& child, const EntityUid& ancestor) const {
  const Hierarchy::Node* node = hierarchy_ == nullptr ? nullptr : hierarchy_->FindNode(child);
  if (node == nullptr || node->ancestors.empty()) return false;
  const auto number = hierarchy_->numbers.find(ancestor);
  return number != hierarchy_->numbers.end() && std::ranges::binary_search(node->ancestors, number->second);
}

std::size_t Entities::size() const { return hierarchy_ == nullptr ? 0 : hierarchy_->entities; }

std::vector<const Entity*> Entities::All() const {
  std::vector<const Entity*> all;
  if (hierarchy_ == nullptr) return all;
  for (const Hierarchy::Node& node : hierarchy_->nodes) {
    if (node.entity.has_value()) all.push_back(&*node.entity);
  }
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

bool OverlayEntities::IsDescendant(const EntityUid& child, const EntityUid& ancestor) const {
  // Where nothing on the way up from `child` is hidden, the base knows. Hidden entities take part with their new parents only.
  if (FindAdded(child) == nullptr) {
    const bool hidden = std::ranges::any_of(added_, [&](const auto& entity) { return base_.IsDescendant(child, entity->uid); });
    if (!hidden) return base_.IsDescendant(child, ancestor);
  }
  return Walk(child, ancestor);
}

bool OverlayEntities::Walk(const EntityUid& child, const EntityUid& ancestor) const {
  std::vector<const EntityUid*> open{&child}, seen;
  while (!open.empty()) {
    const Entity* entity = Find(*open.back());
    open.pop_back();
    if (entity == nullptr) continue;
    for (const EntityUid& parent : entity->parents) {
      if (parent == ancestor) return true;
      if (std::ranges::any_of(seen, [&](const EntityUid* uid) { return *uid == parent; })) continue;
      seen.push_back(&parent);
      open.push_back(&parent);
    }
  }
  return false;
}

}  // namespace remit::cedar
