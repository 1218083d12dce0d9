// Entities and the hierarchy that they form.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "cedar/value.h"

namespace remit::cedar {

class Schema;
struct Hierarchy;

struct Entity {
  EntityUid uid;
  Record attributes;
  Record tags;
  std::vector<EntityUid> parents;
};

// What is to be done with each of several entities: refers to a callable, which must outlive the call that it is given to. Allocates nothing.
class EachUid {
 public:
  template <class Call>
    requires(!std::is_same_v<std::remove_cvref_t<Call>, EachUid>)
  EachUid(Call&& call)  // NOLINT: implicit on purpose, for lambdas
      : call_([](void* context, const EntityUid& uid) { (*static_cast<std::remove_reference_t<Call>*>(context))(uid); }),
        context_(const_cast<void*>(static_cast<const void*>(std::addressof(call)))) {}
  void operator()(const EntityUid& uid) const { call_(context_, uid); }

 private:
  void (*call_)(void* context, const EntityUid& uid);
  void* context_;
};

// What an evaluation may ask about entities. Implementations must be safe to read from several threads at once.
class EntityView {
 public:
  virtual ~EntityView() = default;
  // Null: unknown, i.e. no attributes, no parents. What is found stays where it is as long as the view.
  virtual const Entity* Find(const EntityUid& uid) const = 0;
  virtual bool IsDescendant(const EntityUid& child, const EntityUid& ancestor) const = 0;  // child != ancestor, transitively
  // Calls `each` for every entity that `uid` is a descendant of, in no order and perhaps more than once; what it is given lives as long as that
  // call. False: the view cannot list them, and must be asked one by one. (What it listed until then is right.)
  virtual bool ForEachAncestor(const EntityUid& uid, EachUid each) const {
    static_cast<void>(uid), static_cast<void>(each);
    return false;
  }
  virtual const Hierarchy* Prepared() const { return nullptr; }  // for the evaluator: what Entities is underneath; null: ask one by one
};

// A closed set of entities. Immutable once built; copies share.
class Entities final : public EntityView {
 public:
  Entities() = default;

  // Computes ancestor closures; a parent need not be an entity itself. Errors: `duplicate-entity`, `entity-cycle`,
  // `hierarchy-too-large` over limits::kCedarAncestors.
  static Result<Entities> Build(std::vector<Entity> entities);

  // Reads Cedar's entities JSON. The same entity twice is one; members that the format does not have are not looked at. With a schema:
  // implicit entity and extension forms are read by declared type, every entity is validated, and the schema's actions are added; an action
  // that the document has must be in the groups that the schema puts it into, as far as the document leads to them. Errors: `bad-entities`,
  // `duplicate-entity` (twice, and different), `entity-cycle`, `entity-does-not-validate`.
  static Result<Entities> FromJson(const json::Value& document, const Schema* schema);

  const Entity* Find(const EntityUid& uid) const override;
  bool IsDescendant(const EntityUid& child, const EntityUid& ancestor) const override;
  bool ForEachAncestor(const EntityUid& uid, EachUid each) const override;
  std::size_t size() const;
  std::vector<const Entity*> All() const;  // in order of uid
  const Hierarchy* Prepared() const override;

 private:
  std::shared_ptr<const Hierarchy> hierarchy_;
};

// `base` with a few entities on top (the task itself, what a PEP vouches for), without copying `base`. An entity here hides the base's.
// Both must outlive the view.
class OverlayEntities final : public EntityView {
 public:
  explicit OverlayEntities(const EntityView& base) : base_(base) {}
  OverlayEntities(const OverlayEntities&) = delete;  // one on top of another is meant where it looks like a copy: say `const EntityView&`
  OverlayEntities& operator=(const OverlayEntities&) = delete;
  void Add(std::shared_ptr<const Entity> entity);
  const Entity* Find(const EntityUid& uid) const override;
  bool IsDescendant(const EntityUid& child, const EntityUid& ancestor) const override;
  bool ForEachAncestor(const EntityUid& uid, EachUid each) const override;

 private:
  const Entity* FindAdded(const EntityUid& uid) const;
  bool IsLeftToBase(const EntityUid& uid) const;
  template <class OfParent, class OfBase>
  bool GoUp(const EntityUid& from, OfParent of_parent, OfBase of_base) const;

  const EntityView& base_;
  std::vector<std::shared_ptr<const Entity>> added_;  // few
};

// One value in Cedar's JSON form, without a schema: entities are written {"__entity": {"type", "id"}}, the result of an extension function
// {"__extn": {"fn", "arg"}} (or "args" for several). For implicit forms see Schema::ReadValue. Errors: `bad-value`.
Result<Value> ValueFromJson(const json::Value& document);

// An entity's uid: {"type", "id"} or {"__entity": {"type", "id"}}. Errors: `bad-value`.
Result<EntityUid> EntityUidFromJson(const json::Value& document);

}  // namespace remit::cedar
