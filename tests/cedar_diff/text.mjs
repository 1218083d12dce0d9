// Strings, names and literals as Cedar writes them.

export const STRINGS = ["", "a", "b", "ab", "abc", "a*b", "*", "A", "é", "日本", "\u{1F600}", "\n", "\0", "'", "\"", "\\", "a b", "if", "1.2.3.4", "1.5", "\u{7f}", "\u{200b}"];
export const RESERVED = new Set(["if", "then", "else", "in", "is", "like", "has", "true", "false", "__cedar"]);

export function quote(random, text) {
  let out = "\"";
  for (const c of text) {
    const code = c.codePointAt(0);
    if (c === "\"" || c === "\\") out += "\\" + c;
    else if (c === "\n") out += "\\n";
    else if (c === "\0") out += random.chance(0.5) ? "\\0" : "\\u{0}";
    else if (code < 0x20) out += `\\u{${code.toString(16)}}`;
    else if (code < 0x80 && random.chance(0.01)) out += `\\x${code.toString(16).padStart(2, "0")}`;
    else if (random.chance(0.02)) out += `\\u{${code.toString(16)}}`;
    else if (c === "'" && random.chance(0.3)) out += "\\'";
    else out += c;
  }
  return out + "\"";
}

export const isIdentifier = (text) => /^[_a-zA-Z][_a-zA-Z0-9]*$/.test(text) && !RESERVED.has(text);

export function uidText(random, {type, id}) { return `${type}::${quote(random, id)}`; }

// A pattern of `like` that often matches `text`.
export function pattern(random, text) {
  let out = "\"";
  for (const c of text) {
    if (random.chance(0.2)) { out += "*"; if (random.chance(0.5)) continue; }
    if (c === "*") out += random.chance(0.7) ? "\\*" : "*";
    else out += quote(random, c).slice(1, -1);
  }
  if (random.chance(0.3)) out += "*";
  return out + "\"";
}
