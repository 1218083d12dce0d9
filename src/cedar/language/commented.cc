// Between two tokens stand spaces, line breaks and comments, and nothing else.
#include "cedar/language/commented.h"

#include <algorithm>

namespace remit::cedar {
namespace {

struct Gap {
  std::vector<std::string_view> same_line, below;  // comments before and behind the first line feed
};

Gap ReadGap(std::string_view text) {
  Gap gap;
  const std::size_t line_end = std::min(text.find('\n'), text.size());
  for (std::size_t at = text.find("//"); at != std::string_view::npos; at = text.find("//", at)) {
    std::string_view comment = text.substr(at);
    comment = comment.substr(0, comment.find_first_of("\r\n"));
    (at < line_end ? gap.same_line : gap.below).push_back(comment.substr(0, comment.find_last_not_of(" \t\v\f") + 1));
    at += comment.size();
  }
  return gap;
}

void Append(std::vector<std::string_view>& to, const std::vector<std::string_view>& from) { to.insert(to.end(), from.begin(), from.end()); }

}  // namespace

Result<CommentedSource> ReadCommented(std::string_view text, std::string_view file_name) {
  REMIT_ASSIGN(TokenStream stream, TokenStream::Read(text, file_name));
  CommentedSource source;
  std::size_t end = 0;
  for (bool more = true; more;) {
    more = !stream.AtEnd();
    const Token token = stream.Peek();
    Gap gap = ReadGap(text.substr(end, (more ? token.begin : text.size()) - end));
    if (!source.tokens.empty() && !gap.same_line.empty()) {
      source.tokens.back().trailing = gap.same_line.front();
      gap.same_line.erase(gap.same_line.begin());
    }
    Append(gap.same_line, gap.below);
    if (!more) {
      source.end = std::move(gap.same_line);
      break;
    }
    source.tokens.push_back({token, std::move(gap.same_line), {}});
    end = token.begin + token.text.size();
    stream.Next();
  }
  return source;
}

std::vector<std::string_view> AllComments(const CommentedSource& source) {
  std::vector<std::string_view> all;
  for (const CommentedToken& token : source.tokens) {
    Append(all, token.leading);
    if (!token.trailing.empty()) all.push_back(token.trailing);
  }
  Append(all, source.end);
  return all;
}

}  // namespace remit::cedar
