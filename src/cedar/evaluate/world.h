// What a decision asks about entities, of a store that has numbers and of any other view. Both answer the same questions, so that there is
// one machine and one index for both.
#pragma once

#include <algorithm>

#include "cedar/entities.h"
#include "cedar/entities/hierarchy.h"
#include "cedar/evaluate/program.h"

namespace remit::cedar {

// A store: uids become numbers, and numbers are compared.
class StoreWorld {
 public:
  explicit StoreWorld(const Hierarchy& store) : nodes_(store.nodes.data()), attributes_(store.attributes.data()), store_(store) {}

  Datum Entity(const UidLiteral& literal) const { return Datum::EntityOf(*literal.uid, store_.Find(*literal.uid, literal.hash)); }

  bool Same(Datum a, Datum b) const {
    if (a.number < kNowhere && b.number < kNowhere) return a.number == b.number;
    return SameUid(*a.uid, *b.uid);
  }

  // Whether `child` is `ancestor` or below it.
  bool Within(Datum child, Datum ancestor) const {
    LookUp(child), LookUp(ancestor);
    if (child.number == kNowhere) return Same(child, ancestor);
    if (ancestor.number == kNowhere) return false;
    return child.number == ancestor.number || ContainsNumber(store_.AncestorsOf(child.number), ancestor.number);
  }

  // For Datum::Members::kNumbered.
  bool WithinAny(Datum child, Datum set) const {
    LookUp(child);
    if (child.number == kNowhere) return false;
    const auto members = store_.MembersOf(set.number), ancestors = store_.AncestorsOf(child.number);
    if (ContainsNumber(members, child.number)) return true;
    const auto& [few, many] = std::minmax(members, ancestors, [](auto a, auto b) { return a.size() < b.size(); });
    return std::ranges::any_of(few, [&](std::uint32_t number) { return ContainsNumber(many, number); });
  }
  bool IsMember(Datum entity, Datum set) const {
    LookUp(entity);
    return entity.number != kNowhere && ContainsNumber(store_.MembersOf(set.number), entity.number);
  }

  // What of an entity is worth finding once, where several attributes of it are asked for.
  struct Known {
    const Hierarchy::Attribute *begin = nullptr, *end = nullptr;
  };
  Known Know(Datum entity) const {
    LookUp(entity);
    if (entity.number == kNowhere) return {};
    const Hierarchy::Range range = nodes_[entity.number].attributes;
    return {.begin = attributes_ + range.begin, .end = attributes_ + range.end};
  }
  // Whether there is such an attribute, which is then in `out`.
  [[gnu::always_inline]] bool AttributeOf(const Known& entity, const QuickName& name, Datum& out) const {
    if (!name.quick) [[unlikely]]
      return LongAttributeOf(entity, name, out);
    for (const Hierarchy::Attribute* at = entity.begin; at != entity.end; ++at) {
      if (at->name.IsQuickly(name)) return out = at->value, true;
    }
    return false;
  }
  const cedar::Entity* Find(Datum entity) const {
    LookUp(entity);
    return entity.number == kNowhere ? nullptr : nodes_[entity.number].entity;
  }

  // Whether to go through the ancestors of `entity` is less than to ask of each of `others` whether it is one.
  bool IsSoonerListed(Datum entity, std::size_t others) const {
    return entity.number == kNowhere || 4 * others >= store_.AncestorsOf(entity.number).size();
  }
  // Calls `each(uid, hash)`. False: they cannot be listed.
  template <class Each>
  bool ForEachAncestor(Datum entity, Each each) const {
    if (entity.number == kNowhere) return true;
    for (const std::uint32_t number : store_.AncestorsOf(entity.number)) each(*nodes_[number].uid, nodes_[number].hash);
    return true;
  }

 private:
  [[gnu::noinline]] static bool LongAttributeOf(const Known& entity, const QuickName& name, Datum& out) {
    const auto found = std::find_if(entity.begin, entity.end, [&](const Hierarchy::Attribute& other) { return other.name == name; });
    return found != entity.end && (out = found->value, true);
  }
  void LookUp(Datum& entity) const {
    if (entity.number == kNotLookedUp) [[unlikely]]
      entity.number = store_.Find(*entity.uid, HashUid(*entity.uid));
  }

  const Hierarchy::Node* nodes_;
  const Hierarchy::Attribute* attributes_;
  const Hierarchy& store_;
};

// Any view: uids stay uids, and every question is passed on.
class ViewWorld {
 public:
  explicit ViewWorld(const EntityView& view) : view_(view) {}

  Datum Entity(const UidLiteral& literal) const { return Datum::EntityOf(*literal.uid, kNowhere); }
  bool Same(Datum a, Datum b) const { return SameUid(*a.uid, *b.uid); }
  bool Within(Datum child, Datum ancestor) const { return Same(child, ancestor) || view_.IsDescendant(*child.uid, *ancestor.uid); }
  using Known = Datum;
  Known Know(Datum entity) const { return entity; }
  bool AttributeOf(Known entity, const QuickName& name, Datum& out) const {
    const cedar::Entity* found = Find(entity);
    if (found == nullptr) return false;
    const auto attribute = found->attributes.find(*name.text);
    return attribute != found->attributes.end() && (out = Datum::Of(attribute->second), true);
  }
  const cedar::Entity* Find(Datum entity) const { return view_.Find(*entity.uid); }

  // Nothing is numbered here.
  bool WithinAny(Datum, Datum) const { return false; }
  bool IsMember(Datum, Datum) const { return false; }

  // How many there are nobody knows before they are listed, so only a few questions are sooner asked.
  bool IsSoonerListed(Datum, std::size_t others) const { return others > 2; }
  template <class Each>
  bool ForEachAncestor(Datum entity, Each each) const {
    return view_.ForEachAncestor(*entity.uid, [&](const EntityUid& uid) { each(uid, HashUid(uid)); });
  }

 private:
  const EntityView& view_;
};

}  // namespace remit::cedar
