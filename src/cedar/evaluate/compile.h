// Trees to code. Sets and records of literals and extension calls on literals are made here, once; what would fail is left to fail.
#pragma once

#include <optional>
#include <vector>

#include "cedar/evaluate/program.h"

namespace remit::cedar {

class Compiler {
 public:
  explicit Compiler(Program& to) : to_(to) {}

  // Where the code of all conditions together begins; nothing where there are none. The policy must outlive the program.
  std::optional<CodeIndex> Conditions(const Policy& policy);

  // Index of the first of these uids, which stand together. They must outlive the program.
  std::uint32_t Uids(const std::vector<EntityUid>& uids);

 private:
  void Compile(const Expr& expr, std::size_t depth);  // code that pushes one value
  void Literal(const Value& value);
  void Chain(Do what, const Expr& expr, std::size_t depth);
  void Binary(const Expr& expr, std::size_t depth);
  void If(const Expr& expr, std::size_t depth);
  void Is(const Expr& expr, std::size_t depth);
  void Attribute(const Expr& expr, std::size_t depth);
  void SetOf(const Expr& expr, std::size_t depth);
  void RecordOf(const Expr& expr, std::size_t depth);
  void Call(const Expr& expr, std::size_t depth);

  CodeIndex Here() const { return static_cast<CodeIndex>(to_.code.size()); }
  // `taken` operands become one value, or `pushed`.
  CodeIndex Emit(Instruction instruction, std::size_t taken, std::size_t pushed = 1);
  void Shorten(CodeIndex start);  // jumps to jumps, and returns, of the code since `start`
  void LandHere(CodeIndex jump) { to_.code[jump].a = Here(); }
  // The values of all instructions since `start`, if they are `count` literals.
  std::optional<std::vector<const Value*>> LiteralsSince(CodeIndex start, std::size_t count) const;
  // In place of everything since `start`.
  void Fold(CodeIndex start, std::size_t count, Value value);

  Program& to_;
  std::size_t height_ = 0;              // of the stack
  std::vector<const Value*> literals_;  // those of Do::kConstant and Do::kUid have the index b
};

}  // namespace remit::cedar
