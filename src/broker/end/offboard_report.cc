// What an offboarding reached: each thing that is dead, with its evidence, and each that is open, with the reason; in the ledger, and signed.
#include <fmt/format.h>

#include "broker/core.h"
#include "broker/end/offboarding.h"
#include "broker/views.h"
#include "crypto/hash.h"
#include "jose/jws.h"
#include "json/write.h"

namespace remit::broker {
namespace {

constexpr std::string_view kOffboardingTyp = "remit-offboarding+jwt";
constexpr Duration kWaitForKey = std::chrono::seconds(10);

}  // namespace

void Offboarder::TaskEnded(const std::shared_ptr<Offboarding>& state, const std::string& id, Result<EndAnswer> end) {
  if (!end) {
    // It had begun to end by other means, or its end could not be written down: denied in any case.
    state->open.push_back(json::Object{{"what", "task"}, {"id", id}, {"reason", end.error().message}});
    return Arrived(state);
  }
  state->ended.push_back(json::Object{{"what", "task"},
                                      {"id", id},
                                      {"type", end->task.name},
                                      {"state", task::StateName(end->task.state)},
                                      {"evidence", core_.Find(id) == nullptr ? "its end is in the ledger; its tokens belong to nothing" : "denied"}});
  for (const task::CredentialRecord& credential : end->credentials) CredentialEnded(state, credential);
  Arrived(state);
}

void Offboarder::CredentialEnded(const std::shared_ptr<Offboarding>& state, const task::CredentialRecord& credential) {
  json::Object one = CredentialJson(credential);
  json::Object line{
      {"what", "credential"}, {"id", credential.id}, {"target", credential.target}, {"name", credential.name}, {"task", credential.task}};
  if (credential.state == task::CredentialState::kDead) {
    line.Set("evidence", *one.Find("evidence"));
    state->ended.push_back(std::move(line));
  } else {
    line.Set("reason", credential.last_error.empty() ? "its target has not answered yet" : credential.last_error);
    if (const json::Value* retry = one.Find("retry_at")) line.Set("retry_at", *retry);
    state->open.push_back(std::move(line));
  }
}

void Offboarder::Report(const std::shared_ptr<Offboarding>& state) {
  const Time now = core_.Stamp();
  const bool complete = state->open.empty();
  json::Object report{{"receipt", "remit offboarding v1"},
                      {"installation", core_.installation},
                      {"actor", state->actor.ToString()},
                      {"by", state->by},
                      {"why", state->why},
                      {"begun", FormatTime(state->begun)},
                      {"issued", FormatTime(now)},
                      {"complete", complete},
                      {"standing_access", state->standing},
                      {"ended", state->ended},
                      {"open", state->open}};
  json::Object event = core_.Event(complete ? "offboard.done" : "offboard.open", now);
  event.Set("actor", state->actor.ToString());
  event.Set("ended", state->ended.size());
  event.Set("open", state->open.size());
  event.Set("report", HexEncode(crypto::Sha256(json::Canonical(report))));
  const std::string body = json::Canonical(event);
  store::Batch batch;
  batch.must_fit = true;
  // Unless it was registered and barred again meanwhile: what the row says then is of that.
  std::shared_ptr<Offboarding> over;
  if (complete && !core_.registry.WasOvertaken(state->actor, state->bar)) over = Forget(state->actor, batch);
  core_.AddEvents(batch, {std::move(event)});
  core_.Commit(std::move(batch), [this, state, over, report = std::move(report), body](const auto& committed) mutable {
    if (!committed) {
      KeepOpen(over);
      return core_.Later([state, error = committed.error()] { state->answer(std::unexpected(error)); });
    }
    core_.Later([this, state, report = std::move(report), body, index = committed->first_event]() mutable {
      core_.parts.workers.Submit([this, state, report = std::move(report), body, index]() mutable { Sign(state, std::move(report), body, index); });
    });
  });
}

// On a worker. What ended is told in any case: it has ended, it is in the ledger, and nobody could ask for it again. Where there is no key that is
// trusted, also after a while, it is told without a signature; the proof is one of the ledger's key.
void Offboarder::Sign(const std::shared_ptr<Offboarding>& state, json::Object report, const std::string& body, std::uint64_t index) {
  Result<json::Value> proof = core_.receipts.ProofOf(index, body);
  if (!proof) return state->answer(std::unexpected(std::move(proof.error())));
  report.Set("proof", *std::move(proof));
  const auto signed_with = [this, state, report = std::move(report)](Result<NamedKey> key) mutable {
    if (!key) {
      report.Set("not_signed", key.error().message);
      return state->answer(json::Value(std::move(report)));
    }
    core_.parts.workers.Submit([state, report = std::move(report), key = *std::move(key)]() mutable {
      const std::string payload = json::Canonical(report);
      report.Set("jws", jose::SignCompact(key.key, key.id, kOffboardingTyp, AsBytes(payload)));
      state->answer(json::Value(std::move(report)));
    });
  };
  core_.Locked([&] { core_.key_rotation.WhenTrusted(kReceiptKey, kWaitForKey, signed_with); });
}

}  // namespace remit::broker
