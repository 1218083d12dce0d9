// See metrics.h. The only user of prometheus-cpp.
#include "api/metrics.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace remit::api {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric Sample(double value, bool counter, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  return metric;
}

MetricFamily Family(std::string name, std::string help, MetricType type) {
  MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = type;
  return family;
}

MetricFamily Counter(std::string name, std::string help, std::uint64_t value) {
  MetricFamily family = Family(std::move(name), std::move(help), MetricType::Counter);
  family.metric.push_back(Sample(static_cast<double>(value), true));
  return family;
}

MetricFamily Gauge(std::string name, std::string help, std::uint64_t value) {
  MetricFamily family = Family(std::move(name), std::move(help), MetricType::Gauge);
  family.metric.push_back(Sample(static_cast<double>(value), false));
  return family;
}

}  // namespace

void Metrics::Observe(std::string_view, std::string_view, int status, Duration took) {
  const int klass = std::clamp(status / 100, 1, 5);
  by_class_[static_cast<std::size_t>(klass - 1)].fetch_add(1, std::memory_order_relaxed);
  const double seconds = std::chrono::duration<double>(took).count();
  const auto bucket = static_cast<std::size_t>(std::ranges::lower_bound(kBounds, seconds) - kBounds.begin());
  by_duration_[bucket].fetch_add(1, std::memory_order_relaxed);
  microseconds_.fetch_add(took.count(), std::memory_order_relaxed);
}

std::string Metrics::Text(const broker::Counters& broker) const {
  std::vector<MetricFamily> families;
  MetricFamily decisions = Family("remit_decisions_total", "Decisions on uses of tasks, by what was decided.", MetricType::Counter);
  decisions.metric.push_back(Sample(static_cast<double>(broker.allowed), true, {{"decision", "allow"}}));
  decisions.metric.push_back(Sample(static_cast<double>(broker.denied), true, {{"decision", "deny"}}));
  families.push_back(std::move(decisions));
  families.push_back(Counter("remit_task_starts_total", "Tasks that became active.", broker.starts));
  families.push_back(Counter("remit_task_ends_total", "Tasks that ended, in whatever way.", broker.ends));
  families.push_back(Gauge("remit_live_tasks", "Tasks that are requested or active.", broker.live_tasks));
  families.push_back(Gauge("remit_open_reviews", "Starts by break-glass that nobody has signed for.", broker.open_reviews));
  families.push_back(Counter("remit_credentials_made_total", "Credentials that became live at their target.", broker.credentials_made));
  families.push_back(Counter("remit_credentials_ended_total", "Credentials whose end was seen.", broker.credentials_ended));
  families.push_back(Gauge("remit_ending_credentials", "Credentials that should be dead and are not yet seen to be.", broker.ending_credentials));
  families.push_back(Counter("remit_credential_end_retries_total", "Attempts to end a credential that were not enough.", broker.end_retries));
  families.push_back(Counter("remit_commit_failures_total", "Commits that the store refused.", broker.commit_failures));

  MetricFamily requests = Family("remit_http_requests_total", "HTTP requests that were answered, by class of status.", MetricType::Counter);
  for (std::size_t i = 0; i < by_class_.size(); ++i) {
    requests.metric.push_back(Sample(static_cast<double>(by_class_[i].load()), true, {{"class", fmt::format("{}xx", i + 1)}}));
  }
  families.push_back(std::move(requests));

  MetricFamily durations = Family("remit_http_request_duration_seconds", "From a request's first byte to its answer.", MetricType::Histogram);
  ClientMetric histogram;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    below += by_duration_[i].load();
    ClientMetric::Bucket bucket;
    bucket.cumulative_count = below;
    bucket.upper_bound = kBounds[i];
    histogram.histogram.bucket.push_back(bucket);
  }
  histogram.histogram.sample_count = below + by_duration_.back().load();
  histogram.histogram.sample_sum = static_cast<double>(microseconds_.load()) / 1e6;
  durations.metric.push_back(std::move(histogram));
  families.push_back(std::move(durations));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace remit::api
