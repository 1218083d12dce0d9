// Documents that know where they may be broken, and the choice of where they are (P. Wadler, "A prettier printer"): a group stands on
// one line if it fits, else its own breaks become line breaks and the groups in it are asked again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace remit::cedar {

// Builds documents and renders them. Documents are handles into their Layout. Texts must outlive it.
class Layout {
 public:
  enum class Doc : std::uint32_t { kNothing = 0 };

  Layout();

  Doc Text(std::string_view text);            // never broken, also where it holds line breaks
  Doc Line() const { return kLine; }          // a space, or a line break
  Doc SoftLine() const { return kSoftLine; }  // nothing, or a line break
  Doc HardLine() const { return kHardLine; }  // a line break; no group around it fits
  Doc Cat(std::initializer_list<Doc> parts);
  Doc Cat(const std::vector<Doc>& parts);
  Doc Nest(int indent, Doc doc);  // line breaks inside are followed by so many more spaces
  Doc Group(Doc doc);

  // No line ends with spaces, no line is empty, and there is no line break at either end. Time: linear but for groups in groups, each of
  // which is looked at once for every group around it, at most as far as one line reaches.
  // What would be longer than `most_bytes` ends somewhere behind them: documents that are deep and wide are mostly indentation.
  std::string Render(Doc doc, std::size_t width, std::size_t most_bytes) const;

 private:
  static constexpr Doc kLine{1}, kSoftLine{2}, kHardLine{3};

  enum class Kind : std::uint8_t { kText, kLine, kSoftLine, kHardLine, kCat, kNest, kGroup };
  struct Node {
    Kind kind = Kind::kText;
    std::uint32_t first = 0, count = 0;  // kCat: of children_; kNest, kGroup: the child is `first`, kNest's indent `count`
    std::string_view text;
  };
  class Renderer;

  Doc Add(Node node);

  std::vector<Node> nodes_;
  std::vector<Doc> children_;
};

}  // namespace remit::cedar
