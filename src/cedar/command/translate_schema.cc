// cedar translate-schema: Cedar schema text to JSON and back.
#include "cedar/command/command.h"
#include "cedar/command/inputs.h"
#include "cedar/schema_json.h"
#include "json/write.h"

namespace remit::cedar::command {

Result<int> TranslateSchema(Words words) {
  std::optional<std::string> file, direction;
  Options options("translate-schema", "Cedar schema text to JSON and back; comments go");
  options.Choice('\0', "direction", direction, {"json-to-cedar", "cedar-to-json", "cedar-to-json-with-resolved-types"}, "which way")
      .Value('s', "schema", file, "FILE", "what to translate; without it: standard input")
      .Example("cedar translate-schema --direction cedar-to-json --schema schema.cedarschema");
  REMIT_ASSIGN(const bool run, options.Parse(words));
  if (!run) return kOk;
  if (!direction)
    return Fail(Code::kInvalidArgument, "usage", "`cedar translate-schema` needs --direction",
                "give --direction cedar-to-json, cedar-to-json-with-resolved-types or json-to-cedar");
  const std::string name = file.value_or("-");
  if (*direction == "json-to-cedar") {
    REMIT_ASSIGN(const json::Value document, ReadJson(name));
    auto translated = SchemaJsonToText(document);
    if (!translated) {
      const std::string place = translated.error().place;  // a path of members
      return Fail(std::move(translated.error()).At(place.empty() ? ShownName(name) : ShownName(name) + "/" + place));
    }
    const std::string& text = *translated;
    std::fwrite(text.data(), 1, text.size(), stdout);
    if (!text.ends_with('\n')) std::fputc('\n', stdout);
    return kOk;
  }
  REMIT_ASSIGN(const std::string text, ReadText(name));
  const std::string shown = ShownName(name);
  REMIT_ASSIGN(const json::Value document, *direction == "cedar-to-json" ? SchemaTextToJson(text, shown) : SchemaTextToResolvedJson(text, shown));
  return PrintJson(document), kOk;
}

}  // namespace remit::cedar::command
