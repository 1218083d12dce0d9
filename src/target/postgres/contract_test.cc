// PostgreSQL keeps what every target keeps.
#include "target/contract_test.h"

#include "target/postgres/fixture.h"

namespace remit::target {
namespace {

class PostgresHarness final : public ContractHarness {
 public:
  PostgresHarness() { ForgetInMemory(); }
  Target& target() override { return bench_->target(); }
  task::PermissionSet Permissions() override { return {{postgres::On("orders/public.invoices")}}; }
  task::Permission Foreign() override { return postgres::On("billing/public.invoices"); }
  bool Works(const Made& made, const Secret& secret) override {
    const std::string user(made.environment.at("PGUSER").Reveal());
    auto session = pg::Connection::Open(postgres::SharedServer().Options("orders", user, secret));
    return session && postgres::StateOf(**session, "SELECT * FROM public.invoices").empty();
  }
  Time Now() const override { return bench_->clock().Now(); }
  void ForgetInMemory() override { bench_ = std::make_unique<postgres::Bench>(postgres::SharedServer()); }

 private:
  std::unique_ptr<postgres::Bench> bench_;
};

INSTANTIATE_TEST_SUITE_P(Postgres, TargetContract,
                         testing::Values(+[]() -> std::unique_ptr<ContractHarness> { return std::make_unique<PostgresHarness>(); }));

}  // namespace
}  // namespace remit::target
