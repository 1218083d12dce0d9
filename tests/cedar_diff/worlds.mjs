// What policies are asked about: entities, values and requests that mostly conform to a schema.

import {entityOf} from "./schemas.mjs";
import {STRINGS} from "./text.mjs";

export const IDS = ["a", "b", "c", "x y", "é\"\\"];
const LONGS = [0, 1, 2, 3, -1, 7, 100, 2 ** 31, -(2 ** 31), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];

export const EXTENSION_TEXTS = {
  decimal: ["0.0", "1.5", "1.50", "-1.5", "12.3456", "922337203685477.5807", "-922337203685477.5808", "0.0001", "00.10", "-0.0"],
  ipaddr: ["1.2.3.4", "1.2.3.0/24", "10.0.0.0/8", "0.0.0.0/0", "127.0.0.1", "224.0.0.1", "::1", "::", "ffff::/16", "fe80::1/64", "1.2.3.4/32", "2001:db8::1", "::ffff:1.2.3.4",
           "1:2:3:4:5:6:7:8", "::/0", "239.255.255.255/31"],
  datetime: ["2024-01-01", "2024-02-29", "1970-01-01T00:00:00Z", "2024-01-01T12:34:56Z", "2024-01-01T12:34:56.789Z", "2024-01-01T12:34:56+0100", "2024-01-01T12:34:56.001-1159",
             "0000-01-01", "9999-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"],
  duration: ["0ms", "1d", "1d2h3m4s5ms", "-1d", "90m", "-5ms", "24h", "1h30m", "9223372036854775807ms", "-9223372036854775808ms", "10s1ms"],
};
export const BAD_EXTENSION_TEXTS = ["", "x", "1", "1.", ".5", "1.23456", "1.2.3", "256.0.0.1", "1.2.3.4/33", "01.2.3.4", "1.2.3.4/08", ":::", "1::2::3", "fffff::", "2024-13-01", "2024-02-30", "2024-1-1",
                                    "2024-01-01T24:00:00Z", "2024-01-01T00:00:00", "2024-01-01T00:00:00+2400", "2024-01-01T00:00:60Z", "1d1d", "1s1h", "1", "ms", "-", "+1d", "1D", "99999999999999999999d",
                                    "922337203685477.5808", "1e5", "::1/129", "::1.2.3.4", "1.2.3.4 ", "2024-01-01T00:00:00.1Z", "1h ", "--1h"];
export const EXTENSION_CONSTRUCTORS = {decimal: "decimal", ipaddr: "ip", datetime: "datetime", duration: "duration"};

export class World {
  constructor(random, model, {implicit = false, flawed = 0.02} = {}) {
    Object.assign(this, {random, model, implicit, flawed});
  }

  idOf(typeName) {
    const entity = entityOf(this.model, typeName);
    if (entity?.enumeration && !this.random.chance(this.flawed)) return this.random.pick(entity.enumeration);
    return this.random.weighted([[6, "a"], [5, "b"], [2, "c"], [1, this.random.pick(IDS)]]);
  }
  uid(typeName) { return {type: typeName, id: this.idOf(typeName)}; }

  value(type) {
    const random = this.random;
    if (random.chance(this.flawed)) return random.pick([1, "a", true, [], {}, [1, "a"], {a: 1}, null, 1.5, {__entity: {type: "User", id: "a"}}, {__extn: {fn: "decimal", arg: "1.0"}}, {__extn: {fn: "ip", arg: "x"}}]);
    switch (type.k) {
      case "bool": return random.chance(0.5);
      case "long": return random.chance(0.7) ? random.between(-2, 5) : random.pick(LONGS);
      case "string": return random.pick(STRINGS);
      case "entity": {
        const uid = this.uid(type.name);
        return this.implicit && random.chance(0.5) ? uid : {__entity: uid};
      }
      case "ext": {
        const text = random.chance(this.flawed) ? random.pick(BAD_EXTENSION_TEXTS) : random.pick(EXTENSION_TEXTS[type.name]);
        if (type.name === "datetime" && random.chance(0.05)) {
          return {__extn: {fn: "offset", args: [{__extn: {fn: "datetime", arg: text}}, {__extn: {fn: "duration", arg: random.pick(["1ms", "-1d"])}}]}};
        }
        const call = {fn: EXTENSION_CONSTRUCTORS[type.name], arg: text};
        if (this.implicit && random.chance(0.5)) return random.chance(0.7) ? text : call;
        return {__extn: call};
      }
      case "set": return random.times(random.below(4), () => this.value(type.of));
      case "record": return this.record(type.attributes);
    }
  }

  record(attributes) {
    const out = {};
    for (const [name, {type, required}] of Object.entries(attributes)) {
      if ((required && !this.random.chance(this.flawed)) || (!required && this.random.chance(0.6))) out[name] = this.value(type);
    }
    if (this.random.chance(this.flawed)) out.surplus = this.value({k: "long"});
    return out;
  }

  entity(type, id) {
    const random = this.random;
    const declared = entityOf(this.model, type);
    const out = {uid: random.chance(0.1) ? {__entity: {type, id}} : {type, id}, attrs: this.record(declared.attributes), parents: []};
    // Upwards only, so that there are no cycles: by type, then by id.
    for (const parent of declared.memberOf) {
      if (!random.chance(0.6)) continue;
      const uid = this.uid(parent);
      if (random.chance(this.flawed) || parent !== type && !this.#above(parent, type) || parent === type && uid.id > id) out.parents.push(random.chance(0.1) ? {__entity: uid} : uid);
    }
    if (random.chance(this.flawed)) out.parents.push(this.uid(random.pick(this.model.entities).name));
    if (declared.tags ? random.chance(0.8) : random.chance(this.flawed)) {
      out.tags = Object.fromEntries(random.some(["k", "a", "b", "é"], 0.5).map((key) => [key, this.value(declared.tags ?? {k: "long"})]));
    }
    return out;
  }

  // Whether `parent` may itself be below `type`: then the edge could close a cycle.
  #above(parent, type, seen = new Set()) {
    if (seen.has(parent)) return false;
    seen.add(parent);
    const declared = entityOf(this.model, parent);
    return (declared?.memberOf ?? []).some((next) => next === type || this.#above(next, type, seen));
  }

  entities({actions}) {
    const random = this.random;
    const out = [];
    for (const entity of this.model.entities) {
      const ids = entity.enumeration ?? ["a", "b", "c"];
      for (const id of random.some(ids, 0.4)) {
        if (!entity.enumeration || random.chance(0.5)) out.push(this.entity(entity.name, id));
      }
    }
    if (actions) {
      for (const {uid, memberOf} of this.model.actions) {
        if (random.chance(0.8)) out.push({uid, attrs: {}, parents: memberOf.filter(() => !random.chance(this.flawed))});
      }
    }
    return out;
  }

  // {principal, action, resource, context} of one of the schema's environments.
  request() {
    const random = this.random;
    const usable = this.model.actions.filter((action) => action.principals.length && action.resources.length);
    const action = usable.length && !random.chance(this.flawed) ? random.pick(usable) : random.pick(this.model.actions);
    const any = () => random.pick(this.model.entities).name;
    const type = (types) => types.length && !random.chance(this.flawed) ? random.pick(types) : any();
    return {principal: this.uid(type(action.principals)), action: random.chance(this.flawed) ? {type: action.uid.type, id: "other"} : action.uid, resource: this.uid(type(action.resources)),
            context: this.record(action.context.attributes)};
  }
}
