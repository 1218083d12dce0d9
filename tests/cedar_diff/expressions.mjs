// Expressions by type, as text: most of them are well typed in their environment, guarded where they must be, and some are not.

import {entityOf, EXTENSIONS, typeKey} from "./schemas.mjs";
import {BAD_EXTENSION_TEXTS, EXTENSION_CONSTRUCTORS, EXTENSION_TEXTS, IDS} from "./worlds.mjs";
import {STRINGS, isIdentifier, pattern, quote, uidText} from "./text.mjs";

const LONGS = ["0", "1", "2", "3", "-1", "5", "100", "9223372036854775807", "-9223372036854775808", "4611686018427387904", "3037000500"];
const TAG_KEYS = ["k", "a", "b", "é"];
const BOOL = {k: "bool"}, LONG = {k: "long"}, STRING = {k: "string"};
const ext = (name) => ({k: "ext", name});

export class Expressions {
  // `scope`: {principal, resource: entity type names, action: uid, context: record type}. `flawed`: how often something is ill typed.
  constructor(random, model, scope, {flawed = 0.02, slots = []} = {}) {
    Object.assign(this, {random, model, scope, flawed, slots});
    // What can be spoken of: text and type. Guards add to them while their condition is written.
    this.known = [];
    this.add({text: "principal", type: {k: "entity", name: scope.principal}});
    this.add({text: "resource", type: {k: "entity", name: scope.resource}});
    this.add({text: "context", type: scope.context});
  }

  // Adds a value, and what it surely has.
  add(value, depth = 0) {
    this.known.push(value);
    if (depth >= 3) return;
    for (const [name, {type, required}] of Object.entries(this.attributesOf(value.type))) {
      if (required) this.add({text: this.access(value.text, name), type}, depth + 1);
    }
  }

  attributesOf(type) {
    if (type.k === "record") return type.attributes;
    if (type.k === "entity") return entityOf(this.model, type.name)?.attributes ?? {};
    return {};
  }

  access(text, name) { return isIdentifier(name) && this.random.chance(0.9) ? `${text}.${name}` : `${text}[${quote(this.random, name)}]`; }
  wrap(text) { return this.random.chance(0.985) || /^(!|-)/.test(text) ? `(${text})` : text; }

  ofType(type) {
    const key = typeKey(type);
    return this.known.filter((value) => typeKey(value.type) === key);
  }

  anyType(depth) {
    const random = this.random;
    const kind = random.weighted([[3, "long"], [3, "string"], [2, "bool"], [3, "entity"], [2, "ext"], [depth > 0 ? 2 : 0, "set"], [1, "known"]]);
    if (kind === "entity") return {k: kind, name: random.pick(this.model.entities).name};
    if (kind === "ext") return ext(random.pick(EXTENSIONS));
    if (kind === "set") return {k: kind, of: this.anyType(depth - 1)};
    if (kind === "known") return random.pick(this.known).type;
    return {k: kind};
  }

