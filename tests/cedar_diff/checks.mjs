// What is held against the reference. A check makes an input from a random source, says what to ask ours, asks the reference, and brings
// both answers into one form; they must then be equal.
//
//   {name, weight, unit, make(random) → input, ask(input) → questions, refer(engine, input) → answer, read(answers, input, engine) → answer,
//    cases(input) → how many cases it holds}
//
// An answer is {refused: true} or what came out; `message` in it is for people and not compared.

import {damageJson, damageText} from "./mutate.mjs";
import {Policies} from "./policies.mjs";
import {makeSchema, schemaJson, schemaText} from "./schemas.mjs";
import {World} from "./worlds.mjs";

const sorted = (list) => [...list].sort();
const refusal = (answer) => ({refused: true, message: answer.message ?? JSON.stringify(answer.errors?.map((e) => e.message) ?? answer.error)});
const oursRefused = (answer) => (answer.ok ? null : {refused: true, message: answer.message});

// Policies as text are numbered over the whole text.
const textOf = (policies) => policies.join("\n");

// --- decisions

function referAuthorize(engine, input) {
  const set = input.policySet ?? {staticPolicies: textOf(input.policies)};
  const parsed = engine.preparsePolicySet("set", set);
  if (parsed.type !== "success") return refusal(parsed);
  const call = {preparsedPolicySetId: "set", entities: input.entities, validateRequest: input.validateRequest};
  if (input.schema !== undefined) {
    const schema = engine.preparseSchema("schema", input.schema);
    if (schema.type !== "success") return refusal(schema);
    call.preparsedSchemaName = "schema";
  }
  const messages = [];
  const answers = [];
  for (const request of input.requests) {
    const answer = engine.statefulIsAuthorized({...call, ...request});
    if (answer.type !== "success") {
      messages.push(refusal(answer).message);
      answers.push("refused");
      continue;
    }
    const {decision, diagnostics} = answer.response;
    answers.push([decision, sorted(diagnostics.reason), sorted(diagnostics.errors.map((error) => error.policyId))]);
  }
  return allRefused(answers, messages) ?? {answers, message: messages};
}

// The reference reads the entities with each request: where they are wrong, it refuses all requests, and ours the question.
const allRefused = (answers, messages) => (answers.every((answer) => answer === "refused") ? {refused: true, message: messages} : null);

const authorizing = {
  unit: "authorization",
  ask(input) {
    const question = {op: "authorize", entities: input.entities, requests: input.requests, validateRequest: input.validateRequest};
    if (input.schema !== undefined) question.schema = input.schema;
    if (input.policySet) question.policySet = input.policySet;
    else question.policies = textOf(input.policies);
    return [question];
  },
  refer: referAuthorize,
  read([answer]) {
    const refused = oursRefused(answer);
    if (refused) return refused;
    const messages = [];
    const answers = answer.answers.map((one) => (typeof one === "string" ? (messages.push(one), "refused") : [one[0], sorted(one[1]), sorted(one[2])]));
    return allRefused(answers, messages) ?? {answers, message: messages};
  },
  cases: (input) => input.requests.length,
};

const spelled = (random, model) => (random.chance(0.5) ? schemaText(random, model) : schemaJson(random, model));

function makeAuthorize(random, {policies, requests, schema, flawed = 0.02}) {
  const model = makeSchema(random);
  const world = new World(random, model, {implicit: schema, flawed: random.pick([0, 0, schema ? flawed / 4 : flawed / 2])});
  const source = new Policies(random, model, {flawed: random.pick([0, flawed])});
  const input = {policies: random.times(policies, () => source.make().text), entities: world.entities({actions: !schema}), requests: random.times(requests, () => world.request()),
                 validateRequest: schema && random.chance(0.7)};
  if (schema) input.schema = spelled(random, model);
  return input;
}

// --- verdicts

// Whether a policy with errors is called impossible as well is a difference by intent (src/cedar/validate/README.md).
const ofWellTyped = (warnings, errors) => warnings.filter((policy) => !errors.includes(policy));

