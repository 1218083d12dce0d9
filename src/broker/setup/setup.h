// Catalogs: loaded, compared with what lives, and in force; and the turn in which they and facts change.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "broker/administer/admin_call.h"

namespace remit::broker {

class Core;

class SetUp {
 public:
  explicit SetUp(Core& core) : core_(core) {}

  // Not under the mutex: reads and checks the files, then waits for its turn. In force after its commit, and what tasks hold beyond it ends then.
  // Errors: those of Broker::LoadCatalog.
  void LoadFiles(AdminCall call, std::vector<task::CatalogFile> files, const LoadOptions& options, Answer<CatalogAnswer> answer);
  // The catalog that people said yes to, read back by its hash. Errors: `store-corrupt`, those of LoadFiles.
  void LoadApproved(AdminCall call, Answer<json::Value> answer);
  // Catalog and facts change one after the other, since each is checked against the other as it is in force. `change` answers whether its
  // commit is on its way; then that calls ChangeDone.
  void OneAtATime(std::function<bool()> change);
  void ChangeDone();

 private:
  bool ChangeCatalog(const AdminCall& call, std::shared_ptr<const task::Catalog> catalog, const LoadOptions& options,
                     std::shared_ptr<CatalogAnswer> shared, Answer<CatalogAnswer> answer);
  void AskPeople(const AdminCall& call, std::uint32_t needed, const task::Catalog& catalog, const LoadOptions& options,
                 std::shared_ptr<CatalogAnswer> shared, Answer<CatalogAnswer> answer);
  Status CheckStated(const task::StatedPermission& stated) const;
  std::deque<std::function<bool()>> changes_;  // of both, that wait for their turn
  bool changing_ = false;

  Core& core_;
};

}  // namespace remit::broker
