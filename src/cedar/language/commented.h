// The tokens of a source with the comments between them, each at the token that it belongs to.
#pragma once

#include <string_view>
#include <vector>

#include "cedar/language/lexer.h"

namespace remit::cedar {

struct CommentedToken {
  Token token;
  std::vector<std::string_view> leading;  // on the lines above it, from the `//`, without spaces at the end
  std::string_view trailing;              // behind it on its line; "" for none
};

struct CommentedSource {
  std::vector<CommentedToken> tokens;
  std::vector<std::string_view> end;  // behind the line of the last token
};

// Errors: those of TokenStream::Read. The result points into `text`.
Result<CommentedSource> ReadCommented(std::string_view text, std::string_view file_name);

// All comments in order.
std::vector<std::string_view> AllComments(const CommentedSource& source);

}  // namespace remit::cedar
