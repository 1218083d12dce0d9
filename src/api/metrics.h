// What /metrics says: the broker's counters, and how requests were answered. Text in Prometheus' exposition format.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "broker/answers.h"

namespace remit::api {

// Thread-safe; counting takes no lock.
class Metrics {
 public:
  // Give it to http::ServerOptions::observe.
  void Observe(std::string_view method, std::string_view route, int status, Duration took);

  // `broker` as of now, with the requests that were observed so far.
  std::string Text(const broker::Counters& broker) const;

 private:
  static constexpr std::array<double, 9> kBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5};  // seconds

  std::array<std::atomic<std::uint64_t>, 5> by_class_{};                      // 1xx … 5xx
  std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> by_duration_{};  // the last: longer than all bounds
  std::atomic<std::int64_t> microseconds_{0};
};

}  // namespace remit::api
