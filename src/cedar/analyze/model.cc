// Values class by class, then the entities that hold them. Whatever the literals leave open is absent, empty or 0.
#include "cedar/analyze/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <unordered_set>

#include "cedar/analyze/theory.h"

namespace remit::cedar::analyze {
namespace {

using Kind = StaticType::Kind;

// The types on a shortest way up from `child` to `ancestor`, both left out; nothing where there is none.
std::optional<std::vector<std::string>> TypesBetween(const Schema& schema, const std::string& child, const std::string& ancestor) {
  std::map<std::string, std::string> from;
  std::deque<std::string> open{child};
  while (!open.empty()) {
    const std::string next = open.front();
    open.pop_front();
    const EntityType* type = schema.FindEntityType(next);
    if (type == nullptr) continue;
    for (const std::string& parent : type->member_of) {
      if (parent == ancestor) {
        std::vector<std::string> between;
        for (std::string at = next; at != child; at = from[at]) between.insert(between.begin(), at);
        return between;
      }
      if (parent != child && from.emplace(parent, next).second) open.push_back(parent);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Model> ModelBuilder::Build(const std::vector<Formula>& literals, TermId principal, TermId resource, TermId context) {
  if (!closure_.Build(literals)) return std::nullopt;
  auto numbers = SolveNumbers(closure_, terms_, formulas_);
  if (!numbers) return std::nullopt;
  numbers_ = std::move(*numbers);
  uids_.clear();
  used_.clear();
  made_ = 0;
  std::set<std::string> written;
  for (TermId id = 0; id < terms_.size(); ++id) {
    if (terms_[id].op != Term::Op::kValue) continue;
    if (terms_[id].value.Is(Value::Kind::kString)) written.insert(terms_[id].value.AsString());
    if (terms_[id].value.Is(Value::Kind::kEntity)) used_.insert(terms_[id].value.AsEntity());
  }
  texts_ = SolveTexts(closure_, terms_, formulas_, std::move(written));
  addresses_ = SolveAddresses(closure_, terms_, formulas_);

  Model model;
  model.principal = UidOf(principal);
  model.resource = UidOf(resource);
  model.context = ValueOf(context);
  std::set<TermId> done;
  for (TermId id = 0; id < terms_.size(); ++id) {
    if (IsEntity(*terms_[id].type) && done.insert(closure_.Find(id)).second) AddEntity(closure_.Find(id), model);
  }
  for (const auto& [child, groups] : closure_.groups()) {
    for (const TermId group : groups) {
      if (!AddParents(child, group, model)) return std::nullopt;
    }
  }
  return model;
}

Value ModelBuilder::Default(const StaticType& type) const {
  switch (type.kind) {
    case Kind::kTrue: return Value(true);
    case Kind::kFalse:
    case Kind::kBool: return Value(false);
    case Kind::kString: return Value("");
    case Kind::kEntity: {
      const EntityType* entity = schema_.FindEntityType(type.name);
      return Value(EntityUid{type.name, entity == nullptr || entity->enumeration.empty() ? "any" : entity->enumeration.front()});
    }
    case Kind::kSet: return Value::Set({});
    case Kind::kRecord: {
      Record record;
      for (const auto& [name, attribute] : type.attributes) {
        if (attribute.required) record.emplace(name, Default(*attribute.type));
      }
      return Value::FromRecord(std::move(record));
    }
    default: return IsIp(type) ? Value(IpAddr{}) : ValueOfNumber(0, type);
  }
}

EntityUid ModelBuilder::UidOf(TermId term) {
  const TermId of = closure_.Find(term);
  if (const Value* value = closure_.ValueOf(of)) return value->AsEntity();
  const auto found = uids_.find(of);
  if (found != uids_.end()) return found->second;
  const std::string& type = terms_[of].type->name;
  const EntityType* entity = schema_.FindEntityType(type);
  EntityUid uid{type, ""};
  if (entity != nullptr && !entity->enumeration.empty()) {
    uid.id = entity->enumeration.front();
  } else {
    do {
      uid.id = fmt::format("x{}", ++made_);
    } while (used_.contains(uid) || (known_ != nullptr && known_->Find(uid) != nullptr));
  }
  used_.insert(uid);
  uids_[of] = uid;
  return uid;
}

Value ModelBuilder::ValueOf(TermId term) {
  const TermId of = closure_.Find(term);
  const StaticType& type = *terms_[of].type;
  if (const Value* value = closure_.ValueOf(of)) return *value;
  if (IsEntity(type)) return Value(UidOf(of));
  if (IsString(type)) return Value(texts_[of]);
  if (IsIp(type)) return Value(addresses_[of]);
  if (IsSet(type)) return SetOf(of);
  if (IsRecord(type)) return RecordOf(of);
  if (type.IsBool()) return Value(HoldsAtom(Atom::Kind::kTrue, of, ""));
  const auto number = numbers_.find(of);
  return number == numbers_.end() ? Default(type) : ValueOfNumber(number->second, type);
}

bool ModelBuilder::HoldsAtom(Atom::Kind kind, TermId a, const std::string& name) const {
  Atom atom;
  atom.kind = kind;
  atom.a = a;
  atom.name = name;
  return closure_.Holds(atom) == true;
}

Value ModelBuilder::SetOf(TermId term) {
  std::vector<Value> members;
  for (const auto& [id, holds] : closure_.literals()) {
    const Atom& atom = formulas_[id];
    if (atom.kind == Atom::Kind::kMember && holds && closure_.Find(atom.a) == term) members.push_back(ValueOf(atom.b));
  }
  return Value::Set(std::move(members));
}

Value ModelBuilder::RecordOf(TermId term) {
  Record record;
  for (const auto& [name, attribute] : terms_[term].type->attributes) {
    if (attribute.required || HoldsAtom(Atom::Kind::kHas, term, name)) record.emplace(name, Default(*attribute.type));
  }
  for (TermId id = 0; id < terms_.size(); ++id) {
    const Term& access = terms_[id];
    if (access.op != Term::Op::kAttr || closure_.Find(access.args[0]) != term) continue;
    const auto field = record.find(access.name);
    if (field != record.end()) field->second = ValueOf(id);
  }
  return Value::FromRecord(std::move(record));
}

bool ModelBuilder::IsPresent(TermId entity) const {
  for (TermId id = 0; id < terms_.size(); ++id) {
    if (terms_[id].op == Term::Op::kRoot && closure_.Find(id) == entity) return true;
  }
  return std::ranges::any_of(closure_.literals(), [&](const auto& literal) {
    const Atom& atom = formulas_[literal.first];
    if (!literal.second || atom.a == kNoTerm || closure_.Find(atom.a) != entity) return false;
    return atom.kind == Atom::Kind::kPresent || atom.kind == Atom::Kind::kHas || atom.kind == Atom::Kind::kHasTag;
  });
}

Entity& ModelBuilder::EntityOf(const EntityUid& uid, Model& model) {
  const auto found = std::ranges::find(model.entities, uid, &Entity::uid);
  if (found != model.entities.end()) return *found;
  model.entities.push_back({uid, {}, {}, {}});
  FillRequired(model.entities.back());
  return model.entities.back();
}

void ModelBuilder::FillRequired(Entity& entity) const {
  const EntityType* type = schema_.FindEntityType(entity.uid.type);
  if (type == nullptr) return;
  TypeCache types;
  for (const auto& [name, attribute] : type->attributes) {
    if (attribute.required) entity.attributes.emplace(name, Default(*types.Of(attribute.type)));
  }
}

void ModelBuilder::AddEntity(TermId term, Model& model) {
  const EntityUid uid = UidOf(term);
  if (!IsPresent(term) || IsActionType(uid.type) || (known_ != nullptr && known_->Find(uid) != nullptr)) return;
  const EntityType* type = schema_.FindEntityType(uid.type);
  if (type == nullptr) return;
  Entity entity{uid, {}, {}, {}};
  FillRequired(entity);
  for (const auto& [name, attribute] : type->attributes) {
    if (!attribute.required && HoldsAtom(Atom::Kind::kHas, term, name)) entity.attributes.emplace(name, Default(*types_.Of(attribute.type)));
  }
  for (TermId id = 0; id < terms_.size(); ++id) {
    const Term& access = terms_[id];
    if (access.op != Term::Op::kAttr || closure_.Find(access.args[0]) != term) continue;
    const auto field = entity.attributes.find(access.name);
    if (field != entity.attributes.end()) field->second = ValueOf(id);
  }
  for (const auto& [id, holds] : closure_.literals()) {
    const Atom& atom = formulas_[id];
    if (atom.kind != Atom::Kind::kHasTag || !holds || closure_.Find(atom.a) != term || type->tags == nullptr) continue;
    const std::string key = ValueOf(atom.b).AsString();
    entity.tags.emplace(key, Default(*types_.Of(type->tags)));
    for (TermId other = 0; other < terms_.size(); ++other) {
      const Term& access = terms_[other];
      if (access.op == Term::Op::kTag && closure_.Find(access.args[0]) == term && closure_.Find(access.args[1]) == closure_.Find(atom.b)) {
        entity.tags[key] = ValueOf(other);
      }
    }
  }
  model.entities.push_back(std::move(entity));
}

// The entity itself or, where it is known, something that it is in and of which nothing is known: there the way up can go on.
// Each is looked at once, however many ways lead to it.
std::optional<EntityUid> ModelBuilder::UnknownAncestor(const EntityUid& uid, const std::string& above) const {
  std::vector<EntityUid> open{uid};
  std::unordered_set<EntityUid, EntityUidHash> seen{uid};
  while (!open.empty()) {
    const EntityUid next = std::move(open.back());
    open.pop_back();
    const Entity* entity = known_ == nullptr ? nullptr : known_->Find(next);
    if (entity == nullptr) {
      if (schema_.MayBeDescendant(next.type, above)) return next;
      continue;
    }
    for (const EntityUid& parent : entity->parents) {
      if (seen.insert(parent).second) open.push_back(parent);
    }
  }
  return std::nullopt;
}

bool ModelBuilder::AddParents(TermId child, TermId group, Model& model) {
  const EntityUid from = UidOf(child), to = UidOf(group);
  if (known_ != nullptr && known_->IsDescendant(from, to)) return true;
  if (from == to) return true;
  const auto below = UnknownAncestor(from, to.type);
  if (!below) return false;
  const auto between = TypesBetween(schema_, below->type, to.type);
  if (!between) return *below == to;
  EntityUid at = *below;
  for (const std::string& type : *between) {
    const EntityUid step{type, fmt::format("between{}", ++made_)};
    EntityOf(at, model).parents.push_back(step);
    at = step;
  }
  EntityOf(at, model).parents.push_back(to);
  return true;
}

}  // namespace remit::cedar::analyze
