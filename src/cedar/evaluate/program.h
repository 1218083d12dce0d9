// The compiled form of conditions: code for a machine with a stack. What each instruction does is machine.h's; how it comes from a tree is
// compile.h's.
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

// "→ x": pushes x. Operands are on the stack, the last on top, and are taken off; `a` and `b` are the instruction's own. An operand of the
// wrong kind, and what has no value, ends the evaluation: it failed.
enum class Do : std::uint8_t {
  kReturn,        // truth: the result
  kFail,          // always: a slot, an unknown, a function that is not there, a tree higher than evaluation goes
  kConstant,      // → constants[a]
  kUid,           // → the entity uids[a]
  kSubject,       // → subject a: principal, action, resource
  kContext,       // → context
  kAttributeOf,   // → subject a's names[b]
  kContextField,  // → context's names[b]
  kAttribute,     // x → x.names[b]
  kHas,           // x → whether it has names[b], of what that is names[b + 1], …: a of them
  kCheck,         // truth → itself
  kNot,           // truth →
  kJump,          // to a
  kAnd,           // truth: if false → itself, and to a
  kOr,            // truth: if true → itself, and to a
  kUnless,        // truth: if false to a
  kEqual,         // x, y →; y is constants[b] if there is a b; then as `then` says
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAdd,  // likewise, without `then`
  kSubtract,
  kMultiply,
  kNegate,  // x →
  kIn,      // x, y →, as all that follow if not said otherwise
  kIs,      // x → whether it is of types[b]
  kIsIn,    // x: if of types[b] → itself, else → false, and to a
  kLike,    // x → whether it is like patterns[b]
  kContains,
  kContainsAll,
  kContainsAny,
  kIsEmpty,  // x →
  kHasTag,
  kGetTag,
  kSet,     // a values → the set
  kRecord,  // a values → the record; the names of its fields are names[b], …
  kCall,    // a values → functions[b] of them
};

struct Instruction {
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  // What becomes of a comparison: it is pushed, or does at once what kAnd, kOr or kReturn behind it would; the last two, what kAnd or kOr
  // would that lead to a kReturn.
  enum class Then : std::uint8_t { kPush, kAnd, kOr, kReturn, kReturnIfFalse, kReturnIfTrue };

  Do what = Do::kFail;
  Then then = Then::kPush;
  std::uint32_t a = 0, b = kNone;
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
  struct UidRange {
    std::uint32_t begin = 0, end = 0;
  };
  std::vector<UidRange> uid_sets;  // Datum::Members::kHashed
  std::deque<Value> values;        // that were made while compiling
  std::size_t stack = 0;           // how high it becomes at most
};

}  // namespace remit::cedar
