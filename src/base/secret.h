// A secret text: wiped when it goes, compared in constant time, and impossible to print by accident (no stream or fmt operator, no
// conversion). Reveal() is the one way to its content: grep for it to see every place that handles a secret.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace remit {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  explicit Secret(std::string_view text) : text_(text) {}
  explicit Secret(const char* text) : text_(text) {}
  Secret(const Secret& other) : text_(other.text_) {}
  Secret(Secret&& other) noexcept : text_(other.text_) { other.Wipe(); }
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { Wipe(); }

  std::string_view Reveal() const { return text_; }
  ByteView RevealBytes() const { return AsBytes(text_); }
  bool empty() const { return text_.empty(); }
  std::size_t size() const { return text_.size(); }

  friend bool operator==(const Secret& a, const Secret& b) { return ConstantTimeEquals(a.RevealBytes(), b.RevealBytes()); }

 private:
  void Wipe();
  std::string text_;
};

// Overwrites memory in a way that the compiler may not leave out.
void WipeMemory(void* data, std::size_t size);

}  // namespace remit
