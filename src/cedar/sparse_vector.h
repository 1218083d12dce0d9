// A vector that is empty nearly everywhere: one pointer until something is put into it. Most nodes of a tree have no fields, no path and no
// pattern, and how much memory a tree takes is how long it takes to load and to walk.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

namespace remit::cedar {

// What of std::vector's is here means the same; copies are deep. Converts from and to a vector.
template <class T>
class SparseVector {
 public:
  SparseVector() = default;
  SparseVector(std::vector<T> items) { *this = std::move(items); }  // NOLINT: implicit on purpose
  SparseVector(std::initializer_list<T> items) : SparseVector(std::vector<T>(items)) {}
  SparseVector(const SparseVector& other) : items_(other.items_ ? std::make_unique<std::vector<T>>(*other.items_) : nullptr) {}
  SparseVector(SparseVector&&) noexcept = default;
  SparseVector& operator=(SparseVector other) noexcept {
    items_ = std::move(other.items_);
    return *this;
  }
  SparseVector& operator=(std::vector<T> items) {
    items_ = items.empty() ? nullptr : std::make_unique<std::vector<T>>(std::move(items));
    return *this;
  }
  SparseVector& operator=(std::initializer_list<T> items) { return *this = std::vector<T>(items); }

  const std::vector<T>& items() const { return items_ == nullptr ? None() : *items_; }  // the same as long as nothing is put into it
  operator const std::vector<T>&() const { return items(); }                            // NOLINT: implicit on purpose
  bool empty() const { return items_ == nullptr || items_->empty(); }
  std::size_t size() const { return items_ == nullptr ? 0 : items_->size(); }
  auto begin() const { return items().begin(); }
  auto end() const { return items().end(); }
  auto begin() { return Made().begin(); }
  auto end() { return Made().end(); }
  const T& operator[](std::size_t i) const { return (*items_)[i]; }
  T& operator[](std::size_t i) { return (*items_)[i]; }
  const T& front() const { return items_->front(); }
  const T& back() const { return items_->back(); }
  T& back() { return items_->back(); }
  void push_back(T item) { Made().push_back(std::move(item)); }
  template <class... Parts>
  T& emplace_back(Parts&&... parts) {
    return Made().emplace_back(std::forward<Parts>(parts)...);
  }
  void pop_back() { items_->pop_back(); }
  void reserve(std::size_t size) { Made().reserve(size); }
  template <class Iterator>
  void erase(Iterator from, Iterator to) {
    Made().erase(from, to);
  }
  friend bool operator==(const SparseVector& a, const SparseVector& b) { return a.items() == b.items(); }

 private:
  static const std::vector<T>& None() {
    static const std::vector<T> kNone;
    return kNone;
  }
  std::vector<T>& Made() {
    if (items_ == nullptr) items_ = std::make_unique<std::vector<T>>();
    return *items_;
  }

  std::unique_ptr<std::vector<T>> items_;
};

}  // namespace remit::cedar
