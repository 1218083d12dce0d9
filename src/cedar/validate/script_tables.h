// The properties of characters that UTS 39 ("Unicode Security Mechanisms") builds on.
#pragma once

#include <array>
#include <cstdint>

namespace remit::cedar {

// Scripts and, as three further members, the writing systems of Chinese, Japanese and Korean, which use several of them together.
struct ScriptSet {
  std::array<std::uint64_t, 3> bits = {};

  static ScriptSet All();
  bool IsEmpty() const { return (bits[0] | bits[1] | bits[2]) == 0; }
  void KeepOnly(const ScriptSet& other) {
    for (std::size_t i = 0; i < bits.size(); ++i) bits[i] &= other.bits[i];
  }
};

// The scripts that a character is used in: all for those that belong to none, none for those that are not assigned.
ScriptSet ScriptsOf(char32_t character);

// Whether Identifier_Status is Allowed. Meant for characters beyond ASCII; false for ASCII.
bool IsIdentifierStatusAllowed(char32_t character);

}  // namespace remit::cedar
