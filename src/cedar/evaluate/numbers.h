// A list of numbers that allocates nothing while it is short.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace remit::cedar {

class Numbers {
 public:
  Numbers() = default;
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;

  void Add(std::uint32_t number) {
    if (size_ < kShort) [[likely]]
      short_[size_] = number;
    else
      AddLong(number);
    ++size_;
  }

  bool empty() const { return size_ == 0; }

  // In ascending order, each once.
  std::span<const std::uint32_t> Sorted() {
    std::uint32_t* const begin = size_ <= kShort ? short_ : long_.data();
    std::uint32_t* end = begin + size_;
    if (std::adjacent_find(begin, end, std::greater_equal<>()) == end) return {begin, end};
    std::sort(begin, end);
    return {begin, std::unique(begin, end)};
  }

 private:
  [[gnu::noinline]] void AddLong(std::uint32_t number) {
    if (size_ == kShort) long_.assign(short_, short_ + kShort);
    long_.push_back(number);
  }

  static constexpr std::size_t kShort = 24;
  std::uint32_t short_[kShort];
  std::size_t size_ = 0;
  std::vector<std::uint32_t> long_;
};

}  // namespace remit::cedar
