// From literals that hold together to a request and entities where they do: a guess that the caller must check.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cedar/analyze/closure.h"
#include "cedar/authorizer.h"
#include "cedar/schema.h"

namespace remit::cedar::analyze {

struct Model {
  EntityUid principal, resource;
  Value context;
  std::vector<Entity> entities;  // those that must have something; the known ones are not among them
};

class ModelBuilder {
 public:
  // `known` may be null. All must outlive the builder.
  ModelBuilder(const Schema& schema, const EntityView* known, const Terms& terms, const Formulas& formulas)
      : schema_(schema), known_(known), terms_(terms), formulas_(formulas), closure_(terms, formulas, known) {}

  // Nothing where no values were found; that says nothing of whether there are some.
  std::optional<Model> Build(const std::vector<Formula>& literals, TermId principal, TermId resource, TermId context);

 private:
  Value ValueOf(TermId term);
  Value Default(const StaticType& type) const;
  EntityUid UidOf(TermId term);
  Value RecordOf(TermId term);
  Value SetOf(TermId term);
  bool HoldsAtom(Atom::Kind kind, TermId a, const std::string& name) const;
  bool IsPresent(TermId entity) const;
  void AddEntity(TermId entity, Model& model);
  std::optional<EntityUid> UnknownAncestor(const EntityUid& uid, const std::string& above) const;
  bool AddParents(TermId child, TermId group, Model& model);
  Entity& EntityOf(const EntityUid& uid, Model& model);
  void FillRequired(Entity& entity) const;

  const Schema& schema_;
  const EntityView* known_;
  const Terms& terms_;
  const Formulas& formulas_;
  Closure closure_;
  std::map<TermId, std::int64_t> numbers_;
  std::map<TermId, std::string> texts_;
  std::map<TermId, IpAddr> addresses_;
  std::map<TermId, EntityUid> uids_;
  std::set<EntityUid> used_;
  TypeCache types_;
  int made_ = 0;
};

}  // namespace remit::cedar::analyze
