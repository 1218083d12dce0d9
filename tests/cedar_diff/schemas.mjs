// Schemas: a model with resolved types, and its two spellings. A type is {k: "bool" | "long" | "string" | "ext" | "entity" | "set" | "record"};
// with `alias` it is spelled by the name of a common type.

import {STRINGS, isIdentifier, quote} from "./text.mjs";

export const EXTENSIONS = ["decimal", "ipaddr", "datetime", "duration"];
const ATTRIBUTES = ["name", "age", "owner", "tags", "ip", "at", "ttl", "price", "nested", "flag", "list", "in", "a b", "", "é"];
const ENTITY_NAMES = ["User", "Group", "Doc", "Folder", "Org"];
const ACTION_NAMES = ["view", "edit", "delete", "all", "read write"];
const ANNOTATIONS = ["doc", "id", "if", "a"];

export const typeKey = (type) => {
  switch (type.k) {
    case "ext": case "entity": return `${type.k}:${type.name}`;
    case "set": return `set<${typeKey(type.of)}>`;
    case "record": return `{${Object.keys(type.attributes).sort().map((a) => `${JSON.stringify(a)}${type.attributes[a].required ? "" : "?"}:${typeKey(type.attributes[a].type)}`)}}`;
    default: return type.k;
  }
};

class Maker {
  constructor(random) { this.random = random; }

  schema() {
    const random = this.random;
    const spaces = random.weighted([[5, [""]], [2, ["App"]], [2, ["", "App"]], [1, ["App", "App::Sub"]]]);
    this.model = {namespaces: spaces.map((name) => ({name, commons: [], entities: [], actions: [], annotations: this.annotations()})), entities: [], actions: []};
    // Names first, so that types can point to each other.
    for (const space of this.model.namespaces) {
      const used = spaces.length > 1 && space.name === "" ? ["Team", "Thing"] : random.some(ENTITY_NAMES, 0.6);
      for (const name of used.length ? used : ["User"]) {
        const entity = {name: this.full(space, name), short: name, memberOf: [], attributes: {}, tags: null, enumeration: null, annotations: this.annotations()};
        space.entities.push(entity);
        this.model.entities.push(entity);
      }
    }
    for (const space of this.model.namespaces) {
      for (let i = random.below(3); i > 0; --i) {
        const name = space.name === "" ? `T${i}` : `T${i + (random.chance(0.95) ? 2 : 0)}`;
        space.commons.push({name: this.full(space, name), short: name, type: this.type(2, space), annotations: this.annotations()});
      }
    }
    for (const space of this.model.namespaces) space.entities.forEach((entity) => this.entity(entity, space));
    this.model.namespaces.forEach((space) => this.actions(space));
    return this.model;
  }

  full(space, name) { return space.name ? `${space.name}::${name}` : name; }
  annotations() { return this.random.chance(0.1) ? Object.fromEntries(this.random.some(ANNOTATIONS).map((a) => [a, this.random.pick([null, "", "x\"y", "é"])])) : {}; }

  entity(entity, space) {
    const random = this.random;
    if (random.chance(0.08)) {
      entity.enumeration = random.some(["a", "b", "c", "x y"], 0.7);
      if (entity.enumeration.length === 0) entity.enumeration = ["a"];
      return;
    }
    entity.memberOf = random.some(this.model.entities, 0.25).filter((other) => other.enumeration === null || random.chance(0.5)).map((other) => other.name);
    entity.attributes = this.attributes(3, random.below(6), space);
    if (random.chance(0.3)) entity.tags = this.type(1, space);
  }

  actions(space) {
    const random = this.random;
    // What the empty namespace has no other may have, but for once in a while.
    const taken = this.model.actions.filter((action) => action.space.name === "").map((action) => action.uid.id);
    const names = random.some(ACTION_NAMES, 0.5).filter((name) => !taken.includes(name) || random.chance(0.03));
    if (names.length === 0 && this.model.actions.length === 0) names.push("view");
    const type = this.full(space, "Action");
    for (const id of names) {
      // Groups are those that came before: no cycles.
      const memberOf = random.some(this.model.actions, 0.3).map((action) => action.uid);
      const types = () => { const some = random.some(this.model.entities, 0.5); return (some.length || random.chance(0.05) ? some : [random.pick(this.model.entities)]).map((e) => e.name); };
      const applies = random.chance(0.9);
      const action = {uid: {type, id}, space, memberOf, principals: applies ? types() : [], resources: applies ? types() : [],
                      context: {k: "record", attributes: applies ? this.attributes(2, random.below(5), space) : {}}, applies, annotations: this.annotations()};
      const record = space.commons.find((common) => common.type.k === "record");
      if (applies && record && random.chance(0.2)) action.context = {...record.type, alias: record.name};
      space.actions.push(action);
      this.model.actions.push(action);
    }
  }

