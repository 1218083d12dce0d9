#include "cli/sse_reader.h"

#include <utility>

namespace remit::cli {

std::vector<SseReader::Event> SseReader::Feed(std::string_view bytes) {
  constexpr std::size_t kLineBytes = 4u << 20;  // more is none of ours
  std::vector<Event> events;
  buffer_ += bytes;
  std::size_t begin = 0;
  for (std::size_t end; (end = buffer_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    std::string_view line(buffer_.data() + begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    Line(line, events);
  }
  buffer_.erase(0, begin);
  if (buffer_.size() > kLineBytes) buffer_.clear();
  return events;
}

void SseReader::Line(std::string_view line, std::vector<Event>& events) {
  if (line.empty()) {
    last_id_ = id_;
    Event event = std::exchange(event_, {});
    event.id = id_;
    if (!event.data.empty()) events.push_back(std::move(event));
    return;
  }
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view field = line.substr(0, colon);
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "id") id_ = value;
  if (field == "event") event_.type = value;
  if (field == "data") (event_.data += event_.data.empty() ? "" : "\n") += value;
}

}  // namespace remit::cli
