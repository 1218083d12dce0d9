// Makes an input smaller for as long as `differs` still holds of it.

const TOKEN = /"(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|\s+|::|./gsu;

const without = (list, at, count = 1) => [...list.slice(0, at), ...list.slice(at + count)];

// Inputs that are one step smaller; the members of the input itself stay.
function* smaller(node, rebuild, depth) {
  if (typeof node === "string") {
    const tokens = node.match(TOKEN) ?? [];
    if (tokens.length < 2) return;
    for (let size = tokens.length >> 1; size >= 1; size >>= 1) {
      for (let at = 0; at + size <= tokens.length; at += size) yield rebuild(without(tokens, at, size).join(""));
    }
    return;
  }
  if (node === null || typeof node !== "object") return;
  const keys = Object.keys(node);
  if (Array.isArray(node)) {
    for (let size = node.length >> 1; size > 1; size >>= 1) {
      for (let at = 0; at + size <= node.length; at += size) yield rebuild(without(node, at, size));
    }
  }
  if (depth > 0) {
    for (const key of keys) {
      if (Array.isArray(node)) yield rebuild(without(node, Number(key)));
      else yield rebuild(Object.fromEntries(Object.entries(node).filter(([name]) => name !== key)));
    }
  }
  for (const key of keys) {
    yield* smaller(node[key], (inner) => rebuild(Array.isArray(node) ? node.map((one, at) => (at === Number(key) ? inner : one)) : {...node, [key]: inner}), depth + 1);
  }
}

export async function shrink(input, differs, budget = 1500) {
  let best = input;
  for (let progress = true; progress;) {
    progress = false;
    for (const candidate of smaller(best, (whole) => whole, 0)) {
      if (--budget < 0) return best;
      if (!(await differs(candidate))) continue;
      best = candidate;
      progress = true;
      break;
    }
  }
  return best;
}
