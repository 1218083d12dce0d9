// One io thread of the server: its loop, its connections, its clock.
#include <algorithm>
#include <ctime>
#include <vector>

#include <fmt/format.h>

#include "http/connection.h"

namespace remit::http {
namespace {

// A client that answers at once (a pipeline's next decision) is back within this time, most of which is its own core waking up.
constexpr auto kAwake = std::chrono::microseconds(100);

// How often connections are looked at. Cheaper than a timer for each; what has waited too long ends at most so much later.
SteadyClock::duration TickOf(const ServerOptions& options) {
  const Duration shortest = std::min(options.read_timeout, options.idle_timeout) / 4;
  return std::clamp<Duration>(shortest, std::chrono::milliseconds(5), std::chrono::seconds(1));
}

// RFC 9110 §6.6.1, §5.6.7; independent of the locale.
std::string DateHeader() {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  return fmt::format("Date: {}, {:02} {} {} {:02}:{:02}:{:02} GMT\r\n", kDays[utc.tm_wday], utc.tm_mday, kMonths[utc.tm_mon], utc.tm_year + 1900,
                     utc.tm_hour, utc.tm_min, utc.tm_sec);
}

}  // namespace

void IoThread::Start() {
  Tick();
  thread = std::thread([this] { loop.RunAwake(kAwake); });
}

void IoThread::Tick() {
  date_header = DateHeader();
  const auto now = SteadyClock::now();
  const std::vector<std::shared_ptr<Connection>> all(connections.begin(), connections.end());  // some leave while they are looked at
  for (const auto& connection : all) connection->Tick(now);
  timer.expires_after(TickOf(state->options));
  timer.async_wait([this](const boost::system::error_code& error) {
    if (!error) Tick();
  });
}

bool IoThread::Post(std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  if (!stopped_) loop.Post(std::move(callback));
  return !stopped_;
}

void IoThread::CloseAll() {
  const auto all = connections;
  for (const auto& connection : all) connection->Close();
}

void IoThread::DrainAll() {
  draining = true;
  const auto all = connections;
  for (const auto& connection : all) connection->Drain();
}

void IoThread::Join() {
  if (thread.joinable()) thread.join();
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  // Callbacks that wait hold connections, and these hold this thread: run them (their sockets are closed) to break the ring.
  CloseAll();
  timer.cancel();
  loop.context().restart();
  loop.context().poll();
}

}  // namespace remit::http
