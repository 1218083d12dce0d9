// The compiled form of conditions: nodes of sixteen bytes in one array, operands before their operators, names hashed, constants made.
// What each node does is machine.h's; how it comes from a tree is compile.h's.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "cedar/ast.h"
#include "cedar/entities/datum.h"
#include "cedar/language/ext_functions.h"
#include "cedar/language/hash.h"

namespace remit::cedar {

using CodeIndex = std::uint32_t;

enum class Do : std::uint8_t {
  kPrincipal,  // INVARIANT: the subjects are first, in the order of scopes
  kAction,
  kResource,
  kConstant,  // constants[a]
  kUid,       // the entity uids[a]
  kContext,
  kFail,    // always: a slot, an unknown, a function that is not there, a tree higher than evaluation goes
  kAnd,     // a && b, in this order, as all below
  kOr,      // a || b
  kIf,      // a ? b : c
  kNot,     // !a
  kNegate,  // -a
  kEqual,   // a == b
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAdd,
  kSubtract,
  kMultiply,
  kIn,            // a in b
  kIs,            // a is types[b]
  kIsIn,          // a is types[b] in c
  kHas,           // a has names[b], of what that is names[b + 1], …: c of them
  kGetAttribute,  // a.names[b]
  kAttributeOf,   // the same, of subject a
  kLike,          // a like patterns[b]
  kContains,      // a.contains(b)
  kContainsAll,
  kContainsAny,
  kIsEmpty,  // a.isEmpty()
  kHasTag,   // a.hasTag(b)
  kGetTag,
  kSet,     // of operands[a], …: c of them
  kRecord,  // likewise; the field of operands[a + i] is names[b + i]
  kCall,    // functions[b] of operands[a], …: c of them
};

struct Instruction {
  Do what = Do::kFail;
  std::uint32_t a = 0, b = 0, c = 0;
};

struct UidLiteral {
  const EntityUid* uid = nullptr;
  std::uint64_t hash = 0;  // HashUid
};

// INVARIANT: every pointer is into a policy that its owner keeps, or into `values`.
struct Program {
  std::vector<Instruction> code;
  std::vector<Datum> constants;
  std::vector<UidLiteral> uids;
  std::vector<QuickName> names;
  std::vector<const std::string*> types;
  std::vector<const std::vector<PatternPart>*> patterns;
  std::vector<const ExtensionFunction*> functions;
  std::vector<CodeIndex> operands;
  struct UidRange {
    std::uint32_t begin = 0, end = 0;
  };
  std::vector<UidRange> uid_sets;  // Datum::Members::kHashed
  std::deque<Value> values;        // that were made while compiling
};

}  // namespace remit::cedar