  attributes(depth, count, space) {
    const attributes = {};
    for (let i = 0; i < count; ++i) attributes[this.random.pick(ATTRIBUTES)] = {type: this.type(depth - 1, space), required: this.random.chance(0.6), annotations: this.annotations()};
    return attributes;
  }

  type(depth, space) {
    const random = this.random;
    if (space.commons.length && random.chance(0.15)) {
      const common = random.pick(space.commons);
      return {...common.type, alias: common.name};
    }
    const kind = random.weighted([[3, "long"], [3, "string"], [2, "bool"], [3, "entity"], [3, "ext"], [depth > 0 ? 2 : 0, "set"], [depth > 0 ? 2 : 0, "record"]]);
    if (kind === "entity") return {k: kind, name: random.pick(this.model.entities).name};
    if (kind === "ext") return {k: kind, name: random.pick(EXTENSIONS)};
    if (kind === "set") return {k: kind, of: this.type(depth - 1, space)};
    if (kind === "record") return {k: kind, attributes: this.attributes(depth, random.below(4), space)};
    return {k: kind};
  }
}

export const makeSchema = (random) => new Maker(random).schema();

// --- as text

const BUILTIN = {bool: "Bool", long: "Long", string: "String"};

class TextPrinter {
  constructor(random) { this.random = random; }

  name(full, space) {
    const prefix = space.name ? `${space.name}::` : "";
    const short = full.startsWith(prefix) ? full.slice(prefix.length) : full;
    return short.includes("::") || this.random.chance(0.2) ? full : short;
  }
  key(text) { return isIdentifier(text) && this.random.chance(0.8) ? text : quote(this.random, text); }
  annotations(annotations) {
    return Object.entries(annotations).map(([name, value]) => value === null ? `@${name} ` : `@${name}(${quote(this.random, value)}) `).join("");
  }

  type(type, space) {
    if (type.alias) return this.name(type.alias, space);
    if (type.k === "entity") return this.name(type.name, space);
    if (type.k === "ext") return (this.random.chance(0.1) ? "__cedar::" : "") + type.name;
    if (type.k === "set") return `Set<${this.type(type.of, space)}>`;
    if (type.k === "record") return this.record(type.attributes, space);
    return (this.random.chance(0.1) ? "__cedar::" : "") + BUILTIN[type.k];
  }
  record(attributes, space) {
    const fields = Object.entries(attributes).map(([name, {type, required, annotations}]) =>
      `${this.annotations(annotations)}${this.key(name)}${required ? "" : "?"}: ${this.type(type, space)}`);
    return `{${fields.join(", ")}${fields.length && this.random.chance(0.2) ? "," : ""}}`;
  }
  list(names, space) {
    const printed = names.map((name) => this.name(name, space));
    return printed.length === 1 && this.random.chance(0.5) ? printed[0] : `[${printed.join(", ")}]`;
  }
  uid({type, id}, space) {
    const own = space.name ? `${space.name}::Action` : "Action";
    if (type === own && this.random.chance(0.7)) return this.key(id);
    return `${type}::${quote(this.random, id)}`;
  }

  declaration(entity, space) {
    let text = `${this.annotations(entity.annotations)}entity ${entity.short}`;
    if (entity.enumeration) return `${text} enum [${entity.enumeration.map((id) => quote(this.random, id)).join(", ")}];`;
    if (entity.memberOf.length) text += ` in ${this.list(entity.memberOf, space)}`;
    if (Object.keys(entity.attributes).length || this.random.chance(0.2)) text += ` ${this.random.chance(0.5) ? "= " : ""}${this.record(entity.attributes, space)}`;
    if (entity.tags) text += ` tags ${this.type(entity.tags, space)}`;
    return text + ";";
  }
  action(action, space) {
    let text = `${this.annotations(action.annotations)}action ${this.key(action.uid.id)}`;
    if (action.memberOf.length) text += ` in [${action.memberOf.map((uid) => this.uid(uid, space)).join(", ")}]`;
    if (action.applies) {
      text += ` appliesTo {principal: ${this.list(action.principals, space)}, resource: ${this.list(action.resources, space)}`;
      if (Object.keys(action.context.attributes).length || action.context.alias || this.random.chance(0.3)) text += `, context: ${this.type(action.context, space)}`;
      text += "}";
    }
    return text + ";";
  }
  space(space) {
    const parts = [...space.commons.map((common) => `${this.annotations(common.annotations)}type ${common.short} = ${this.type(common.type, space)};`),
                   ...space.entities.map((entity) => this.declaration(entity, space)), ...space.actions.map((action) => this.action(action, space))];
    const body = parts.join(this.random.chance(0.1) ? "\n// a comment\n" : "\n");
    return space.name ? `${this.annotations(space.annotations)}namespace ${space.name} {\n${body}\n}` : body;
  }
}

