// Text to tokens, for policies and schemas alike: they share identifiers, strings, comments and most punctuation. A token keeps its raw
// text; what a string means (escapes, wildcards of `like`) is escape.h's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "cedar/source.h"
#include "cedar/type_name.h"

namespace remit::cedar {

enum class TokenKind : std::uint8_t {
  kIdentifier,   // [_a-zA-Z][_a-zA-Z0-9]*, reserved words included
  kInteger,      // [0-9]+; a sign is an operator
  kString,       // "…" with its quotes, escapes untouched
  kSlot,         // ?principal, ?resource, any ?identifier; a lone `?` is punctuation
  kPunctuation,  // @ . , ; : :: ( ) { } [ ] == != < <= >= > || && + - * / % ! = ?
  kEnd,          // behind the last token; text is empty
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::uint32_t begin = 0, line = 0, column = 0;  // as in Span
  std::string_view text;                          // raw; points into the source

  // Asked of every token again and again: written so that a literal costs a few instructions. `punctuation` has one or two characters.
  bool Is(std::string_view punctuation) const {
    return kind == TokenKind::kPunctuation && text.size() == punctuation.size() && text.front() == punctuation.front() &&
           text.back() == punctuation.back();
  }
  bool IsWord(std::string_view word) const {
    return kind == TokenKind::kIdentifier && text.size() == word.size() && std::memcmp(text.data(), word.data(), word.size()) == 0;
  }
};

// The tokens of one source, with a position in them. `text` must outlive the stream and its tokens.
class TokenStream {
 public:
  // Errors: `parse-error` for a character that begins no token, a string that does not end, and text that is not UTF-8;
  // `source-too-large` over `most_bytes`. `failure`, where given, gets the place of the error.
  static Result<TokenStream> Read(std::string_view text, std::string_view file_name, Span* failure = nullptr,
                                  std::size_t most_bytes = limits::kCedarFileBytes);

  // Behind the last token there is kEnd for ever.
  const Token& Peek() const { return tokens_[next_]; }
  const Token& Peek(std::size_t ahead) const { return tokens_[std::min(next_ + ahead, tokens_.size() - 1)]; }
  const Token& Next() {  // returns the token, which stays where it is, and steps over it
    const Token& token = Peek();
    if (next_ + 1 < tokens_.size()) ++next_;
    return token;
  }
  bool AtEnd() const { return Peek().kind == TokenKind::kEnd; }

  // Steps over it if it is next. What is behind the last token is neither, so that it is never stepped over.
  bool Accept(std::string_view punctuation) { return Peek().Is(punctuation) && ++next_ != 0; }
  bool AcceptWord(std::string_view word) { return Peek().IsWord(word) && ++next_ != 0; }
  Status Expect(std::string_view punctuation) {  // Errors: `parse-error`, naming what was found
    if (Accept(punctuation)) [[likely]]
      return {};
    return NotFound(punctuation);
  }

  // What a kString token stands for, escapes resolved. Errors: `parse-error`.
  Result<std::string> Unquote(const Token& token) const;

  Span SpanOf(const Token& token) const;
  Span SpanFrom(const Token& first) const;  // from `first` to the end of the token stepped over last

  // A `parse-error` at `token`; Unexpected says "unexpected `x`, expected …".
  std::unexpected<Error> FailAt(const Token& token, std::string message, std::string hint = {}) const;
  std::unexpected<Error> Unexpected(std::string_view expected) const;
  const Span& last_failure() const { return last_failure_; }  // of the error made last

 private:
  std::unexpected<Error> NotFound(std::string_view punctuation) const;

  PlacePtr file_;
  std::vector<Token> tokens_;  // INVARIANT: the last is kEnd
  std::size_t next_ = 0;
  mutable Span last_failure_;
};

// Words that cannot be the name of anything: true false if then else in is like has __cedar.
bool IsReserved(std::string_view word);

// Whether `text` is an identifier that is not reserved, i.e. needs no quotes as an attribute.
bool IsIdentifier(std::string_view text);

}  // namespace remit::cedar
