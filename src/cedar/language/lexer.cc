// The scanner: one pass over the bytes, one switch by the first byte of each token.
#include "cedar/language/lexer.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "cedar/language/escape.h"

namespace remit::cedar {
namespace {

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsWordStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// What a token may begin with, by its first byte.
enum class Start : std::uint8_t { kNothing, kWord, kDigit, kQuote, kQuestion, kSign, kSignOrEqual, kColon, kTwice };
constexpr std::array<Start, 256> kStarts = [] {
  std::array<Start, 256> starts{};
  const auto set = [&](std::string_view bytes, Start start) {
    for (const char c : bytes) starts[static_cast<unsigned char>(c)] = start;
  };
  for (int c = 0; c < 128; ++c) {
    if (IsWordStart(static_cast<char>(c))) starts[static_cast<std::size_t>(c)] = Start::kWord;
    if (IsDigit(static_cast<char>(c))) starts[static_cast<std::size_t>(c)] = Start::kDigit;
  }
  set("\"", Start::kQuote), set("?", Start::kQuestion), set(":", Start::kColon);
  set("@.,;(){}[]+-*/%", Start::kSign), set("=!<>", Start::kSignOrEqual), set("|&", Start::kTwice);
  return starts;
}();
Start StartOf(char c) { return kStarts[static_cast<unsigned char>(c)]; }

bool IsWordPart(char c) { return StartOf(c) == Start::kWord || StartOf(c) == Start::kDigit; }

// White space as Unicode defines it, which is what the reference grammar skips. Returns its length in bytes, 0 for anything else.
std::size_t SpaceLength(std::string_view rest) {
  static constexpr std::array<std::string_view, 19> kWide = {"\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81",
                                                             "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
                                                             "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8",
                                                             "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};
  const char c = rest.front();
  if (c == ' ' || (c >= '\t' && c <= '\r')) return 1;
  if (static_cast<unsigned char>(c) < 0x80) return 0;
  for (std::string_view wide : kWide) {
    if (rest.starts_with(wide)) return wide.size();
  }
  return 0;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : begin_(text.data()), at_(begin_), end_(begin_ + text.size()), line_start_(begin_) {}

  // The next token into a new one; an empty text with a kind other than kEnd means that the bytes at `begin` begin none.
  void Next(Token& token) {
    SkipSpaceAndComments();
    const char* const first = at_;
    token.begin = static_cast<std::uint32_t>(first - begin_);
    token.line = line_;
    token.column = static_cast<std::uint32_t>(first - line_start_ + 1);
    if (first == end_) return;
    const char next = first + 1 == end_ ? '\0' : first[1];
    std::size_t length = 0;
    token.kind = TokenKind::kPunctuation;
    switch (StartOf(*first)) {
      case Start::kWord:
        token.kind = TokenKind::kIdentifier;
        length = Run(first + 1, IsWordPart);
        break;
      case Start::kDigit:
        token.kind = TokenKind::kInteger;
        length = Run(first + 1, IsDigit);
        break;
      case Start::kQuote:
        token.kind = TokenKind::kString;
        length = StringLength();
        token.text = {first, length};
        return Advance(length);  // no other token has a line break in it
      case Start::kQuestion:
        if (IsWordStart(next)) token.kind = TokenKind::kSlot;
        length = token.kind == TokenKind::kSlot ? Run(first + 1, IsWordPart) : 1;
        break;
      case Start::kSign: length = 1; break;
      case Start::kSignOrEqual: length = next == '=' ? 2 : 1; break;
      case Start::kColon: length = next == ':' ? 2 : 1; break;
      case Start::kTwice: length = next == *first ? 2 : 0; break;
      case Start::kNothing: break;
    }
    token.text = {first, length};
    at_ += length;
  }

 private:
  // From the beginning of the token to the first byte from `from` on that does not belong to it.
  template <class Predicate>
  std::size_t Run(const char* from, Predicate is) const {
    while (from != end_ && is(*from)) ++from;
    return static_cast<std::size_t>(from - at_);
  }

  // With both quotes; 0 where it does not end. A backslash takes the next character with it, but never a line break.
  std::size_t StringLength() const {
    for (const char* at = at_ + 1; at != end_; ++at) {
      if (*at == '"') return static_cast<std::size_t>(at + 1 - at_);
      if (*at == '\\' && (++at == end_ || *at == '\n')) return 0;
    }
    return 0;
  }

  void SkipSpaceAndComments() {
    while (at_ != end_) {
      if (*at_ == ' ') {
        ++at_;
        continue;
      }
      if (*at_ > ' ' && *at_ < '\x7F' && *at_ != '/') return;
      const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
      if (rest.starts_with("//")) {
        Advance(std::min(rest.find_first_of("\n\r"), rest.size()));
      } else if (const std::size_t length = SpaceLength(rest); length > 0) {
        Advance(length);
      } else {
        return;
      }
    }
  }

  void Advance(std::size_t length) {
    const char* const end = at_ + length;
    for (const char* at = at_; (at = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)))) != nullptr; ++at) {
      ++line_;
      line_start_ = at + 1;
    }
    at_ = end;
  }