export function schemaText(random, model) {
  const printer = new TextPrinter(random);
  return model.namespaces.map((space) => printer.space(space)).join("\n");
}

// --- as JSON

const JSON_KINDS = {bool: "Boolean", long: "Long", string: "String"};

class JsonPrinter {
  constructor(random) { this.random = random; }

  name(full, space) {
    const prefix = space.name ? `${space.name}::` : "";
    const short = full.startsWith(prefix) ? full.slice(prefix.length) : full;
    return short.includes("::") || this.random.chance(0.2) ? full : short;
  }
  annotated(object, annotations) {
    if (Object.keys(annotations).length) object.annotations = Object.fromEntries(Object.entries(annotations).map(([k, v]) => [k, v ?? ""]));
    return object;
  }
  type(type, space) {
    if (type.alias) return this.random.chance(0.5) ? {type: this.name(type.alias, space)} : {type: "EntityOrCommon", name: this.name(type.alias, space)};
    if (type.k === "entity") return {type: this.random.chance(0.6) ? "Entity" : "EntityOrCommon", name: this.name(type.name, space)};
    if (type.k === "ext") return this.random.chance(0.8) ? {type: "Extension", name: type.name} : {type: "EntityOrCommon", name: type.name};
    if (type.k === "set") return {type: "Set", element: this.type(type.of, space)};
    if (type.k === "record") return {type: "Record", attributes: this.attributes(type.attributes, space)};
    return this.random.chance(0.8) ? {type: JSON_KINDS[type.k]} : {type: "EntityOrCommon", name: BUILTIN[type.k]};
  }
  attributes(attributes, space) {
    return Object.fromEntries(Object.entries(attributes).map(([name, {type, required, annotations}]) => {
      const printed = this.annotated(this.type(type, space), annotations);
      if (!required || this.random.chance(0.2)) printed.required = required;
      return [name, printed];
    }));
  }
  space(space) {
    const out = {entityTypes: {}, actions: {}};
    if (space.commons.length || this.random.chance(0.1)) out.commonTypes = Object.fromEntries(space.commons.map((common) => [common.short, this.annotated(this.type(common.type, space), common.annotations)]));
    for (const entity of space.entities) {
      const declared = {};
      if (entity.enumeration) declared.enum = entity.enumeration;
      if (entity.memberOf.length) declared.memberOfTypes = entity.memberOf.map((name) => this.name(name, space));
      if (Object.keys(entity.attributes).length) declared.shape = {type: "Record", attributes: this.attributes(entity.attributes, space)};
      if (entity.tags) declared.tags = this.type(entity.tags, space);
      out.entityTypes[entity.short] = this.annotated(declared, entity.annotations);
    }
    for (const action of space.actions) {
      const declared = {};
      if (action.memberOf.length) declared.memberOf = action.memberOf.map((uid) => {
        const own = uid.type === (space.name ? `${space.name}::Action` : "Action");
        return own && this.random.chance(0.5) ? {id: uid.id} : uid;
      });
      if (action.applies) {
        declared.appliesTo = {principalTypes: action.principals.map((name) => this.name(name, space)), resourceTypes: action.resources.map((name) => this.name(name, space))};
        if (Object.keys(action.context.attributes).length || action.context.alias) declared.appliesTo.context = this.type(action.context, space);
      }
      out.actions[action.uid.id] = this.annotated(declared, action.annotations);
    }
    if (space.name) this.annotated(out, space.annotations);
    return out;
  }
}

export function schemaJson(random, model) {
  const printer = new JsonPrinter(random);
  return Object.fromEntries(model.namespaces.map((space) => [space.name, printer.space(space)]));
}

export const entityOf = (model, name) => model.entities.find((entity) => entity.name === name);
export {STRINGS};
