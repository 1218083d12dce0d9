// Reads a stream of server-sent events (WHATWG HTML §9.2) as it comes in pieces. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace remit::cli {

class SseReader {
 public:
  struct Event {
    std::string id, type, data;
  };

  // What the bytes complete. An event that is cut off by the end of the connection never counts: its id has not been taken over either.
  std::vector<Event> Feed(std::string_view bytes);

  // The id to come back with; "" before the first. It moves on without an event, too.
  const std::string& last_id() const { return last_id_; }

 private:
  void Line(std::string_view line, std::vector<Event>& events);

  std::string buffer_, id_, last_id_;
  Event event_;
};

}  // namespace remit::cli