  const char *begin_, *at_, *end_, *line_start_;
  std::uint32_t line_ = 1;
};

// About as many bytes of dense source as one token takes, with the space before it.
constexpr std::size_t kBytesOfToken = 3;

// One character, shown safely, of text that begins no token.
std::string FirstCharacter(std::string_view rest) { return EscapeControl(TakeCharacter(rest)); }

}  // namespace

Result<TokenStream> TokenStream::Read(std::string_view text, std::string_view file_name, Span* failure, std::size_t most_bytes) {
  TokenStream stream;
  stream.file_ = std::make_shared<const Place>(std::string(file_name), nullptr);
  if (failure != nullptr) *failure = Span{stream.file_, 0, 0, 1, 1};
  if (text.size() > most_bytes) {
    return Fail(
        Error(Code::kInvalidArgument, "source-too-large", fmt::format("source text has {} bytes, at most {} are allowed", text.size(), most_bytes))
            .At(std::string(file_name)));
  }
  if (!IsUtf8(text)) return Fail(Error(Code::kInvalidArgument, "parse-error", "source text is not utf-8").At(std::string(file_name)));
  Scanner scanner(text);
  stream.tokens_.reserve(text.size() / kBytesOfToken + 1);
  for (;;) {
    Token& token = stream.tokens_.emplace_back();
    scanner.Next(token);
    if (token.kind != TokenKind::kEnd && token.text.empty()) {
      if (failure != nullptr) *failure = stream.SpanOf(token);
      if (token.kind == TokenKind::kString) {
        return stream.FailAt(token, "string literal does not end", "write a closing `\"`; a line break inside must not follow a `\\`");
      }
      return stream.FailAt(token, fmt::format("invalid token `{}`", FirstCharacter(text.substr(token.begin))));
    }
    if (token.kind == TokenKind::kEnd) return stream;
  }
}

std::unexpected<Error> TokenStream::NotFound(std::string_view punctuation) const { return Unexpected(fmt::format("`{}`", punctuation)); }

Result<std::string> TokenStream::Unquote(const Token& token) const {
  REMIT_CHECK(token.kind == TokenKind::kString);
  auto value = Unescape(token.text.substr(1, token.text.size() - 2));
  if (!value) return FailAt(token, value.error().message);
  return value;
}

Span TokenStream::SpanOf(const Token& token) const {
  return {file_, token.begin, token.begin + static_cast<std::uint32_t>(token.text.size()), token.line, token.column};
}

Span TokenStream::SpanFrom(const Token& first) const {
  Span span = SpanOf(first);
  if (next_ > 0) {
    const Token& last = tokens_[next_ - 1];
    span.end = std::max(span.end, last.begin + static_cast<std::uint32_t>(last.text.size()));
  }
  return span;
}

std::unexpected<Error> TokenStream::FailAt(const Token& token, std::string message, std::string hint) const {
  last_failure_ = SpanOf(token);
  return Fail(Error(Code::kInvalidArgument, "parse-error", std::move(message)).At(last_failure_.ToString()).Hint(std::move(hint)));
}

std::unexpected<Error> TokenStream::Unexpected(std::string_view expected) const {
  const Token& token = Peek();
  constexpr std::size_t kShown = 40;
  std::string found = "end of input";
  if (token.kind != TokenKind::kEnd) {
    std::string_view text = token.text.substr(0, kShown);
    if (!IsUtf8(text)) text = token.text.substr(0, 1);
    found = fmt::format("`{}`", EscapeControl(text));
  }
  return FailAt(token, fmt::format("unexpected {}, expected {}", found, expected));
}

namespace {

// As ==, but for a literal, whose length the compiler knows: no call.
template <std::size_t N>
bool Is(std::string_view word, const char (&literal)[N]) {
  return word.size() == N - 1 && std::memcmp(word.data(), literal, N - 1) == 0;
}

}  // namespace

bool IsReserved(std::string_view word) {
  return Is(word, "true") || Is(word, "false") || Is(word, "if") || Is(word, "then") || Is(word, "else") || Is(word, "in") || Is(word, "is") ||
         Is(word, "like") || Is(word, "has") || Is(word, "__cedar");
}

bool IsIdentifier(std::string_view text) {
  return !text.empty() && IsWordStart(text.front()) && std::ranges::all_of(text, IsWordPart) && !IsReserved(text);
}

bool IsTypeName(std::string_view text) {
  for (;;) {
    std::size_t end = 0;
    while (end < text.size() && IsWordPart(text[end])) ++end;
    if (end == 0 || !IsWordStart(text.front()) || IsReserved(text.substr(0, end))) return false;
    if (end == text.size()) return true;
    if (!text.substr(end).starts_with("::")) return false;
    text.remove_prefix(end + 2);
  }
}

}  // namespace remit::cedar
