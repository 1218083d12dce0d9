#include "notify/deliverer.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "json/read.h"

namespace remit::notify {
namespace {

constexpr std::string_view kOwnEvents = "webhook.";  // are told to nobody: each would make the next

// Of a message that failed `failures` times: doubled each time, and spread, so that many receivers do not come back together.
Duration PauseAfter(std::uint32_t failures, Rng& rng) {
  const Duration longest = limits::kWebhookMaxBackoff, first = limits::kWebhookFirstBackoff;
  const Duration whole = std::min<Duration>(first * (std::int64_t{1} << std::min(failures - 1, 12u)), longest);
  const Bytes random = rng.Take(2);
  return whole / 2 + whole / 2 * (random[0] * 256 + random[1]) / 65536;
}

}  // namespace

store::Write Deliverer::PlaceRow(std::uint64_t next) const { return {store::Table::kMeta, "webhook/" + options_.name, std::to_string(next)}; }

Result<std::shared_ptr<Deliverer>> Deliverer::Open(DelivererParts parts, DelivererOptions options) {
  std::shared_ptr<Deliverer> self(new Deliverer(std::move(parts), std::move(options)));
  const store::Write row = self->PlaceRow(self->parts_.store.Head().size);
  REMIT_ASSIGN(const std::optional<std::string> stored, self->parts_.store.Get(row.table, row.key));
  const std::uint64_t size = self->parts_.store.Head().size;
  if (stored) {
    const auto [end, error] = std::from_chars(stored->data(), stored->data() + stored->size(), self->next_);
    if (error != std::errc() || end != stored->data() + stored->size() || self->next_ > size)
      return Fail(Code::kCorrupt, "store-corrupt", fmt::format("the place of webhook `{}` is not one of this ledger", self->options_.name));
  } else {
    self->next_ = size;
    store::Batch batch;
    batch.writes.push_back(row);
    REMIT_TRY(self->parts_.store.CommitNow(std::move(batch)));
  }
  self->saved_ = self->next_;
  // In a store that was restored, what happens has the places of what was lost: a receiver must not take it for that.
  REMIT_ASSIGN(const std::optional<std::string> epoch, self->parts_.store.Get(store::Table::kMeta, "epoch"));
  if (epoch && *epoch != "1") self->epoch_ = *epoch + "_";
  return self;
}

void Deliverer::Start() {
  std::shared_ptr<void> watch = parts_.store.WatchGrowth([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Wake();
  });
  {
    const std::lock_guard lock(mutex_);
    if (!stopped_) watch_.swap(watch);
  }
  Wake();
}

void Deliverer::Stop() {
  std::shared_ptr<void> watch;
  io::TimerId timer = 0;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    watch.swap(watch_);
    timer = std::exchange(timer_, 0);
  }
  if (timer != 0) parts_.timers.Cancel(timer);
}

DelivererStatus Deliverer::status() const {
  const std::uint64_t size = parts_.store.Head().size;
  const std::lock_guard lock(mutex_);
  return {next_, size > next_ ? size - next_ : 0, attempts_, failing_since_, last_error_};
}

// There may be something to do. While somebody works, or waits for a receiver that has failed, he finds it himself.
void Deliverer::Wake() {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
    if (stopped_ || std::exchange(working_, true)) return;
  }
  Again();
}

// On a worker. Workers that take nothing more belong to a server that is stopping.
void Deliverer::Again() {
  parts_.workers.Submit([self = shared_from_this()] { self->Work(); });
}

void Deliverer::Work() {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    wanted_ = false;
  }
  Result<std::optional<Found>> found = FindNext();
  if (!found) return Later(found.error().message);
  if (*found) return Deliver(**std::move(found));
  if (next_ - saved_ >= limits::kWebhookSkip) return SavePlace();
  Rest();
}

// The next event that is to be told. What nobody wants is passed by, a piece at a time.
Result<std::optional<Deliverer::Found>> Deliverer::FindNext() {
  const EventTypes& types = options_.events.empty() ? ChangesAndWaits() : options_.events;
  std::optional<Found> found;
  std::uint64_t next = next_;
  std::size_t passed = 0;
  REMIT_TRY(parts_.store.ScanEvents(next_, [&](const store::StoredEvent& event) {
    if (event.body) {
      Result<json::Value> body = json::Parse(*event.body);
      const std::string* type = body ? body->FindString("type") : nullptr;
      if (type != nullptr && !type->starts_with(kOwnEvents) && Wants(types, *type)) {
        found = Found{event.index, *std::move(body)};
        return false;
      }
    }
    next = event.index + 1;
    return ++passed < limits::kWebhookSkip;
  }));
  const bool more = !found && next < parts_.store.Head().size;
  const std::lock_guard lock(mutex_);
  next_ = next;
  wanted_ = wanted_ || more;
  return found;
}

