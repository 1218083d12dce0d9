// The layout of each form of the grammar. The text has been parsed before, so nothing here can fail or nest deeper than the parser does.
#include "cedar/format.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "cedar/language/commented.h"
#include "cedar/language/layout.h"
#include "cedar/parser.h"

namespace remit::cedar {
namespace {

using Doc = Layout::Doc;

bool IsRelation(const Token& token) {
  static constexpr std::string_view kRelations[] = {"==", "!=", "<", "<=", ">", ">="};
  return token.IsWord("in") || (token.kind == TokenKind::kPunctuation && std::ranges::find(kRelations, token.text) != std::end(kRelations));
}

class Formatter {
 public:
  Formatter(std::vector<CommentedToken>& tokens, FormatOptions options) : tokens_(tokens), options_(options) {}

  bool AtEnd() const { return next_ == tokens_.size(); }

  std::string Policy() {
    layout_ = Layout();
    std::vector<Doc> parts;
    while (Peek().Is("@")) parts.push_back(Annotation());
    parts.push_back(Effect());
    parts.push_back(Scope());
    parts.push_back(Take(Peek(1).Is(";") ? Nothing() : layout_.HardLine()));  // the parenthesis
    for (bool first = true; !Peek().Is(";"); first = false) {
      if (!first) parts.push_back(layout_.HardLine());
      parts.push_back(Condition());
    }
    parts.push_back(Take());
    return layout_.Render(layout_.Cat(parts), static_cast<std::size_t>(std::max(options_.line_width, 1)), limits::kCedarFileBytes);
  }

 private:
  static Doc Nothing() { return Doc::kNothing; }
  Doc Space() { return layout_.Text(" "); }
  Doc Indented(Doc doc) { return layout_.Nest(std::clamp(options_.indent_width, 0, 16), doc); }

  const Token& Peek(std::size_t ahead = 0) const {
    static constexpr Token kNone;
    return next_ + ahead < tokens_.size() ? tokens_[next_ + ahead].token : kNone;
  }

  // The next token with its comments: those above it on lines of their own, then the token, then the one behind it, which ends the
  // line; without that, `next`.
  Doc Take(Doc next = Doc::kNothing) {
    const Doc above = TakeLeading();
    const CommentedToken& token = tokens_[next_++];
    const Doc text = layout_.Text(token.token.text);
    if (token.trailing.empty()) return layout_.Cat({above, text, next});
    return layout_.Cat({above, text, Space(), layout_.Text(token.trailing), layout_.HardLine()});
  }

  // The comments above the next token, where they stand outside of the group that it begins.
  Doc TakeLeading() {
    std::vector<std::string_view>& comments = tokens_[next_].leading;
    if (comments.empty()) return Nothing();
    std::vector<Doc> parts{layout_.HardLine()};
    for (std::string_view comment : comments) {
      parts.push_back(layout_.Text(comment));
      parts.push_back(layout_.HardLine());
    }
    comments.clear();
    return layout_.Cat(parts);
  }

  // Leaves out a comma before `close`; its comments go to what follows.
  bool DropLastComma(std::string_view close) {
    if (!Peek().Is(",") || !Peek(1).Is(close)) return false;
    const CommentedToken& comma = tokens_[next_++];
    std::vector<std::string_view> comments = comma.leading;
    if (!comma.trailing.empty()) comments.push_back(comma.trailing);
    std::vector<std::string_view>& leading = tokens_[next_].leading;
    leading.insert(leading.begin(), comments.begin(), comments.end());
    return true;
  }

  Doc Annotation() {
    std::vector<Doc> parts{Take()};
    if (!Peek(1).Is("(")) return parts.push_back(Take(layout_.HardLine())), layout_.Cat(parts);
    for (int i = 0; i < 3; ++i) parts.push_back(Take());  // name, parenthesis, string
    parts.push_back(Take(layout_.HardLine()));
    return layout_.Cat(parts);
  }

  Doc Effect() {
    const Doc above = TakeLeading(), effect = Take();
    return layout_.Cat({above, layout_.Group(layout_.Cat({effect, layout_.Line(), Take()}))});
  }

  // Up to the closing parenthesis. On one line where nothing is constrained.
  Doc Scope() {
    const bool plain = Peek(1).Is(",") && Peek(3).Is(",") && (Peek(5).Is(")") || Peek(5).Is(","));
    const Doc after = plain ? Space() : layout_.HardLine();
    std::vector<Doc> parts;
    if (!plain) parts.push_back(layout_.HardLine());
    for (int i = 0; i < 3; ++i) {
      parts.push_back(Variable());
      if (i < 2) parts.push_back(Take(after));
    }
    DropLastComma(")");
    const Doc all = Indented(layout_.Cat(parts));
    return plain ? layout_.Group(all) : layout_.Cat({all, layout_.HardLine()});
  }

