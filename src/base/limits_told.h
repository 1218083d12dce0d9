#pragma once
#include "base/limits.h"
namespace remit::limits {
inline constexpr std::size_t kEventStreams = 256;       // open at the same time
inline constexpr std::size_t kEventStreamsPerCaller = 16;
inline constexpr std::size_t kEventPage = 256;             // events that one stream looks at before others have their turn
inline constexpr std::size_t kEventPageBytes = 64u << 10;  // of a stream that are written before its peer has read them
inline constexpr std::size_t kEventFilterTypes = 32;       // types of one filter
inline constexpr std::chrono::seconds kEventTick{15};      // sign of life on a stream of events; its caller is looked at again then
// Webhooks.
inline constexpr std::size_t kWebhooks = 16;                         // of one server: each has its own place in the ledger
inline constexpr std::size_t kWebhookBodyBytes = 32u << 10;          // of one message; a larger event goes by reference
inline constexpr std::size_t kWebhookAnswerBytes = 16u << 10;        // what a receiver says is not looked at
inline constexpr std::size_t kWebhookSkip = 1024;                    // events that nobody wants, until the place is written down again
inline constexpr std::chrono::seconds kWebhookTimeout{10};           // of one attempt
inline constexpr std::chrono::seconds kWebhookFirstBackoff{2};       // doubled with each attempt that fails
inline constexpr std::chrono::minutes kWebhookMaxBackoff{5};         // and never longer, so that a receiver that is back is soon told
inline constexpr std::chrono::hours kWebhookGiveUp{24};              // a message that is older and was refused is given up
}  // namespace remit::limits