  // An expression of `type`.
  make(type, depth) {
    const random = this.random;
    if (random.chance(this.flawed)) type = this.anyType(1);
    const known = this.ofType(type);
    if (known.length && random.chance(type.k === "bool" ? 0.15 : type.k === "entity" ? 0.6 : 0.45)) return random.pick(known).text;
    if (depth > 0 && random.chance(0.07)) return `if ${this.bool(depth - 1)} then ${this.make(type, depth - 1)} else ${this.make(type, depth - 1)}`;
    if (random.chance(this.flawed)) return this.stray(type) ?? this.literal(type, depth);
    switch (type.k) {
      case "bool": return this.bool(depth);
      case "long": return this.long(depth);
      case "ext": return this.extension(type, depth);
      default: return this.literal(type, depth);
    }
  }
  // Like make(), safe as an operand.
  operand(type, depth) {
    const text = this.make(type, depth);
    return /^[a-zA-Z0-9_.:"]*$/.test(text) ? text : this.wrap(text);
  }

  // An attribute or tag that may not be there.
  stray(type) {
    const owner = this.random.pick(this.known);
    const names = Object.entries(this.attributesOf(owner.type)).filter(([, attribute]) => typeKey(attribute.type) === typeKey(type));
    if (names.length) return this.access(owner.text, this.random.pick(names)[0]);
    return this.random.chance(0.3) ? this.access(owner.text, this.random.pick(["name", "age", "zz"])) : null;
  }

  literal(type, depth) {
    const random = this.random;
    switch (type.k) {
      case "bool": return random.pick(["true", "false"]);
      case "long": return random.pick(LONGS);
      case "string": return quote(random, random.pick(STRINGS));
      case "entity": return uidText(random, {type: type.name, id: this.idOf(type.name)});
      case "ext": return this.constructorCall(type.name);
      case "set": {
        const count = random.chance(0.05) ? 0 : random.between(1, 3);
        return `[${random.times(count, () => this.make(type.of, depth - 1)).join(", ")}]`;
      }
      case "record": {
        const fields = Object.entries(type.attributes).filter(([, {required}]) => required || random.chance(0.3));
        return `{${fields.map(([name, attribute]) => `${isIdentifier(name) && random.chance(0.7) ? name : quote(random, name)}: ${this.make(attribute.type, depth - 1)}`).join(", ")}}`;
      }
    }
  }
  idOf(name) {
    const entity = entityOf(this.model, name);
    if (entity?.enumeration && !this.random.chance(this.flawed)) return this.random.pick(entity.enumeration);
    return this.random.chance(0.85) ? this.random.pick(["a", "b", "c"]) : this.random.pick(IDS);
  }
  constructorCall(name) {
    const random = this.random;
    const text = random.chance(0.03) ? random.pick(BAD_EXTENSION_TEXTS) : random.pick(EXTENSION_TEXTS[name]);
    if (random.chance(this.flawed)) return `${EXTENSION_CONSTRUCTORS[name]}(${this.make(STRING, 1)})`;
    return `${EXTENSION_CONSTRUCTORS[name]}(${quote(random, text)})`;
  }

  long(depth) {
    const random = this.random;
    if (depth <= 0) return random.pick(LONGS);
    const kind = random.weighted([[3, "literal"], [3, "+"], [2, "-"], [2, "*"], [1, "neg"], [1, "duration"]]);
    if (kind === "literal") return random.pick(LONGS);
    if (kind === "neg") return `-${this.operand(LONG, depth - 1)}`;
    if (kind === "duration") return `${this.operand(ext("duration"), depth - 1)}.${random.pick(["toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays"])}()`;
    return `${this.operand(LONG, depth - 1)} ${kind} ${this.operand(LONG, depth - 1)}`;
  }

  extension(type, depth) {
    const random = this.random;
    if (depth > 0 && random.chance(0.4)) {
      if (type.name === "datetime") return random.chance(0.6) ? `${this.operand(type, depth - 1)}.offset(${this.make(ext("duration"), depth - 1)})` : `${this.operand(type, depth - 1)}.toDate()`;
      if (type.name === "duration") return random.chance(0.6) ? `${this.operand(ext("datetime"), depth - 1)}.durationSince(${this.make(ext("datetime"), depth - 1)})` : `${this.operand(ext("datetime"), depth - 1)}.toTime()`;
    }
    return this.constructorCall(type.name);
  }

  bool(depth) {
    const random = this.random;
    if (depth <= 0) return random.weighted([[1, () => "true"], [1, () => "false"], [depth > -3 ? 6 : 0, () => this.equality(depth)], [4, () => this.hierarchy(depth)]])();
    const make = random.weighted([[4, this.equality], [3, this.order], [4, this.logic], [4, this.hierarchy], [4, this.guarded], [2, this.sets], [2, this.like], [2, this.methods], [2, this.has], [2, this.tags]]);
    return make.call(this, depth);
  }

  equality(depth) {
    const type = this.random.chance(0.8) ? this.random.pick(this.known).type : this.anyType(1);
    return `${this.operand(type, depth - 1)} ${this.random.pick(["==", "==", "!="])} ${this.operand(type, depth - 1)}`;
  }
  order(depth) {
    const type = this.random.weighted([[4, LONG], [1, ext("datetime")], [1, ext("duration")]]);
    return `${this.operand(type, depth - 1)} ${this.random.pick(["<", "<=", ">", ">="])} ${this.operand(type, depth - 1)}`;
  }
  logic(depth) {
    const random = this.random;
    if (random.chance(0.2)) return `!${this.random.chance(0.1) ? "!" : ""}${this.operand(BOOL, depth - 1)}`;
    const operator = random.pick([" && ", " || "]);
    return random.times(random.weighted([[8, 2], [2, 3], [1, 5]]), () => this.operand(BOOL, depth - 1)).join(operator);
  }

  entityExpression(depth, name) {
    const random = this.random;
    if (name) return this.operand({k: "entity", name}, depth);
    const entities = this.known.filter((value) => value.type.k === "entity");
    if (random.chance(0.85)) return random.pick(entities).text;
    return random.chance(0.5) ? "action" : this.operand({k: "entity", name: random.pick(this.model.entities).name}, depth);
  }
  hierarchy(depth) {
    const random = this.random;
    const left = random.pick(this.known.filter((value) => value.type.k === "entity"));
    const above = [left.type.name, ...(entityOf(this.model, left.type.name)?.memberOf ?? [])];
    const target = random.chance(0.85) ? random.pick(above) : random.pick(this.model.entities).name;
    const kind = random.weighted([[4, "in"], [2, "in set"], [2, "is"], [1, "is in"], [1, "action"], [this.slots.length ? 3 : 0, "slot"]]);
    if (kind === "action") {
      const action = random.pick(this.model.actions).uid;
      return random.chance(0.5) ? `action == ${uidText(random, action)}` : `action in [${uidText(random, action)}, ${uidText(random, random.pick(this.model.actions).uid)}]`;
    }
    if (kind === "slot") return `${left.text} ${random.pick(["in", "=="])} ${random.pick(this.slots)}`;
    if (kind === "is") return `${left.text} is ${target}`;
    if (kind === "is in") return `${left.text} is ${random.chance(0.7) ? left.type.name : target} in ${this.entityExpression(depth - 1, target)}`;
    if (kind === "in set") return `${left.text} in ${this.operand({k: "set", of: {k: "entity", name: target}}, depth - 1)}`;
    return `${left.text} in ${this.entityExpression(depth - 1, target)}`;
  }

  // `x has a && …` where the rest may speak of x.a.
  guarded(depth) {
    const random = this.random;
    const options = [];
    for (const value of this.known) {
      for (const [name, {type, required}] of Object.entries(this.attributesOf(value.type))) if (!required) options.push({value, name, type});
    }
    if (!options.length) return this.equality(depth);
    const {value, name, type} = random.pick(options);
    const before = this.known.length;
    const text = this.access(value.text, name);
    let guard = `${value.text} has ${isIdentifier(name) ? name : quote(random, name)}`;
    if (random.chance(0.15) && /^[a-z.A-Z]+$/.test(text) && isIdentifier(name)) {
      const [base, ...path] = text.split(".");
      guard = `${base} has ${path.join(".")}`;
    }
    this.add({text, type}, 1);
    // What was guarded is spoken of more often.
    this.known.push(...random.times(4, () => ({text, type})));
    const rest = this.make(BOOL, depth - 1);
    const alternative = random.chance(0.2) ? this.make(BOOL, 0) : null;
    this.known.length = before;
    if (alternative !== null) return `if ${guard} then ${rest} else ${this.make(BOOL, 0)}`;
    if (random.chance(0.05)) return `!(${guard}) || (${rest})`;
    return `${random.chance(0.7) ? guard : `(${guard})`} && ${this.wrap(rest)}`;
  }

  has(depth) {
    const random = this.random;
    const owners = this.known.filter((value) => value.type.k === "entity" || value.type.k === "record");
    const owner = random.pick(owners);
    const names = [...Object.keys(this.attributesOf(owner.type)), "name"];
    if (random.chance(0.2)) return `${owner.text} has ${random.times(random.between(1, 3), () => random.pick(names.filter(isIdentifier))).join(".")}`;
    const name = random.pick(names);
    return `${owner.text} has ${isIdentifier(name) && random.chance(0.7) ? name : quote(random, name)}`;
  }

  tags(depth) {
    const random = this.random;
    const owners = this.known.filter((value) => value.type.k === "entity" && entityOf(this.model, value.type.name)?.tags);
    if (!owners.length) return this.equality(depth);
    const owner = random.pick(owners);
    const type = entityOf(this.model, owner.type.name).tags;
    const key = random.chance(0.7) ? quote(random, random.pick(TAG_KEYS)) : this.make(STRING, 0);
    const text = `${owner.text}.getTag(${key})`;
    if (random.chance(0.1)) return `${text} == ${this.operand(type, depth - 1)}`;
    return `${owner.text}.hasTag(${key}) && ${text} ${random.pick(["==", "!="])} ${this.operand(type, depth - 1)}`;
  }

  sets(depth) {
    const random = this.random;
    const known = this.known.filter((value) => value.type.k === "set");
    const type = known.length && random.chance(0.7) ? random.pick(known).type : {k: "set", of: this.anyType(0)};
    const set = this.operand(type, depth - 1);
    const kind = random.pick(["contains", "containsAll", "containsAny", "isEmpty"]);
    if (kind === "isEmpty") return `${set}.isEmpty()`;
    return `${set}.${kind}(${this.make(kind === "contains" ? type.of : type, depth - 1)})`;
  }
  like(depth) { return `${this.operand(STRING, depth - 1)} like ${pattern(this.random, this.random.pick(STRINGS))}`; }
  methods(depth) {
    const random = this.random;
    const ip = ext("ipaddr"), decimal = ext("decimal");
    if (random.chance(0.4)) return `${this.operand(ip, depth - 1)}.${random.pick(["isIpv4", "isIpv6", "isLoopback", "isMulticast"])}()`;
    if (random.chance(0.4)) return `${this.operand(ip, depth - 1)}.isInRange(${this.make(ip, depth - 1)})`;
    return `${this.operand(decimal, depth - 1)}.${random.pick(["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"])}(${this.make(decimal, depth - 1)})`;
  }
}