  Doc Variable() {
    const Doc above = TakeLeading();
    Doc variable = Take();
    if (Peek().IsWord("is")) {
      const Doc is = layout_.Group(layout_.Cat({layout_.Line(), Take()}));
      const Doc type = Name();
      variable = layout_.Cat({variable, layout_.Group(Indented(layout_.Cat({is, layout_.Line(), type})))});
    }
    if (Peek().Is(",") || Peek().Is(")")) return layout_.Cat({above, variable});
    const Doc constrained = layout_.Group(layout_.Cat({variable, layout_.Line(), Take()}));
    return layout_.Cat({above, layout_.Group(layout_.Cat({constrained, Indented(layout_.Cat({layout_.Line(), Add()}))}))});
  }

  Doc Condition() {
    const Doc above = TakeLeading(), word = Take(), above_brace = TakeLeading(), brace = Take(), above_body = TakeLeading();
    const Doc body = Indented(layout_.Cat({brace, layout_.Line(), above_body, layout_.Group(Expr())}));
    const Doc inside = layout_.Group(layout_.Cat({body, layout_.Line(), Take()}));
    return layout_.Cat({above, layout_.Group(layout_.Cat({word, layout_.Line(), above_brace, inside}))});
  }

  Doc Expr() {
    if (!Peek().IsWord("if") || Peek(1).Is("::")) return Chain("||");
    std::vector<Doc> parts;
    for (int i = 0; i < 3; ++i) {  // if, then, else
      if (i > 0) parts.push_back(layout_.Line());
      parts.push_back(Take());
      parts.push_back(Indented(layout_.Cat({layout_.Line(), Expr()})));
    }
    return layout_.Group(layout_.Cat(parts));
  }

  // Not a group: all operators of one condition break, or none.
  Doc Chain(std::string_view op) {
    std::vector<Doc> parts;
    for (;;) {
      parts.push_back(op == "||" ? Chain("&&") : Relation());
      if (!Peek().Is(op)) return layout_.Cat(parts);
      parts.push_back(Space());
      parts.push_back(Take(layout_.Line()));
    }
  }

  Doc Relation() {
    const Doc left = Add();
    if (Peek().IsWord("has") || Peek().IsWord("like")) {
      const Doc word = Take();
      return layout_.Group(layout_.Cat({left, layout_.Line(), word, layout_.Line(), Indented(Add())}));
    }
    if (Peek().IsWord("is")) return Is(left);
    if (!IsRelation(Peek())) return left;
    const Doc op = Take();
    return layout_.Cat({left, Space(), op, Space(), Add()});
  }

  Doc Is(Doc left) {
    const Doc word = Take();
    std::vector<Doc> parts{left, Space(), word, Space(), Indented(Name())};
    if (Peek().IsWord("in")) {
      parts.push_back(layout_.Line());
      parts.push_back(Take());
      parts.push_back(Space());
      parts.push_back(Indented(Add()));
    }
    return layout_.Group(layout_.Cat(parts));
  }

  Doc Add() {
    std::vector<Doc> parts{Multiply()};
    while (Peek().Is("+") || Peek().Is("-")) {
      parts.push_back(Space());
      parts.push_back(Take());
      parts.push_back(layout_.Line());
      parts.push_back(Multiply());
    }
    return layout_.Group(layout_.Cat(parts));
  }

  Doc Multiply() {
    std::vector<Doc> parts{Unary()};
    while (Peek().Is("*")) {
      parts.push_back(Space());
      parts.push_back(Take());
      parts.push_back(layout_.Line());
      parts.push_back(Unary());
    }
    return layout_.Group(layout_.Cat(parts));
  }

  Doc Unary() {
    std::vector<Doc> parts;
    while (Peek().Is("!") || Peek().Is("-")) parts.push_back(Take());
    parts.push_back(Member());
    return layout_.Cat(parts);
  }