const validating = {
  unit: "validation",
  ask: (input) => [{op: "validate", schema: input.schema, ...(input.policySet ? {policySet: input.policySet} : {policies: textOf(input.policies)})}],
  refer(engine, input) {
    const answer = engine.validate({schema: input.schema, policies: input.policySet ?? {staticPolicies: textOf(input.policies)}, validationSettings: {mode: "strict"}});
    if (answer.type !== "success") return refusal(answer);
    const ids = (list) => sorted(new Set(list.map((one) => one.policyId)));
    return {errors: ids(answer.validationErrors), warnings: ofWellTyped(ids(answer.validationWarnings), ids(answer.validationErrors)), message: [...answer.validationErrors, ...answer.validationWarnings].map((one) => `${one.policyId}: ${one.error.message}`)};
  },
  read([answer]) {
    return oursRefused(answer) ?? {errors: sorted(answer.errors), warnings: ofWellTyped(sorted(answer.warnings), answer.errors), message: answer.messages};
  },
  cases: (input) => (input.policySet ? Object.keys(input.policySet.staticPolicies).length + Object.keys(input.policySet.templates).length : input.policies.length),
};

// --- reading

const parsing = (refer) => ({
  unit: "parse",
  ask: (input) => [{op: "parse", ...(input.policies ? {policies: textOf(input.policies)} : {}), ...(input.schema !== undefined ? {schema: input.schema} : {}), ...(input.entities !== undefined ? {entities: input.entities} : {})}],
  refer(engine, input) {
    const answer = refer(engine, input);
    return answer.type === "success" ? {} : refusal(answer);
  },
  read: ([answer]) => oursRefused(answer) ?? {},
  cases: () => 1,
});

const damagedPolicy = (random) => {
  const model = makeSchema(random);
  return damageText(random, new Policies(random, model).make({template: random.chance(0.2)}).text);
};

// --- translation

// Texts of policies are compared by what the reference reads in them.
const policyJson = (engine, text, template) => {
  const answer = template ? engine.templateToJson(text) : engine.policyToJson(text);
  return answer.type === "success" ? {json: answer.json} : refusal(answer);
};
const schemaFrom = (engine, schema) => {
  const answer = engine.schemaToJson(schema);
  return answer.type === "success" ? {json: answer.json} : refusal(answer);
};
// A group of an action's own namespace may be written with its type or without.
const withoutOwnType = (answer) => {
  for (const space of Object.values(answer.json ?? {})) {
    for (const action of Object.values(space.actions)) for (const group of action.memberOf ?? []) if (group.type === "Action") delete group.type;
  }
  return answer;
};

// The policies of a text one by one, as JSON, without their places.
const partsOf = (engine, text) => {
  const parts = engine.policySetTextToParts(text);
  if (parts.type !== "success") return refusal(parts);
  return {policies: parts.policies.map((one) => policyJson(engine, one, false).json), templates: parts.policy_templates.map((one) => policyJson(engine, one, true).json)};
};

