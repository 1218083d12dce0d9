// What the load driver asks a server for, unit by unit: the requests of one client and what their answers must say. The driver (load.cc)
// owns connections and clocks; a work knows neither.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "connection.h"

namespace remit::bench {

struct Options {
  std::string work, host = "127.0.0.1", session, gateway, table, form;
  std::uint16_t port = 7070;
  std::size_t clients = 1, count = 0;
  double seconds = 5;
};

// Ends the program with exit code 1: there is nothing to measure any more.
[[noreturn]] void Die(const std::string& message);

// The value of the first member of that name, of a text without escapes; dies where there is none.
std::string_view Member(std::string_view json, std::string_view name);

class Work {
 public:
  virtual ~Work() = default;

  // Of a unit.
  virtual std::size_t Steps() const = 0;
  // Whether the first unit only prepares the others, and is not measured.
  virtual bool Prepares() const { return false; }
  // The request of a step, from 0; valid until the next one.
  virtual Request Ask(std::size_t step) = 0;
  // Dies where the answer is not the expected one.
  virtual void Check(std::size_t step, const Response& response) = 0;
};

// life, start, decide, query; null for any other name. `number` tells the clients of a run apart. `options` must outlive the work.
std::unique_ptr<Work> MakeTaskWork(const Options& options, std::size_t number);

// oauth-life, oauth-introspect; null for any other name.
std::unique_ptr<Work> MakeOauthWork(const Options& options);

}  // namespace remit::bench
