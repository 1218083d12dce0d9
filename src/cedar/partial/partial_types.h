// What can be said of a residual before its unknowns are known: the type that its value has, and whether it can fail.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cedar/partial.h"
#include "cedar/schema/types.h"

namespace remit::cedar {

// The accesses that conditions have made sure of, by the text of object and attribute or tag. What a condition adds holds where it was true and no
// further. INVARIANT: that is taken back, never copied: a chain of conditions would be copied for each of its parts.
class Guards {
 public:
  bool Contains(const std::string& access) const { return accesses_.contains(access); }
  void Add(std::string access) {
    const auto [place, added] = accesses_.insert(std::move(access));
    if (added) added_.push_back(place);
  }

  // Takes back at its end what was added since its beginning.
  class Scope {
   public:
    explicit Scope(Guards& guards) : guards_(guards), before_(guards.added_.size()) {}
    ~Scope() {
      for (; guards_.added_.size() > before_; guards_.added_.pop_back()) guards_.accesses_.erase(guards_.added_.back());
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Guards& guards_;
    const std::size_t before_;
  };

 private:
  std::set<std::string> accesses_;
  std::vector<std::set<std::string>::const_iterator> added_;
};

// Whether two values of these types can be equal, as far as types tell. Two sets always can: both may be empty.
bool MayBeEqual(const StaticType& a, const StaticType& b);

// What the schema says of an attribute of entities of a type; null where it has no such type or attribute.
const AttributeType* DeclaredAttribute(const Schema& schema, std::string_view entity_type, std::string_view attribute);

struct Prospect {
  StaticTypePtr type;    // of the value, where there is one; null: not known
  bool certain = false;  // evaluation cannot fail

  bool IsCertain() const { return certain && type != nullptr; }
  bool IsCertainBool() const { return IsCertain() && type->IsBool(); }
};

// INVARIANT: sound for requests and entities that conform to the schema, and for unknown principals and resources that are in the store
// if their type has a required attribute. It does not rely on the policy having been validated.
class Foresight {
 public:
  Foresight(const PartialRequest& request, const Schema& schema, const Unknowns* unknowns = nullptr);

  // `guards` is at the end as it was before.
  Prospect Of(const Expr& expr, Guards& guards);

  // What is known to be there once `condition` was true.
  static void Learn(const Expr& condition, Guards& guards);

  // Whether an entity of type `child` can be in one of type `ancestor`, or be it.
  bool MayBeIn(const std::string& child, const std::string& ancestor) const;

  // The actions that the request may ask for: the known one, or those that the schema has for its types.
  const std::vector<const ActionType*>& Actions() const { return actions_; }

  // What the types say of `has`: false if it has no such attribute, true if it always has, nothing if it may.
  std::optional<bool> Has(const Expr& object, const StaticType& type, const std::string& attribute);

 private:
  Prospect OfVar(Var var);
  Prospect OfAccess(const Expr& expr, Guards& guards);
  Prospect OfTag(const Expr& expr, Guards& guards);
  Prospect OfSet(const Expr& expr, Guards& guards);
  Prospect OfRecord(const Expr& expr, Guards& guards);
  Prospect OfIf(const Expr& expr, Guards& guards);
  Prospect OfLogic(const Expr& expr, Guards& guards);
  Prospect OfGuarded(const Expr& expr, const Expr& condition, Guards& guards);
  Prospect OfCall(const Expr& expr, Guards& guards);
  StaticTypePtr ContextType();
  bool IsInStore(const Expr& expr) const;  // an entity that is there, whatever else is known of it
  bool IsCertainTest(const Expr& expr, Guards& guards);

  const PartialRequest& request_;
  const Schema& schema_;
  const Unknowns* unknowns_;
  std::vector<const ActionType*> actions_;
  TypeCache cache_;
};

}  // namespace remit::cedar
