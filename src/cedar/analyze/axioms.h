// What always holds between atoms, beyond equality, order and hierarchy: sets and their members, optional attributes and presence,
// entity types whose entities are listed.
#pragma once

#include <optional>
#include <vector>

#include "cedar/analyze/data.h"

namespace remit::cedar::analyze {

// Formulas that hold in every store and request that conform to the schema, about the atoms that there are and those that these need.
// INVARIANT: each is valid, with the witnesses that it names chosen fitly. Nothing where there would be too many.
std::optional<std::vector<Formula>> Axioms(const Schema& schema, DataLogic& logic, Terms& terms, Formulas& formulas);

}  // namespace remit::cedar::analyze
