// Tables for entity_id.cc; see nfc_tables.cc.
#pragma once

#include <cstddef>
#include <cstdint>

namespace remit::task {

struct CodeRange {
  std::uint32_t first, last;
};
extern const CodeRange kNotCertainlyNfc[];
extern const std::size_t kNotCertainlyNfcCount;

struct CombiningRange {
  std::uint32_t first, last;
  std::uint8_t combining_class;
};
extern const CombiningRange kCombiningClasses[];
extern const std::size_t kCombiningClassesCount;

}  // namespace remit::task
