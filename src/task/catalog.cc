// What is asked of a loaded catalog, and its form in the store. How one is loaded: catalog_load.cc.
#include "task/catalog.h"

#include "base/limits.h"
#include "task/builtin_schema.h"
#include "task/catalog_marks.h"
#include "task/codec.h"

namespace remit::task {
namespace {

constexpr std::uint8_t kVersion = 1;

template <class Map>
auto* FindIn(const Map& map, std::string_view key) {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : &it->second;
}

}  // namespace

const TaskType* Catalog::FindType(std::string_view name_or_entity_type) const {
  if (const std::string* entity_type = FindIn(names_, name_or_entity_type)) return FindIn(types_, *entity_type);
  return FindIn(types_, name_or_entity_type);
}

const Lift* Catalog::FindLift(std::string_view policy) const { return FindIn(lifts_, policy); }

const TypeRules* Catalog::RulesFor(std::string_view task_type) const { return FindIn(rules_, task_type); }

bool Catalog::HasMark(std::string_view entity_type, std::uint8_t mark) const {
  const std::uint8_t* marks = FindIn(marks_, entity_type);
  return marks != nullptr && (*marks & mark) != 0;
}

bool Catalog::IsActor(std::string_view entity_type) const { return HasMark(entity_type, marks::kActor); }
bool Catalog::IsPerson(std::string_view entity_type) const { return HasMark(entity_type, marks::kPerson); }
bool Catalog::NeedsData(std::string_view entity_type) const { return HasMark(entity_type, marks::kNeedsData); }
bool Catalog::IsFromPep(std::string_view entity_type) const { return HasMark(entity_type, marks::kFromPep); }

bool Catalog::IsOpen(std::string_view entity_type) const {
  // Names at targets and in the secret store: the target knows whether they exist.
  if (entity_type.starts_with("Postgres::") || entity_type.starts_with("Secret::")) return schema_.FindEntityType(entity_type) != nullptr;
  return HasMark(entity_type, marks::kOpen);
}

std::string Catalog::PolicyText(const cedar::Policy& policy) const {
  for (const CatalogFile& file : files_) {
    if (policy.span.IsIn(file.name) && policy.span.end <= file.text.size() && policy.span.begin < policy.span.end) {
      return file.text.substr(policy.span.begin, policy.span.end - policy.span.begin);
    }
  }
  return {};
}

std::string Catalog::Encode() const { return EncodeFiles(files_); }

std::string Catalog::EncodeFiles(const std::vector<CatalogFile>& files) {
  std::string out;
  Encoder e(out);
  e.Byte(kVersion);
  e.Unsigned(files.size());
  for (const CatalogFile& file : files) {
    e.Text(file.name);
    e.Text(file.text);
  }
  return out;
}

Result<std::vector<CatalogFile>> Catalog::DecodeFiles(std::string_view bytes) {
  Decoder d(bytes);
  if (d.Byte() != kVersion) d.Refuse();
  std::vector<CatalogFile> files;
  const std::size_t count = d.Count(2);
  if (count > limits::kCatalogFiles) d.Refuse();
  for (std::size_t i = 0; i < count && d.ok(); ++i) {
    std::string name = d.Text();
    files.push_back({std::move(name), d.Text()});
  }
  REMIT_TRY(d.Finish("catalog"));
  return files;
}

}  // namespace remit::task
