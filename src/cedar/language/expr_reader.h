// Reading JSON as an expression, and the small things that reading policies shares with it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cedar/ast.h"
#include "cedar/language/json_escape.h"
#include "json/value.h"

namespace remit::cedar {

// Where a reader is in its document, and the errors that it makes there.
class JsonPlace {
 public:
  // Goes one step down, "name" or "[3]", and up again at the end of its scope.
  class Step {
   public:
    Step(JsonPlace& place, std::string_view name);
    Step(JsonPlace& place, std::size_t index);
    ~Step() { place_.path_.resize(length_); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    JsonPlace& place_;
    std::size_t length_;
  };

  std::unexpected<Error> Fail(std::string message, std::string hint = {}) const;           // `bad-policy-json`
  std::unexpected<Error> Expected(std::string_view what, const json::Value& found) const;  // "expected an array, got a string"

  Result<const json::Object*> Object(const json::Value& value) const;
  Result<const json::Array*> Array(const json::Value& value) const;
  Result<const json::Value*> Member(const json::Object& object, std::string_view name) const;  // must be there
  Result<std::string> String(const json::Object& object, std::string_view name);               // must be there, a string
  Status Only(const json::Object& object, std::span<const std::string_view> names) const;      // no other members
  Result<std::string> TypeName(const json::Object& object, std::string_view name);             // a string that names an entity type

  // {"type", "id"} or {"__entity": {"type", "id"}}; members besides these are not looked at, as in the reference.
  Result<EntityUid> Uid(const json::Value& value);

 private:
  std::string path_;
};

// INVARIANT: as the parser, makes no tree higher than limits::kCedarDepth, and does not recurse deeper.
class ExprReader {
 public:
  explicit ExprReader(JsonPlace& place) : place_(place) {}

  Result<ExprPtr> Read(const json::Value& value);

 private:
  struct Node {
    ExprPtr expr;
    std::size_t height = 1;
  };
  struct Deeper;

  Result<Node> ReadExpr(const json::Value& value);
  Result<Node> ReadOperator(std::string_view name, const json::Value& value);
  Result<Node> ReadChain(Op op, const json::Value& value);
  Result<Node> ReadUnary(Op op, const json::Object& parts);
  Result<Node> ReadIf(const json::Object& parts);
  Result<Node> ReadIs(const json::Object& parts);
  Result<Node> ReadHas(const json::Object& parts);
  Result<Node> HasEach(Node target, const std::vector<std::string>& path);
  Result<Node> ReadLike(const json::Object& parts);
  Result<Node> ReadGetAttr(const json::Object& parts);
  Result<Node> ReadRecord(const json::Object& fields);
  Result<Node> ReadCall(std::string_view name, const json::Value& value);
  Result<std::vector<Node>> ReadList(const json::Value& value);
  Result<Node> ReadMember(const json::Object& object, std::string_view name);

  // Literals in the form of entities JSON: sets, records and extension values become the expressions that make them.
  Result<Node> ReadValue(const json::Value& value);
  Result<Node> ReadValueObject(const json::Object& object);
  Result<Node> ReadValueCall(const JsonCall& call);

  Result<Node> Finish(Expr expr, std::vector<Node> args);
  Status CheckCall(std::string_view name, std::size_t arguments) const;

  JsonPlace& place_;
  std::size_t depth_ = 0;
};

}  // namespace remit::cedar
