#include "base/secret.h"

#include <string.h>

namespace remit {

void WipeMemory(void* data, std::size_t size) {
  if (size != 0) explicit_bzero(data, size);  // an empty vector has a null pointer
}

void Secret::Wipe() {
  WipeMemory(text_.data(), text_.size());
  text_.clear();
}

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    Wipe();
    text_ = other.text_;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    Wipe();
    text_ = other.text_;
    other.Wipe();
  }
  return *this;
}

}  // namespace remit
