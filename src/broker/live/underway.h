// What was given to the store and is not answered yet: whoever goes waits for it.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace remit::broker {

class Underway {
  using Count = std::atomic<std::size_t>;

 public:
  // One thing that is under way, as long as it or a copy of it lives. May outlive the Underway that it is of.
  class Token {
   public:
    explicit Token(std::shared_ptr<Count> count) : count_(std::move(count)) { ++*count_; }
    Token(const Token& other) : Token(other.count_) {}
    Token(Token&& other) noexcept = default;
    Token& operator=(const Token&) = delete;
    Token& operator=(Token&&) = delete;
    ~Token() {
      if (count_ != nullptr && --*count_ == 0) count_->notify_all();
    }

   private:
    std::shared_ptr<Count> count_;  // null: moved from
  };

  Token Begin() const { return Token(count_); }  // any thread
  // Until nothing is under way. What is answered may begin more before its own token goes. Not on a thread that something waits for.
  void Wait() const {
    for (std::size_t left = *count_; left != 0; left = *count_) count_->wait(left);
  }

 private:
  std::shared_ptr<Count> count_ = std::make_shared<Count>(0);
};

}  // namespace remit::broker
