// Scopes, compiled: the test of one policy's constraint on principal, action or resource.
#pragma once

#include <array>

#include "cedar/evaluate/program.h"
#include "cedar/language/hash.h"

namespace remit::cedar {

struct Scope {
  ScopeConstraint::Kind kind = ScopeConstraint::Kind::kAny;
  std::uint32_t first = 0, count = 0;  // of Program::uids
  const std::string* type = nullptr;   // kIs, kIsIn
};

inline constexpr std::size_t kSubjects = 3;  // principal, action, resource
using Scopes = std::array<Scope, kSubjects>;

template <class World>
bool Satisfies(const Datum& subject, std::uint64_t hash, const Scope& scope, const Program& program, const World& world) {
  using Kind = ScopeConstraint::Kind;
  auto within = [&](std::uint32_t at) { return world.Within(subject, world.Entity(program.uids[at])); };
  switch (scope.kind) {
    case Kind::kAny: return true;
    case Kind::kEqual: return program.uids[scope.first].hash == hash && SameUid(*program.uids[scope.first].uid, *subject.uid);
    case Kind::kIs: return SameText(subject.uid->type, *scope.type);
    case Kind::kIsIn: return SameText(subject.uid->type, *scope.type) && within(scope.first);
    case Kind::kIn:
    case Kind::kInSet:
      for (std::uint32_t i = 0; i < scope.count; ++i) {
        if (within(scope.first + i)) return true;
      }
      return false;
  }
  return false;
}

}  // namespace remit::cedar
