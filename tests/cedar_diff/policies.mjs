// Policies and templates, as text.

import {Expressions} from "./expressions.mjs";
import {entityOf} from "./schemas.mjs";
import {quote, uidText} from "./text.mjs";

const ANNOTATIONS = ["id", "doc", "advice", "if"];

export class Policies {
  constructor(random, model, {flawed = 0.02, depth = 3} = {}) {
    Object.assign(this, {random, model, flawed, depth});
  }

  environment() {
    const usable = this.model.actions.filter((action) => action.principals.length && action.resources.length);
    const action = this.random.pick(usable.length ? usable : this.model.actions);
    const any = () => this.random.pick(this.model.entities).name;
    return {principal: action.principals.length ? this.random.pick(action.principals) : any(), action: action.uid,
            resource: action.resources.length ? this.random.pick(action.resources) : any(), context: action.context};
  }

  idOf(name) {
    const entity = entityOf(this.model, name);
    return this.random.pick(entity?.enumeration ?? ["a", "b", "c", "x y"]);
  }

  // A type that `name` may be below, itself included.
  above(name) {
    const types = [name];
    for (const type of types) for (const next of entityOf(this.model, type)?.memberOf ?? []) if (!types.includes(next)) types.push(next);
    return this.random.chance(this.flawed * 2) ? this.random.pick(this.model.entities).name : this.random.pick(types);
  }

  scope(variable, type, slot) {
    const random = this.random;
    if (random.chance(this.flawed)) type = random.pick(this.model.entities).name;
    const entity = (name) => slot ?? uidText(random, {type: name, id: this.idOf(name)});
    const kinds = slot ? ["==", "in", "is in"] : ["", "", "==", "in", "in", "is", "is in"];
    const kind = random.pick(kinds);
    if (kind === "") return variable;
    if (kind === "is") return `${variable} is ${type}`;
    if (kind === "is in") return `${variable} is ${type} in ${entity(this.above(type))}`;
    return `${variable} ${kind} ${entity(kind === "==" ? type : this.above(type))}`;
  }

  actionScope(uid) {
    const random = this.random;
    const any = () => uidText(random, random.pick(this.model.actions).uid);
    const own = uidText(random, uid);
    return random.weighted([[3, "action"], [3, `action == ${own}`], [2, `action in ${random.chance(0.6) ? any() : own}`],
                            [2, `action in [${[own, ...random.times(random.below(3), any)].join(", ")}]`], [1, `action in []`]].map(([w, t]) => [t === "action in []" && !random.chance(0.1) ? 0 : w, t]));
  }

  // {text, slots}; a template where `template` is set.
  make({template = false} = {}) {
    const random = this.random;
    const env = this.environment();
    const slots = template ? random.pick([["?principal"], ["?resource"], ["?principal", "?resource"]]) : [];
    const slot = (name) => slots.includes(name) ? name : undefined;
    let text = "";
    for (const name of random.chance(0.1) ? random.some(ANNOTATIONS) : []) text += `@${name}${random.chance(0.8) ? `(${quote(random, random.pick(["", "x", "a\"b", "é"]))})` : ""}\n`;
    text += `${random.chance(0.7) ? "permit" : "forbid"} (${this.scope("principal", env.principal, slot("?principal"))}, ${this.actionScope(env.action)}, ${this.scope("resource", env.resource, slot("?resource"))})`;
    for (let i = random.weighted([[2, 0], [6, 1], [2, 2]]); i > 0; --i) {
      const expressions = new Expressions(random, this.model, env, {flawed: this.flawed});
      text += ` ${random.chance(0.75) ? "when" : "unless"} { ${expressions.make({k: "bool"}, random.between(1, this.depth))} }`;
    }
    if (random.chance(0.03)) text += " // done";
    return {text: text + (text.endsWith("done") ? "\n;" : ";"), slots, env};
  }

  text(count) { return this.random.times(count, () => this.make().text).join("\n"); }

  // A set with templates and links, as the reference's JSON has it.
  linkedSet() {
    const random = this.random;
    const set = {staticPolicies: {}, templates: {}, templateLinks: []};
    for (let i = random.below(3); i > 0; --i) set.staticPolicies[`s${i}`] = this.make().text;
    for (let i = random.between(1, 3); i > 0; --i) {
      const {text, slots, env} = this.make({template: true});
      set.templates[`t${i}`] = text;
      for (let j = random.below(4); j > 0; --j) {
        const values = {};
        for (const slot of slots) {
          const type = this.above(slot === "?principal" ? env.principal : env.resource);
          if (!random.chance(this.flawed)) values[slot] = {type, id: this.idOf(type)};
        }
        if (random.chance(this.flawed)) values[random.pick(["?principal", "?resource", "?context"])] = {type: "User", id: "a"};
        set.templateLinks.push({templateId: random.chance(this.flawed) ? "t9" : `t${i}`, newId: random.chance(this.flawed) ? "s1" : `l${i}_${j}`, values});
      }
    }
    return set;
  }
}
