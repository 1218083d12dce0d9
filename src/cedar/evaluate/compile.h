// Trees to code. Sets and records of literals and extension calls on literals are made here, once; what would fail is left to fail.
#pragma once

#include <optional>
#include <vector>

#include "cedar/evaluate/program.h"

namespace remit::cedar {

class Compiler {
 public:
  explicit Compiler(Program& to) : to_(to) {}

  // The code of all conditions together, in order; nothing where there are none. The policy must outlive the program.
  std::optional<CodeIndex> Conditions(const Policy& policy);

  // Index of the first of these uids, which stand together. They must outlive the program.
  std::uint32_t Uids(const std::vector<EntityUid>& uids);

 private:
  CodeIndex Compile(const Expr& expr, std::size_t depth);
  CodeIndex Operator(Do what, const Expr& expr, std::size_t depth, std::uint32_t b = 0);
  CodeIndex Attribute(const Expr& expr, std::size_t depth);
  CodeIndex Literal(const Value& value);
  CodeIndex SetOf(const Expr& expr, std::size_t depth);
  CodeIndex RecordOf(const Expr& expr, std::size_t depth);
  CodeIndex Call(const Expr& expr, std::size_t depth);
  CodeIndex Emit(Instruction code);
  std::uint32_t NameOf(const std::string& text);
  std::vector<CodeIndex> Operands(const Expr& expr, std::size_t depth);
  std::uint32_t Keep(const std::vector<CodeIndex>& operands);
  // The values of all these, if each is a literal.
  std::optional<std::vector<const Value*>> Literals(const std::vector<CodeIndex>& operands) const;
  // In place of everything since `start`.
  CodeIndex Folded(CodeIndex start, Value value);

  Program& to_;
  std::vector<const Value*> literals_;  // those of Do::kConstant and Do::kUid have the index b
};

}  // namespace remit::cedar