  // Attributes, calls and indices behind a primary, each on a line of its own where they do not fit on one.
  Doc Member() {
    const Doc primary = Primary();
    std::vector<Doc> accesses;
    for (;;) {
      Doc access = Nothing();
      if (Peek().Is(".")) {
        const Doc dot = Take();
        access = layout_.Cat({dot, Take()});
      } else if (Peek().Is("(")) {
        access = Call();
      } else if (Peek().Is("[")) {
        const Doc open = Take(), name = Take();
        access = layout_.Cat({open, name, Take()});
      } else {
        return layout_.Group(layout_.Cat({primary, Indented(layout_.Cat(accesses))}));
      }
      if (!accesses.empty()) accesses.push_back(layout_.SoftLine());
      accesses.push_back(access);
    }
  }

  Doc Call() {
    const Doc open = Take();
    if (Peek().Is(")")) return layout_.Cat({open, Take()});
    const Doc arguments = List(")", [this] { return Expr(); });
    return layout_.Cat({Indented(layout_.Cat({open, layout_.SoftLine(), arguments})), layout_.SoftLine(), Take()});
  }

  Doc Primary() {
    if (Peek().Is("(")) {
      const Doc open = Take(), inner = layout_.Nest(1, Expr());
      return layout_.Group(layout_.Cat({open, inner, Take()}));
    }
    if (Peek().Is("[")) {
      const Doc open = Take(), members = layout_.Nest(1, List("]", [this] { return Expr(); }));
      return layout_.Cat({open, members, Take()});
    }
    if (Peek().Is("{")) return Record();
    return Name();  // also literals and slots
  }

  Doc Record() {
    const Doc open = Take();
    if (Peek().Is("}")) return layout_.Cat({open, Take()});
    const Doc fields = List("}", [this] {
      const Doc key = Take(), colon = Take();
      return layout_.Cat({key, colon, Space(), Expr()});
    });
    return layout_.Group(layout_.Cat({open, Indented(layout_.Cat({layout_.Line(), fields})), layout_.Line(), Take()}));
  }

  // Elements up to `close`, which is left.
  template <class Element>
  Doc List(std::string_view close, Element element) {
    std::vector<Doc> parts;
    while (!Peek().Is(close)) {
      parts.push_back(element());
      if (DropLastComma(close) || Peek().Is(close)) break;
      parts.push_back(Take());
      parts.push_back(layout_.Line());
    }
    return layout_.Cat(parts);
  }

  // One token, or several joined by `::`.
  Doc Name() {
    std::vector<Doc> parts{Take()};
    while (Peek().Is("::")) {
      parts.push_back(Take());
      parts.push_back(Take());
    }
    return layout_.Cat(parts);
  }

  Layout layout_;
  std::vector<CommentedToken>& tokens_;
  const FormatOptions options_;
  std::size_t next_ = 0;
};

std::unexpected<Error> TooLarge(std::string_view file_name) {
  return Fail(Error(Code::kInvalidArgument, "source-too-large",
                    fmt::format("laid out, the policies would have more than {} bytes, and could not be read again", limits::kCedarFileBytes))
                  .At(std::string(file_name))
                  .Hint("split the file, or indent by less"));
}

// Formatted text must hold the same policies and the same comments.
bool SameMeaning(std::string_view before, std::string_view after, const std::vector<PolicyPtr>& policies) {
  const auto again = ParsePolicies(after, "");
  if (!again || !std::ranges::equal(*again, policies, [](const PolicyPtr& a, const PolicyPtr& b) { return Equal(*a, *b); })) return false;
  const auto old_source = ReadCommented(before, ""), new_source = ReadCommented(after, "");
  return old_source && new_source && AllComments(*old_source) == AllComments(*new_source);
}

}  // namespace

Result<std::string> FormatPolicies(std::string_view text, std::string_view file_name, FormatOptions options) {
  REMIT_ASSIGN(const std::vector<PolicyPtr> policies, ParsePolicies(text, file_name));
  REMIT_ASSIGN(CommentedSource source, ReadCommented(text, file_name));
  std::string out;
  for (Formatter formatter(source.tokens, options); !formatter.AtEnd();) {
    if (!out.empty()) out += "\n";
    out += formatter.Policy() + "\n";
    if (out.size() > limits::kCedarFileBytes) return TooLarge(file_name);
  }
  for (std::string_view comment : source.end) out += fmt::format("{}\n", comment);
  if (out.size() > limits::kCedarFileBytes) return TooLarge(file_name);
  if (!SameMeaning(text, out, policies)) {
    return Fail(Code::kInternal, "format-failed", fmt::format("formatting `{}` would change its policies or comments", file_name),
                "please report this with the file");
  }
  return out;
}

}  // namespace remit::cedar
