// How fast the store commits, and how many bytes that writes. A task's life is three commits here: a start (task, session, two events), a
// use (task, one event), an end (task, session removed, two events); rows of about 1.5 kB, events of about 400 bytes.
//
//   sqlite_bench FOLDER [lives [clients]]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <latch>
#include <thread>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/ids.h"
#include "store/sqlite/sqlite_store.h"

namespace remit::store::sqlite {
namespace {

std::uint64_t BytesWritten() {
  std::ifstream io("/proc/self/io");
  std::string name;
  std::uint64_t value = 0;
  while (io >> name >> value) {
    if (name == "write_bytes:") return value;
  }
  return 0;
}

std::string Event(std::string_view kind, const std::string& task) {
  return fmt::format(R"({{"kind":"{}","task":"{}","text":"{}"}})", kind, task, std::string(330, 'e'));
}

void Life(Store& store, const std::string& task) {
  const std::string session = task + "-session";
  const auto commit = [&](std::vector<Write> writes, std::vector<std::string> events, bool end) {
    Batch batch{{}, std::move(writes), std::move(events), end};
    const auto result = store.CommitNow(std::move(batch));
    if (!result) std::fprintf(stderr, "%s\n", result.error().ToString().c_str()), std::exit(1);
  };
  commit({{Table::kTask, task, std::string(1500, 'r')}, {Table::kSession, session, std::string(120, 's')}},
         {Event("requested", task), Event("active", task)}, false);
  commit({{Table::kTask, task, std::string(1520, 'u')}}, {Event("used", task)}, false);
  commit({{Table::kTask, task, std::string(1600, 'e')}, {Table::kSession, session, std::nullopt}}, {Event("completed", task), Event("receipt", task)},
         true);
}

void Measure(const std::string& folder, int lives, int clients) {
  SystemRng rng;
  SystemClock clock;
  auto store = Open(Options{folder + "/bench.db"}, rng);
  if (!store) std::fprintf(stderr, "%s\n", store.error().ToString().c_str()), std::exit(1);
  const auto run = [&](int count) {
    std::vector<std::thread> threads;
    for (int c = 0; c < clients; ++c) {
      threads.emplace_back([&] {
        for (int i = 0; i < count / clients; ++i) Life(**store, NewId(kTaskPrefix, clock.Now(), rng));
      });
    }
    for (std::thread& thread : threads) thread.join();
  };
  run(lives / 4);  // the log at its size, the trees at some depth
  const std::uint64_t before = BytesWritten();
  const auto start = std::chrono::steady_clock::now();
  run(lives);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double bytes = static_cast<double>(BytesWritten() - before);
  fmt::print("{} clients: {:.0f} lives/s, {:.0f} commits/s, {:.1f} kB written per life\n", clients, lives / seconds, 3 * lives / seconds,
             bytes / lives / 1000);
}

}  // namespace
}  // namespace remit::store::sqlite

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: sqlite_bench FOLDER [lives [clients]]\n"), 2;
  remit::store::sqlite::Measure(argv[1], argc > 2 ? std::atoi(argv[2]) : 10'000, argc > 3 ? std::atoi(argv[3]) : 1);
}
