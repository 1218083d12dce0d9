// Rendering, with a stack of its own: documents may be as deep as they like.
#include "cedar/language/layout.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/text.h"

namespace remit::cedar {
namespace {

struct Range {
  std::uint32_t first, last;
};
// The usual blocks of characters that take no column (combining, joining) and two (East Asian, pictures).
constexpr Range kNone[] = {{0x300, 0x36F}, {0x591, 0x5BD}, {0x610, 0x61A}, {0x64B, 0x65F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}};
constexpr Range kTwo[] = {{0x1100, 0x115F}, {0x2E80, 0x303E}, {0x3041, 0xA4CF},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},  {0xFE30, 0xFE6F},
                          {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};

bool In(std::uint32_t point, std::span<const Range> ranges) {
  return std::ranges::any_of(ranges, [point](const Range& range) { return range.first <= point && point <= range.last; });
}

// The columns that UTF-8 takes on a screen.
std::size_t Columns(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const char32_t point = NextCharacter(text);
    columns += point < 0x80 ? 1 : In(point, kNone) ? 0 : In(point, kTwo) ? 2 : 1;
  }
  return columns;
}

}  // namespace

Layout::Layout() {
  nodes_.resize(4);
  nodes_[1].kind = Kind::kLine;
  nodes_[2].kind = Kind::kSoftLine;
  nodes_[3].kind = Kind::kHardLine;
}

Layout::Doc Layout::Add(Node node) {
  nodes_.push_back(node);
  return static_cast<Doc>(nodes_.size() - 1);
}

Layout::Doc Layout::Text(std::string_view text) { return Add({Kind::kText, 0, 0, text}); }

Layout::Doc Layout::Cat(std::initializer_list<Doc> parts) { return Cat(std::vector<Doc>(parts)); }

Layout::Doc Layout::Cat(const std::vector<Doc>& parts) {
  const auto first = static_cast<std::uint32_t>(children_.size());
  children_.insert(children_.end(), parts.begin(), parts.end());
  return Add({Kind::kCat, first, static_cast<std::uint32_t>(parts.size()), {}});
}

Layout::Doc Layout::Nest(int indent, Doc doc) { return Add({Kind::kNest, std::to_underlying(doc), static_cast<std::uint32_t>(indent), {}}); }

Layout::Doc Layout::Group(Doc doc) { return Add({Kind::kGroup, std::to_underlying(doc), 0, {}}); }

class Layout::Renderer {
 public:
  Renderer(const Layout& layout, std::size_t width, std::size_t most_bytes) : layout_(layout), width_(width), most_bytes_(most_bytes) {}

  std::string Run(Doc doc) {
    todo_.push_back({0, false, doc});
    while (!todo_.empty() && out_.size() <= most_bytes_) {
      const Item item = todo_.back();
      todo_.pop_back();
      const Node& node = NodeOf(item.doc);
      switch (node.kind) {
        case Kind::kText: Write(node.text); break;
        case Kind::kLine:
          if (item.flat)
            ++spaces_, ++column_;
          else
            Break(item.indent);
          break;
        case Kind::kSoftLine:
          if (!item.flat) Break(item.indent);
          break;
        case Kind::kHardLine: Break(item.indent); break;
        case Kind::kCat:
          for (std::uint32_t i = node.count; i-- > 0;) todo_.push_back({item.indent, item.flat, layout_.children_[node.first + i]});
          break;
        case Kind::kNest: todo_.push_back({item.indent + node.count, item.flat, Doc{node.first}}); break;
        case Kind::kGroup: todo_.push_back({item.indent, item.flat || Fits(Doc{node.first}), Doc{node.first}}); break;
      }
    }
    return std::move(out_);
  }

 private:
  struct Item {
    std::size_t indent;
    bool flat;
    Doc doc;
  };

  const Node& NodeOf(Doc doc) const { return layout_.nodes_[std::to_underlying(doc)]; }

  void Write(std::string_view text) {
    if (text.empty()) return;
    column_ += Columns(text);
    if (text == " ") {  // may turn out to stand at the end of a line
      ++spaces_;
      return;
    }
    out_.append(spaces_, ' ');
    spaces_ = 0;
    out_ += text;
    blank_ = false;
  }

  void Break(std::size_t indent) {
    if (!blank_) out_ += '\n';
    blank_ = true;
    column_ = spaces_ = out_.empty() ? 0 : indent;
  }

  // Whether `doc` on one line, and what follows it up to the next line break, stay within the width.
  bool Fits(Doc doc) {
    trial_.assign(1, doc);
    std::size_t column = column_, rest = todo_.size();
    for (bool flat = true;;) {
      if (trial_.empty()) {
        if (rest == 0) return true;
        trial_.push_back(todo_[--rest].doc);
        flat = false;
      }
      const Node& node = NodeOf(trial_.back());
      trial_.pop_back();
      switch (node.kind) {
        case Kind::kText: column += Columns(node.text); break;
        case Kind::kLine:
          if (!flat) return true;
          ++column;
          break;
        case Kind::kSoftLine:
          if (!flat) return true;
          break;
        case Kind::kHardLine: return !flat;
        case Kind::kCat:
          for (std::uint32_t i = node.count; i-- > 0;) trial_.push_back(layout_.children_[node.first + i]);
          break;
        case Kind::kNest:
        case Kind::kGroup: trial_.push_back(Doc{node.first}); break;
      }
      if (column > width_) return false;
    }
  }

  const Layout& layout_;
  const std::size_t width_, most_bytes_;
  std::vector<Item> todo_;  // last first
  std::vector<Doc> trial_;
  std::string out_;
  std::size_t column_ = 0;
  std::size_t spaces_ = 0;  // to be written before the next text of the line
  bool blank_ = true;       // nothing stands on the current line yet
};

std::string Layout::Render(Doc doc, std::size_t width, std::size_t most_bytes) const {
  std::string out = Renderer(*this, width, most_bytes).Run(doc);
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

}  // namespace remit::cedar