// The row of the task says what the event leaves out: its name, its purpose, for whom it runs.
Notice Deliverer::NoticeOf(Found found) const {
  std::optional<task::TaskRecord> task;
  if (const std::string* id = found.event.FindString("task")) {
    for (const store::Table table : {store::Table::kTask, store::Table::kEndedTask}) {
      const auto row = parts_.store.Get(table, *id);
      if (!row || !*row) continue;
      if (auto record = task::TaskRecord::Decode(**row)) task = *std::move(record);
      break;
    }
  }
  return MakeNotice(found.index, std::move(found.event), std::move(task), parts_.base);
}

void Deliverer::Deliver(Found found) {
  const std::uint64_t index = found.index;
  const std::string* text = found.event.FindString("time");
  const Result<Time> happened = text == nullptr ? Result<Time>(parts_.clock.Now()) : ParseTime(*text);
  const Message message{fmt::format("msg_{}_{}{}", parts_.installation, epoch_, index), Render(options_.form, NoticeOf(std::move(found)))};
  const Status taken = parts_.post(message);
  std::uint32_t attempts = 0;
  {
    const std::lock_guard lock(mutex_);
    attempts = ++attempts_;
  }
  json::Object fields{{"webhook", options_.name}, {"message", message.id}, {"index", index}, {"attempts", attempts}};
  if (taken) return Settle("webhook.delivered", index, std::move(fields));
  if (!happened || parts_.clock.Now() - *happened < limits::kWebhookGiveUp) return Later(taken.error().message);
  fields.Set("why", taken.error().message);
  log::Fault("webhook `{}`: message `{}` is given up: {}", options_.name, message.id, taken.error().message);
  Settle("webhook.failed", index, std::move(fields));
}

// Writes down what came of a message, and goes on behind it.
void Deliverer::Settle(std::string_view type, std::uint64_t index, json::Object fields) {
  const bool delivered = type == "webhook.delivered";
  parts_.record(
      type, fields, {PlaceRow(index + 1)}, [self = shared_from_this(), type = std::string(type), index, delivered, fields](const Status& written) {
        if (!written) {  // not told again for that: only written down, when that goes again
          {
            const std::lock_guard lock(self->mutex_);
            self->last_error_ = written.error().message;
            if (self->stopped_) return;
          }
          const io::TimerId timer = self->parts_.timers.At(self->parts_.clock.Now() + limits::kWebhookFirstBackoff, [self, type, index, fields] {
            {
              const std::lock_guard lock(self->mutex_);
              self->timer_ = 0;
              if (self->stopped_) return;
            }
            self->Settle(type, index, fields);
          });
          const std::lock_guard lock(self->mutex_);
          self->timer_ = timer;
          return;
        }
        {
          const std::lock_guard lock(self->mutex_);
          self->next_ = self->saved_ = index + 1;
          self->attempts_ = 0;
          if (delivered) {
            self->pause_ = 0;
            self->failing_since_.reset();
            self->last_error_.clear();
          }
        }
        self->Again();
      });
}

void Deliverer::SavePlace() {
  store::Batch batch;
  batch.writes.push_back(PlaceRow(next_));
  parts_.store.Commit(std::move(batch), [self = shared_from_this(), next = next_](const Result<store::Committed>& written) {
    if (written) {
      const std::lock_guard lock(self->mutex_);
      self->saved_ = next;
    }
    self->Rest();
  });
}

// Nothing is left to tell, unless something came meanwhile.
void Deliverer::Rest() {
  {
    const std::lock_guard lock(mutex_);
    if (!wanted_ || stopped_) {
      working_ = false;
      return;
    }
  }
  Again();
}

// After a failure: the same message again, when the pause is over.
void Deliverer::Later(std::string error) {
  Time when = parts_.clock.Now();
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    if (!failing_since_) {
      failing_since_ = when;
      log::Warn("webhook `{}`: {}", options_.name, error);
    }
    last_error_ = std::move(error);
    ++pause_;
  }
  when += PauseAfter(pause_, parts_.rng);
  const io::TimerId timer = parts_.timers.At(when, [self = shared_from_this()] {
    {
      const std::lock_guard lock(self->mutex_);
      self->timer_ = 0;
    }
    self->Again();
  });
  const std::lock_guard lock(mutex_);
  timer_ = timer;
}

}  // namespace remit::notify
