// From policies to a formula, from the formula to literals, from literals to an example, and the example to the authorizer.
#include "cedar/analyze/environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cedar/analyze/axioms.h"
#include "cedar/analyze/model.h"
#include "cedar/analyze/search.h"
#include "cedar/analyze/theory.h"
#include "cedar/analyze/translate.h"
#include "cedar/partial.h"

namespace remit::cedar::analyze {
namespace {

class Looker {
 public:
  Looker(const RequestTypes& types, const std::vector<Side>& sides, const Schema& schema, const AnalysisOptions& options)
      : types_(types),
        sides_(sides),
        schema_(schema),
        options_(options),
        environment_{EntityTypeNamed(types.principal), EntityTypeNamed(types.resource), cache_.Of(types.action->context)},
        logic_(schema, options.known, terms_, formulas_, cache_) {
    principal_ = terms_.Root("principal", environment_.principal);
    resource_ = terms_.Root("resource", environment_.resource);
    context_ = terms_.Root("context", environment_.context);
  }

  Finding Look() {
    std::vector<Formula> wanted;
    for (const Side& side : sides_) {
      const Formula allows = Allows(*side.policies);
      wanted.push_back(side.allows ? allows : formulas_.Not(allows));
      if (formulas_.overflowed()) return TooLarge();
      if (wanted.back() == Formulas::kFalse) return {};
    }
    const Formula goal = formulas_.And(std::move(wanted));
    if (formulas_.overflowed()) return TooLarge();
    if (goal == Formulas::kFalse) return {};
    return SearchFor(goal);
  }

 private:
  bool AppliesTo(const BoundPolicies& policies) const {
    return types_.action->principals.contains(policies.principal ? policies.principal->type : types_.principal) &&
           types_.action->resources.contains(policies.resource ? policies.resource->type : types_.resource);
  }

  Formula Allows(const BoundPolicies& policies) {
    if (!AppliesTo(policies)) return Formulas::kFalse;
    std::vector<Formula> permits, forbids;
    for (const PolicyPtr& policy : policies.policies) {
      (policy->effect == Effect::kPermit ? permits : forbids).push_back(IsSatisfied(*policy, policies));
    }
    return formulas_.And(formulas_.Or(std::move(permits)), formulas_.Not(formulas_.Or(std::move(forbids))));
  }

  // What is not understood is taken as something of which nothing is known, the same wherever it stands.
  Formula IsSatisfied(const Policy& policy, const BoundPolicies& bound) {
    static const Entities kNone;
    const PartialRequest request{bound.principal ? bound.principal->type : types_.principal, bound.principal, types_.action->uid,
                                 bound.resource ? bound.resource->type : types_.resource,    bound.resource,  std::nullopt};
    const EntityView& known = options_.known == nullptr ? static_cast<const EntityView&>(kNone) : *options_.known;
    const auto residual = PartialEvaluate(*policy.AsExpr(), request, known, schema_, {.open_world = true});
    if (!residual) return Formulas::kFalse;
    DataLogic logic = logic_;
    Translator translator(environment_, logic, terms_, formulas_);
    const Formula satisfied = translator.WhenTrue(**residual);
    if (!translator.unsupported()) return satisfied;
    Atom unknown;
    unknown.name = ToString(**residual);
    not_understood_ = fmt::format("the condition of `{}` is not understood", policy.id);
    return formulas_.Of(unknown);
  }

  Finding SearchFor(Formula goal) {
    const std::optional<std::vector<Formula>> axioms = Axioms(schema_, logic_, terms_, formulas_);
    if (!axioms || formulas_.overflowed()) return TooLarge();
    if (logic_.unsupported()) return Unknown("sets of this kind are not understood");
    Search search(formulas_, options_.work);
    search.Assert(goal);
    for (const Formula axiom : *axioms) search.Assert(axiom);
    Finding finding;
    std::size_t failed = 0;
    const auto found = [&](const std::vector<Formula>& literals) {
      finding.example = Example(literals);
      return finding.example || ++failed >= options_.failed_examples;
    };
    const Search::Outcome outcome = search.Run([&](const std::vector<Formula>& literals) { return IsConsistent(literals); }, found);
    if (finding.example) {
      finding.kind = Finding::Kind::kExample;
    } else if (outcome == Search::Outcome::kGaveUp) {
      finding = Unknown("there are too many cases");
    } else if (failed > 0) {
      finding = Unknown(not_understood_.empty() ? "a case was neither refuted nor shown to be possible" : not_understood_);
    }
    finding.work = search.asked();
    return finding;
  }

  static Finding TooLarge() { return Unknown("the policies are too large together"); }
  static Finding Unknown(std::string why) {
    Finding finding;
    finding.kind = Finding::Kind::kUnknown;
    finding.why = std::move(why);
    return finding;
  }

  bool IsConsistent(const std::vector<Formula>& literals) {
    Closure closure(terms_, formulas_, options_.known);
    return closure.Build(literals) && NumbersConsistent(closure, terms_, formulas_) && TextsConsistent(closure, terms_, formulas_, words_) &&
           AddressesConsistent(closure, terms_, formulas_);
  }

  std::optional<Counterexample> Example(const std::vector<Formula>& literals) const {
    std::optional<Model> model = ModelBuilder(schema_, options_.known, terms_, formulas_).Build(literals, principal_, resource_, context_);
    if (!model) return std::nullopt;
    std::vector<Entity> store;
    if (options_.known != nullptr) {
      for (const Entity* entity : options_.known->All()) store.push_back(*entity);
    }
    for (Entity& entity : model->entities) {
      if (!schema_.ValidateEntity(entity)) return std::nullopt;
      store.push_back(std::move(entity));
    }
    for (const auto& [uid, action] : schema_.actions()) {
      if (std::ranges::find(store, uid, &Entity::uid) == store.end()) store.push_back({uid, {}, {}, action.member_of});
    }
    auto entities = Entities::Build(std::move(store));
    if (!entities) return std::nullopt;
    Counterexample example{model->principal, types_.action->uid, model->resource, std::move(model->context), std::move(*entities)};
    const bool shows = std::ranges::all_of(sides_, [&](const Side& side) { return Answers(side, example); });
    return shows ? std::optional(std::move(example)) : std::nullopt;
  }

  bool Answers(const Side& side, const Counterexample& example) const {
    const Request request = example.For(*side.policies);
    const auto set = PolicySet::Build(side.policies->policies);
    if (!set) return false;
    return (schema_.ValidateRequest(request) && set->IsAuthorized(request, example.entities).allowed) == side.allows;
  }

  const RequestTypes& types_;
  const std::vector<Side>& sides_;
  const Schema& schema_;
  const AnalysisOptions& options_;
  TypeCache cache_;
  Terms terms_;
  Formulas formulas_;
  Translator::Environment environment_;
  DataLogic logic_;
  TermId principal_ = kNoTerm, resource_ = kNoTerm, context_ = kNoTerm;
  Words words_;
  std::string not_understood_;
};

}  // namespace

Finding Look(const RequestTypes& types, const std::vector<Side>& sides, const Schema& schema, const AnalysisOptions& options) {
  return Looker(types, sides, schema, options).Look();
}

}  // namespace remit::cedar::analyze