export const CHECKS = [
  {name: "authorize", weight: 30, ...authorizing, make: (random) => makeAuthorize(random, {policies: random.between(1, 5), requests: 10, schema: false})},
  {name: "authorize-schema", weight: 12, ...authorizing, make: (random) => makeAuthorize(random, {policies: random.between(1, 5), requests: 6, schema: true})},
  {name: "authorize-many", weight: 2, ...authorizing, make: (random) => makeAuthorize(random, {policies: random.between(50, 200), requests: 40, schema: false})},
  {
    name: "authorize-links", weight: 6, ...authorizing,
    make(random) {
      const input = makeAuthorize(random, {policies: 0, requests: 8, schema: false});
      const model = makeSchema(random);
      const world = new World(random, model);
      Object.assign(input, {entities: world.entities({actions: true}), requests: random.times(8, () => world.request()), policySet: new Policies(random, model).linkedSet()});
      return input;
    },
  },
  {
    name: "validate", weight: 30, ...validating,
    make(random) {
      const model = makeSchema(random);
      const source = new Policies(random, model, {flawed: random.pick([0, 0, 0.02])});
      return {schema: spelled(random, model), policies: random.times(random.between(1, 4), () => source.make().text)};
    },
  },
  {
    name: "validate-templates", weight: 5, ...validating,
    make(random) {
      const model = makeSchema(random);
      const set = new Policies(random, model, {flawed: random.pick([0, 0.02])}).linkedSet();
      return {schema: spelled(random, model), policySet: set};
    },
  },
  {
    name: "parse-policies", weight: 10, ...parsing((engine, input) => engine.checkParsePolicySet({staticPolicies: textOf(input.policies)})),
    make: (random) => ({policies: [damagedPolicy(random)]}),
    // Templates among static policies are refused by this door of the reference: both are read one by one.
    refer(engine, input) {
      const answer = engine.policySetTextToParts(textOf(input.policies));
      return answer.type === "success" ? {} : refusal(answer);
    },
  },
  {
    name: "parse-schema", weight: 8, ...parsing((engine, input) => engine.checkParseSchema(input.schema)),
    make: (random) => ({schema: damageText(random, schemaText(random, makeSchema(random)))}),
  },
  {
    name: "parse-schema-json", weight: 6, ...parsing((engine, input) => engine.checkParseSchema(input.schema)),
    make: (random) => ({schema: damageJson(random, schemaJson(random, makeSchema(random)))}),
  },
  {
    name: "parse-entities", weight: 6, ...parsing((engine, input) => engine.checkParseEntities({entities: input.entities, schema: input.schema ?? null})),
    make(random) {
      const model = makeSchema(random);
      const schema = random.chance(0.6);
      const entities = new World(random, model, {implicit: schema, flawed: 0}).entities({actions: random.chance(0.3)});
      return {entities: damageJson(random, entities), ...(schema ? {schema: spelled(random, model)} : {})};
    },
  },
  {
    name: "policy-json", weight: 6, unit: "translation", cases: () => 1,
    make(random) {
      const template = random.chance(0.3);
      const {text} = new Policies(random, makeSchema(random)).make({template});
      return {text: random.chance(0.05) ? damageText(random, text) : text, template};
    },
    ask: (input) => [{op: "policy-to-json", policies: input.text}],
    refer: (engine, input) => policyJson(engine, input.text, input.template),
    read: ([answer]) => oursRefused(answer) ?? {json: answer.json},
  },
  {
    name: "policy-text", weight: 6, unit: "translation", cases: () => 1,
    make(random, engine) {
      const template = random.chance(0.3);
      const {json} = policyJson(engine, new Policies(random, makeSchema(random)).make({template}).text, template);
      return {json: json === undefined ? null : random.chance(0.5) ? damageJson(random, json) : json, template};
    },
    ask: (input) => [{op: "policy-from-json", json: input.json}],
    // Both texts are compared by what the reference reads in them.
    refer(engine, input) {
      const text = input.template ? engine.templateToText(input.json) : engine.policyToText(input.json);
      return text.type === "success" ? policyJson(engine, text.text, input.template) : refusal(text);
    },
    read: ([answer], input, engine) => oursRefused(answer) ?? policyJson(engine, answer.text, input.template),
  },
  {
    name: "schema-json", weight: 6, unit: "translation", cases: () => 1,
    make(random) {
      const text = schemaText(random, makeSchema(random));
      return {text: random.chance(0.2) ? damageText(random, text) : text};
    },
    // This door of the reference takes whole schemas only, ours fragments: whether it is one is asked apart.
    ask: (input) => [{op: "schema-to-json", text: input.text}, {op: "parse", schema: input.text}],
    refer: (engine, input) => schemaFrom(engine, input.text),
    read: ([answer, whole]) => oursRefused(answer) ?? oursRefused(whole) ?? {json: answer.json},
  },
  {
    name: "schema-text", weight: 6, unit: "translation", cases: () => 1,
    make(random) {
      const json = schemaJson(random, makeSchema(random));
      return {json: random.chance(0.3) ? damageJson(random, json) : json};
    },
    ask: (input) => [{op: "schema-to-text", json: input.json}],
    refer(engine, input) {
      const text = engine.schemaToText(input.json);
      return text.type === "success" ? withoutOwnType(schemaFrom(engine, text.text)) : refusal(text);
    },
    read: ([answer], input, engine) => oursRefused(answer) ?? withoutOwnType(schemaFrom(engine, answer.text)),
  },
  {
    name: "format", weight: 6, unit: "format", cases: () => 1,
    make(random) {
      const source = new Policies(random, makeSchema(random));
      const text = random.times(random.between(1, 3), () => source.make({template: random.chance(0.2)}).text).join(random.pick(["\n", " ", "\n// between\n\n", "/**/\n"]));
      return {text: random.chance(0.1) ? damageText(random, text) : text, lineWidth: random.pick([20, 80, 120]), indentWidth: random.pick([2, 4])};
    },
    ask: (input) => [{op: "format", text: input.text, lineWidth: input.lineWidth, indentWidth: input.indentWidth}],
    // The layout may differ; what is said may not, and a second time changes nothing.
    refer: (engine, input) => ({...partsOf(engine, input.text), stable: true}),
    read: ([answer], input, engine) => oursRefused(answer) ? {...oursRefused(answer), stable: true} : {...partsOf(engine, answer.text), stable: answer.again === answer.text},
  },
];
