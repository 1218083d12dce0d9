// Small damage to texts and JSON documents, so that both sides must say what they refuse.

const TOKEN = /"(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|\d+|==|!=|<=|>=|&&|\|\||::|\?[a-z]+|\s+|./gsu;
const EXTRA = ["(", ")", "{", "}", "[", "]", ",", ";", ":", "::", ".", "==", "=", "&&", "||", "!", "-", "+", "*", "<", "in", "is", "has", "like", "if", "then", "else", "true", "principal", "action", "resource", "context",
               "?principal", "?resource", "permit", "forbid", "when", "unless", "\"a\"", "\"\\q\"", "\"\\u{110000}\"", "\"\\u{d800}\"", "1", "9223372036854775808", "-9223372036854775808", "00", "@id(\"x\")", "@a", "//", "/* */",
               "ip", "decimal(\"1.0\")", "offset", "contains", "__cedar", "User", "App", "é", "#", "'", "%", "/", "entity", "type", "namespace", "appliesTo", "Set", "<", ">", "Long", "__cedar::Long", "tags", "enum", "?", "context:", "\u{feff}", "\u{a0}", "\r", "\t",
               "\"\\x7f\"", "\"\\x80\"", "\"\\*\"", "0x1", "1.5", "_", "_a", "set", "Record", "Entity", "Extension", "Bool", "String", "Action"];

export function damageText(random, text) {
  let tokens = text.match(TOKEN) ?? [];
  for (let i = random.weighted([[5, 1], [3, 2], [1, 4]]); i > 0; --i) {
    const at = random.below(tokens.length + 1);
    const kind = random.weighted([[3, "drop"], [2, "twice"], [3, "insert"], [2, "replace"], [2, "swap"], [1, "character"], [1, "cut"]]);
    if (kind === "drop") tokens.splice(at, 1);
    else if (kind === "twice" && tokens[at] !== undefined) tokens.splice(at, 0, tokens[at]);
    else if (kind === "insert") tokens.splice(at, 0, random.pick([" ", ""]) + random.pick(EXTRA) + random.pick([" ", ""]));
    else if (kind === "replace") tokens.splice(at, 1, random.pick(random.chance(0.5) && tokens.length ? tokens : EXTRA));
    else if (kind === "swap" && at + 2 < tokens.length) [tokens[at], tokens[at + 2]] = [tokens[at + 2], tokens[at]];
    else if (kind === "cut" && random.chance(0.3)) tokens.length = Math.min(at, tokens.length);
    else if (kind === "character" && tokens[at]?.length > 1) {
      const characters = [...tokens[at]];
      characters.splice(random.below(characters.length), 1, random.pick(["", "x", "\\", "\"", "0", "_", "é", "\\n", "*", "\\0"]));
      tokens[at] = characters.join("");
    }
  }
  return tokens.join("");
}

const VALUES = [null, true, 0, 1, -1, 1.5, "", "a", "User", "Long", "__cedar::Long", "App::User", [], {}, ["a"], {type: "Long"}, {type: "User", id: "a"}, {__entity: {type: "User", id: "a"}}, {__extn: {fn: "ip", arg: "1.2.3.4"}}, "==", "in", "is", "All", "when"];
const NAMES = ["type", "id", "name", "element", "attributes", "required", "__entity", "__extn", "fn", "arg", "args", "op", "entity", "entities", "slot", "left", "right", "attr", "Value", "Var", "Slot", "kind", "body", "effect", "x",
               "memberOf", "memberOfTypes", "shape", "tags", "enum", "appliesTo", "principalTypes", "context", "commonTypes", "additionalAttributes", "annotations", "uid", "attrs", "parents", "pattern", "in", "if", "&&", "==", "Set", "Record"];

// A copy of the document with something changed, dropped, renamed or added somewhere.
export function damageJson(random, document) {
  const copy = structuredClone(document);
  const places = [];
  const walk = (node) => {
    if (node === null || typeof node !== "object") return;
    for (const key of Object.keys(node)) {
      places.push([node, key]);
      walk(node[key]);
    }
    places.push([node, null]);
  };
  const root = {root: copy};
  walk(root);
  for (let i = random.weighted([[5, 1], [1, 2]]); i > 0; --i) {
    const [node, key] = random.pick(places);
    const kind = random.weighted([[3, "drop"], [3, "replace"], [2, "add"], [2, "rename"], [2, "copy"]]);
    const other = () => { const [from, name] = random.pick(places); return structuredClone(name === null ? from : from[name]) ?? null; };
    if (key === null || kind === "add") {
      if (node === root) continue;
      if (Array.isArray(node)) node.push(random.chance(0.5) ? other() : structuredClone(random.pick(VALUES)));
      else node[random.pick(NAMES)] = random.chance(0.5) ? other() : structuredClone(random.pick(VALUES));
    } else if (kind === "drop" && node !== root) Array.isArray(node) ? node.splice(Number(key), 1) : delete node[key];
    else if (kind === "rename" && node !== root && !Array.isArray(node)) {
      node[random.pick(NAMES)] = node[key];
      delete node[key];
    } else {
      const value = kind === "copy" ? other() : structuredClone(random.pick(VALUES));
      // An array in place of an object is what ours refuses by intent.
      const inPlaceOfObject = Array.isArray(value) && node[key] !== null && typeof node[key] === "object" && !Array.isArray(node[key]);
      node[key] = inPlaceOfObject ? null : value;
    }
  }
  return root.root;
}
