// "1 actor", "2 actors": for people.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace remit {

// `many` is left out where it is `one` with an s.
template <std::integral Number>
std::string Counted(Number count, std::string_view one, std::string_view many = {}) {
  std::string text = std::to_string(count) + ' ';
  if (count == 1) return text.append(one);
  return many.empty() ? text.append(one).append("s") : text.append(many);
}

}  // namespace remit
