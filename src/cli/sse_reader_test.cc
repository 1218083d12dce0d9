#include "cli/sse_reader.h"

#include <gtest/gtest.h>

namespace remit::cli {
namespace {

TEST(SseReader, ReadsEventsHoweverTheyAreCut) {
  const std::string text =
      "retry: 2000\n\n:\nid: 6\n\nid: 7\nevent: task.started\ndata: {\"a\":1}\n\nid: 9\r\nevent: x\r\ndata: 1\r\ndata: 2\r\n\r\n";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    SseReader reader;
    std::vector<SseReader::Event> all;
    for (std::size_t at = 0; at < text.size(); at += piece)
      for (SseReader::Event& event : reader.Feed(std::string_view(text).substr(at, piece))) all.push_back(std::move(event));
    ASSERT_EQ(all.size(), 2u) << piece;
    EXPECT_EQ(all[0].id, "7");
    EXPECT_EQ(all[0].type, "task.started");
    EXPECT_EQ(all[0].data, "{\"a\":1}");
    EXPECT_EQ(all[1].data, "1\n2");
    EXPECT_EQ(reader.last_id(), "9");
  }
}

TEST(SseReader, AnEventThatIsCutOffHasNotBeenSeen) {
  SseReader reader;
  reader.Feed("id: 7\ndata: 1\n\nid: 8\ndata: 2\n");
  EXPECT_EQ(reader.last_id(), "7");
}

TEST(SseReader, AnIdCountsWithoutAnEvent) {
  SseReader reader;
  EXPECT_TRUE(reader.Feed(":\nid: 41\n\n").empty());
  EXPECT_EQ(reader.last_id(), "41");
}

}  // namespace
}  // namespace remit::cli
