// Catalogs and facts: loaded, compared with what lives, and in force one after the other.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/admin_call.h"
#include "broker/fact_set.h"
#include "broker/live_task.h"

namespace remit::broker {

class Core;

class SetUp {
 public:
  explicit SetUp(Core& core) : core_(core) {}

  void LoadFiles(AdminCall call, std::vector<task::CatalogFile> files, const LoadOptions& options, Answer<CatalogAnswer> answer);
  void LoadApproved(AdminCall call, Answer<json::Value> answer);
  bool ChangeFacts(AdminCall call, const json::Value& entities, bool replace, Answer<FactsAnswer> answer);
  bool HoldsTooMuch(LiveTask& live, const task::Catalog& next, const FactSet& next_facts);
  // Catalog and facts change one after the other, since each is checked against the other as it is in force. `change` answers whether its
  // commit is on its way; then that calls ChangeDone.
  void OneAtATime(std::function<bool()> change);
  void EndTooWide(const std::vector<std::string>& ids);

 private:
  bool ChangeCatalog(const AdminCall& call, std::shared_ptr<const task::Catalog> catalog, const LoadOptions& options,
                     std::shared_ptr<CatalogAnswer> shared, Answer<CatalogAnswer> answer);
  Status CheckStated(const task::StatedPermission& stated) const;
  std::vector<std::string> FindNarrowed(const task::Catalog& next, const FactSet& next_facts);
  void ChangeDone();
  std::deque<std::function<bool()>> changes_;  // of both, that wait for their turn
  bool changing_ = false;

  Core& core_;
};

}  // namespace remit::broker
