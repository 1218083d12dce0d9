// Expressions from JSON: one member names the operator, its value holds the operands.
#include "cedar/language/expr_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "cedar/language/expr_parser.h"
#include "cedar/language/ext_functions.h"
#include "cedar/language/lexer.h"
#include "cedar/language/operators.h"

namespace remit::cedar {
namespace {

Expr WithOp(Op op) {
  Expr expr;
  expr.op = op;
  return expr;
}

std::string TooDeep() { return fmt::format("expression is nested too deeply, at most {} levels are allowed", limits::kCedarDepth); }

// Whether a tree has at most `limit` nodes; looks at no more than that.
bool IsSmall(const Expr& expr, std::size_t& limit) {
  if (limit == 0) return false;
  --limit;
  return std::ranges::all_of(expr.args, [&](const ExprPtr& arg) { return IsSmall(*arg, limit); }) &&
         std::ranges::all_of(expr.fields, [&](const auto& field) { return IsSmall(*field.second, limit); });
}

const json::Object* OperandsOf(const json::Value& value, std::string_view op) {
  if (!value.IsObject() || value.AsObject().size() != 1) return nullptr;
  const json::Value* operands = value.Find(op);
  return operands != nullptr && operands->IsObject() ? &operands->AsObject() : nullptr;
}

}  // namespace

// Counts the nesting of one call.
struct ExprReader::Deeper {
  explicit Deeper(ExprReader& reader) : reader_(reader) { ++reader_.depth_; }
  ~Deeper() { --reader_.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;
  bool TooDeep() const { return reader_.depth_ > limits::kCedarDepth; }

 private:
  ExprReader& reader_;
};

Result<ExprPtr> ExprReader::Read(const json::Value& value) {
  REMIT_ASSIGN(Node node, ReadExpr(value));
  return node.expr;
}

Result<ExprReader::Node> ExprReader::Finish(Expr expr, std::vector<Node> args) {
  Node node;
  for (Node& arg : args) {
    node.height = std::max(node.height, arg.height + 1);
    expr.args.push_back(std::move(arg.expr));
  }
  if (node.height > limits::kCedarDepth) return place_.Fail(TooDeep());
  node.expr = std::make_shared<const Expr>(std::move(expr));
  return node;
}

Result<ExprReader::Node> ExprReader::ReadExpr(const json::Value& value) {
  const Deeper deeper(*this);
  if (deeper.TooDeep()) return place_.Fail(TooDeep());
  REMIT_ASSIGN(const json::Object* object, place_.Object(value));
  if (object->size() != 1) {
    return place_.Fail(fmt::format("an expression must have exactly one member, which names its operator, but this has {}", object->size()));
  }
  const auto& [name, operands] = *object->begin();
  if (name == "&&" || name == "||") return ReadChain(name == "&&" ? Op::kAnd : Op::kOr, value);
  const JsonPlace::Step step(place_, name);
  return ReadOperator(name, operands);
}

Result<ExprReader::Node> ExprReader::ReadOperator(std::string_view name, const json::Value& value) {
  if (name == "Value") return ReadValue(value);
  if (name == "Var") {
    if (!value.IsString()) return place_.Expected("a string", value);
    const std::optional<Var> var = FindVar(value.AsString());
    if (!var) return place_.Fail(fmt::format("invalid variable: `{}`", EscapeControl(value.AsString())));
    Expr expr = WithOp(Op::kVar);
    expr.var = *var;
    return Finish(std::move(expr), {});
  }
  if (name == "Slot") return place_.Fail("found a template slot outside of the policy scope", "slots are allowed in the scope only");
  if (name == "Set") {
    REMIT_ASSIGN(std::vector<Node> members, ReadList(value));
    return Finish(WithOp(Op::kSet), std::move(members));
  }
  const std::optional<Op> binary = BinaryOperator(name);
  static constexpr std::string_view kStructured[] = {"Record", "!", "neg", "isEmpty", "if-then-else", "is", "has", "like", "."};
  if (!binary && std::ranges::find(kStructured, name) == std::end(kStructured)) return ReadCall(name, value);
  REMIT_ASSIGN(const json::Object* parts, place_.Object(value));
  if (name == "Record") return ReadRecord(*parts);
  if (name == "!") return ReadUnary(Op::kNot, *parts);
  if (name == "neg") return ReadUnary(Op::kNegate, *parts);
  if (name == "isEmpty") return ReadUnary(Op::kIsEmpty, *parts);
  if (name == "if-then-else") return ReadIf(*parts);
  if (name == "is") return ReadIs(*parts);
  if (name == "has") return ReadHas(*parts);
  if (name == "like") return ReadLike(*parts);
  if (name == ".") return ReadGetAttr(*parts);
  REMIT_TRY(place_.Only(*parts, {{"left", "right"}}));
  REMIT_ASSIGN(Node left, ReadMember(*parts, "left"));
  REMIT_ASSIGN(Node right, ReadMember(*parts, "right"));
  return Finish(WithOp(*binary), {std::move(left), std::move(right)});
}

Result<ExprReader::Node> ExprReader::ReadMember(const json::Object& object, std::string_view name) {
  REMIT_ASSIGN(const json::Value* member, place_.Member(object, name));
  const JsonPlace::Step step(place_, name);
  return ReadExpr(*member);
}

// A left-deep tree of any height is a chain.
Result<ExprReader::Node> ExprReader::ReadChain(Op op, const json::Value& value) {
  const std::string_view name = OperatorText(op);
  std::vector<const json::Object*> links;  // outermost first
  for (const json::Object* parts = OperandsOf(value, name); parts != nullptr;) {
    REMIT_TRY(place_.Only(*parts, {{"left", "right"}}));
    links.push_back(parts);
    const json::Value* left = parts->Find("left");
    parts = left == nullptr ? nullptr : OperandsOf(*left, name);
  }
  const JsonPlace::Step step(place_, name);
  if (links.empty()) return place_.Expected("an object", value.AsObject().begin()->value);
  std::vector<ExprPtr> operands;
  std::vector<std::size_t> heights;
  auto add = [&](Node node) {
    heights.push_back(node.height);
    operands.push_back(std::move(node.expr));
  };
  REMIT_ASSIGN(Node first, ReadMember(*links.back(), "left"));
  add(std::move(first));
  for (std::size_t i = links.size(); i-- > 0;) {
    REMIT_ASSIGN(Node next, ReadMember(*links[i], "right"));
    add(std::move(next));
  }
  const std::size_t height = ChainHeight(heights);
  if (height > limits::kCedarDepth) return place_.Fail(TooDeep());
  return Node{MakeChain(op, operands), height};
}

Result<ExprReader::Node> ExprReader::ReadUnary(Op op, const json::Object& parts) {
  REMIT_TRY(place_.Only(parts, {{"arg"}}));
  REMIT_ASSIGN(Node arg, ReadMember(parts, "arg"));
  return Finish(WithOp(op), {std::move(arg)});
}

Result<ExprReader::Node> ExprReader::ReadIf(const json::Object& parts) {
  REMIT_TRY(place_.Only(parts, {{"if", "then", "else"}}));
  REMIT_ASSIGN(Node test, ReadMember(parts, "if"));
  REMIT_ASSIGN(Node yes, ReadMember(parts, "then"));
  REMIT_ASSIGN(Node no, ReadMember(parts, "else"));
  return Finish(WithOp(Op::kIf), {std::move(test), std::move(yes), std::move(no)});
}

Result<ExprReader::Node> ExprReader::ReadIs(const json::Object& parts) {
  REMIT_TRY(place_.Only(parts, {{"left", "entity_type", "in"}}));
  Expr expr = WithOp(Op::kIs);
  REMIT_ASSIGN(Node left, ReadMember(parts, "left"));
  REMIT_ASSIGN(expr.name, place_.TypeName(parts, "entity_type"));
  const json::Value* in = parts.Find("in");
  if (in == nullptr || in->IsNull()) return Finish(std::move(expr), {std::move(left)});
  expr.op = Op::kIsIn;
  REMIT_ASSIGN(Node right, ReadMember(parts, "in"));
  return Finish(std::move(expr), {std::move(left), std::move(right)});
}

// One attribute, or a chain of them.
Result<ExprReader::Node> ExprReader::ReadHas(const json::Object& parts) {
  REMIT_ASSIGN(Node target, ReadMember(parts, "left"));
  REMIT_ASSIGN(const json::Value* attr, place_.Member(parts, "attr"));
  const JsonPlace::Step step(place_, "attr");
  std::vector<std::string> path;
  if (attr->IsString()) {
    path.push_back(attr->AsString());
  } else {
    if (!attr->IsArray() || attr->AsArray().empty()) return place_.Fail("expected an attribute's name, or an array of at least one");
    for (const json::Value& name : attr->AsArray()) {
      if (!name.IsString()) return place_.Expected("a string", name);
      path.push_back(name.AsString());
    }
  }
  if (target.height + path.size() > limits::kCedarDepth) return place_.Fail(TooDeep());
  if (path.size() > 1 && !std::ranges::all_of(path, IsIdentifier)) return HasEach(std::move(target), path);
  Expr expr = WithOp(Op::kHas);
  expr.path = std::move(path);
  return Finish(std::move(expr), {std::move(target)});
}

// Text can chain identifiers only. Other names are tested one after the other, each behind the target again, which must be small for
// that: such chains may stand in each other.
Result<ExprReader::Node> ExprReader::HasEach(Node target, const std::vector<std::string>& path) {
  constexpr std::size_t kSmall = limits::kCedarRepeatedNodes;
  if (std::size_t limit = kSmall; !IsSmall(*target.expr, limit)) {
    return place_.Fail(fmt::format("a chain of names that are no identifiers must stand behind an expression of at most {} nodes", kSmall));
  }
  std::vector<ExprPtr> tests;
  std::vector<std::size_t> heights;
  for (const std::string& name : path) {
    Expr test = WithOp(Op::kHas), get = WithOp(Op::kGetAttr);
    test.path = {name};
    get.name = name;
    REMIT_ASSIGN(Node tested, Finish(std::move(test), {target}));
    heights.push_back(tested.height);
    tests.push_back(std::move(tested.expr));
    REMIT_ASSIGN(target, Finish(std::move(get), {target}));
  }
  const std::size_t height = ChainHeight(heights);
  if (height > limits::kCedarDepth) return place_.Fail(TooDeep());
  return Node{MakeChain(Op::kAnd, tests), height};
}

Result<ExprReader::Node> ExprReader::ReadLike(const json::Object& parts) {
  REMIT_TRY(place_.Only(parts, {{"left", "pattern"}}));
  REMIT_ASSIGN(Node left, ReadMember(parts, "left"));
  REMIT_ASSIGN(const json::Value* pattern, place_.Member(parts, "pattern"));
  const JsonPlace::Step step(place_, "pattern");
  REMIT_ASSIGN(const json::Array* elements, place_.Array(*pattern));
  Expr expr = WithOp(Op::kLike);
  SparseVector<PatternPart>& out = expr.pattern;
  for (std::size_t i = 0; i < elements->size(); ++i) {
    const JsonPlace::Step at(place_, i);
    const json::Value& element = elements->at(i);
    if (element == json::Value("Wildcard") || element == json::Value(json::Object{{"Wildcard", nullptr}})) {
      if (!out.empty() && out.back().wildcard)
        ++out.back().stars;
      else
        out.push_back({.wildcard = true, .literal = ""});
      continue;
    }
    const std::string* literal = element.FindString("Literal");
    if (literal == nullptr || element.AsObject().size() != 1) return place_.Fail("expected `\"Wildcard\"` or `{\"Literal\": …}`");
    if (literal->empty()) continue;
    if (out.empty() || out.back().wildcard) out.push_back({});
    out.back().literal += *literal;
  }
  return Finish(std::move(expr), {std::move(left)});
}

Result<ExprReader::Node> ExprReader::ReadGetAttr(const json::Object& parts) {
  REMIT_TRY(place_.Only(parts, {{"left", "attr"}}));
  Expr expr = WithOp(Op::kGetAttr);
  REMIT_ASSIGN(Node left, ReadMember(parts, "left"));
  REMIT_ASSIGN(expr.name, place_.String(parts, "attr"));
  return Finish(std::move(expr), {std::move(left)});
}

Result<ExprReader::Node> ExprReader::ReadRecord(const json::Object& fields) {
  Node node;
  Expr expr = WithOp(Op::kRecord);
  for (const auto& [key, value] : fields) {
    const JsonPlace::Step step(place_, key);
    REMIT_ASSIGN(Node field, ReadExpr(value));
    node.height = std::max(node.height, field.height + 1);
    expr.fields.emplace_back(key, std::move(field.expr));
  }
  if (node.height > limits::kCedarDepth) return place_.Fail(TooDeep());
  node.expr = std::make_shared<const Expr>(std::move(expr));
  return node;
}

Result<std::vector<ExprReader::Node>> ExprReader::ReadList(const json::Value& value) {
  REMIT_ASSIGN(const json::Array* elements, place_.Array(value));
  std::vector<Node> nodes;
  for (std::size_t i = 0; i < elements->size(); ++i) {
    const JsonPlace::Step step(place_, i);
    REMIT_ASSIGN(Node node, ReadExpr(elements->at(i)));
    nodes.push_back(std::move(node));
  }
  return nodes;
}

Status ExprReader::CheckCall(std::string_view name, std::size_t arguments) const {
  const ExtensionFunction* function = FindExtensionFunction(name);
  if (function == nullptr) return place_.Fail(fmt::format("`{}` is not an operator, function or method", EscapeControl(name)));
  if (function->method && arguments == 0) return place_.Fail(fmt::format("call to the method `{}` without a receiver", name));
  return {};
}

Result<ExprReader::Node> ExprReader::ReadCall(std::string_view name, const json::Value& value) {
  REMIT_TRY(CheckCall(name, 1));
  REMIT_ASSIGN(std::vector<Node> args, ReadList(value));
  REMIT_TRY(CheckCall(name, args.size()));
  Expr expr = WithOp(Op::kCall);
  expr.name = std::string(name);
  return Finish(std::move(expr), std::move(args));
}

}  // namespace remit::cedar
