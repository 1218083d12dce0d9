// scripts/cedar-diff: see there. node main.mjs --modules FOLDER --cedar FILE [--seconds N] [--seed S] [--only NAMES] [--case I] [--out FOLDER]

import {mkdirSync, readFileSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {isDeepStrictEqual, parseArgs} from "node:util";
import {CHECKS} from "./checks.mjs";
import {Ours, Reference} from "./engines.mjs";
import {Random} from "./random.mjs";
import {shrink} from "./shrink.mjs";

const {values: options} = parseArgs({options: {
  modules: {type: "string"}, cedar: {type: "string"}, out: {type: "string"}, seconds: {type: "string", default: "60"}, seed: {type: "string"}, only: {type: "string"}, case: {type: "string"}, cases: {type: "string"},
  replay: {type: "string"}, limit: {type: "string", default: "20"}, batch: {type: "string", default: "40"}, json: {type: "boolean", default: false}, refusals: {type: "boolean", default: false}}});

const seed = options.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(options.seed);
const reference = new Reference(options.modules);
const ours = new Ours(options.cedar);
const limit = Number(options.limit);

const only = options.only?.split(",");
const checks = CHECKS.filter((check) => !only || only.some((name) => check.name === name || check.unit === name || name.endsWith("*") && check.name.startsWith(name.slice(0, -1))));
if (checks.length === 0) throw new Error(`no check is called ${options.only}; there are ${CHECKS.map((check) => check.name).join(", ")}`);
const weighted = checks.map((check) => [check.weight, check]);
const tally = new Map(CHECKS.map((check) => [check.name, {cases: 0, inputs: 0, refused: 0, differences: 0, missing: 0, crashed: 0}]));

const refusals = new Map();  // why the reference refused, and how often

const withoutMessage = ({message, ...rest}) => rest;
// An array in place of an object is what ours refuses by intent.
const missing = (answers) => answers.some((answer) => !answer.ok && /not-supported|no usable `op`|expected an object, not an array/.test(answer.message));

// {ours, theirs}: both answers in one form; null where they cannot be compared.
async function compare(check, input) {
  const answers = await ours.ask(check.ask(input));
  return judge(check, input, answers);
}
function judge(check, input, answers) {
  if (missing(answers)) return {missing: true};
  const theirs = reference.answer((engine) => check.refer(engine, input));
  if (theirs.crashed) return {crashed: true};
  const own = reference.answer((engine) => check.read(answers, input, engine));
  return {ours: own, theirs, differs: !isDeepStrictEqual(withoutMessage(own), withoutMessage(theirs))};
}

const shape = ({ours: own, theirs}) => `${Boolean(own.refused)}${Boolean(theirs.refused)}`;

async function report(check, index, input, verdict) {
  const found = tally.get(check.name);
  if (++found.differences > limit) return;
  const small = await shrink(input, async (candidate) => {
    const again = await compare(check, candidate);
    return again.differs && shape(again) === shape(verdict);
  });
  const final = await compare(check, small);
  const file = join(options.out, `${check.name}-${seed}-${index}.json`);
  mkdirSync(options.out, {recursive: true});
  writeFileSync(file, JSON.stringify({check: check.name, seed, case: index, input: small, ours: final.ours, theirs: final.theirs}, null, 1) + "\n");
  console.log(`DIFFERENCE ${check.name} (seed ${seed}, case ${index}): ${file}`);
  console.log(`  ours:   ${JSON.stringify(final.ours).slice(0, 600)}\n  theirs: ${JSON.stringify(final.theirs).slice(0, 600)}`);
}

async function one(check, index, input, answers) {
  const found = tally.get(check.name);
  const verdict = judge(check, input, answers);
  ++found.inputs;
  if (verdict.missing) return ++found.missing;
  if (verdict.crashed) return ++found.crashed;
  found.cases += check.cases(input);
  if (verdict.theirs.refused) {
    ++found.refused;
    const why = `${check.name}: ${String(verdict.theirs.message).slice(0, 90)}`;
    refusals.set(why, (refusals.get(why) ?? 0) + 1);
  }
  if (verdict.differs) await report(check, index, input, verdict);
}

async function batch(first, count) {
  const inputs = [];
  for (let index = first; index < first + count; ++index) {
    const random = new Random(seed, index);
    const check = random.weighted(weighted);
    const input = reference.answer((engine) => check.make(random, engine));
    if (!input.crashed) inputs.push({check, index, input, questions: check.ask(input)});
  }
  const answers = await ours.ask(inputs.flatMap(({questions}) => questions));
  let at = 0;
  for (const {check, index, input, questions} of inputs) await one(check, index, input, answers.slice(at, at += questions.length));
}

async function replay(file) {
  const {check: name, input} = JSON.parse(readFileSync(file, "utf8"));
  const verdict = await compare(CHECKS.find((check) => check.name === name), input);
  console.log(JSON.stringify(verdict, null, 1));
  return verdict.differs ? 1 : 0;
}

function byUnit() {
  const units = {};
  for (const check of CHECKS) units[check.unit] = (units[check.unit] ?? 0) + tally.get(check.name).cases;
  return units;
}
const allDifferences = () => [...tally.values()].reduce((sum, found) => sum + found.differences, 0);
const counts = () => Object.entries(byUnit()).filter(([, n]) => n).map(([unit, n]) => `${n} ${unit}`).join(", ") + `; ${allDifferences()} differences`;

function summary(seconds) {
  const rows = [...tally].filter(([, found]) => found.inputs);
  const units = byUnit();
  const differences = allDifferences();
  if (options.json) return console.log(JSON.stringify({seed, seconds, reference: reference.version(), units, differences, crashes: reference.crashes, checks: Object.fromEntries(rows)})), differences;
  console.log(`seed ${seed}, ${seconds.toFixed(0)} s, reference ${reference.version()}`);
  console.log(`${"check".padEnd(20)}${["cases", "inputs", "refused", "differences", "not there"].map((name) => name.padStart(12)).join("")}`);
  for (const [name, found] of rows) console.log(name.padEnd(20) + [found.cases, found.inputs, found.refused, found.differences, found.missing].map((n) => String(n).padStart(12)).join(""));
  console.log(counts() + (reference.crashes ? `; the reference crashed ${reference.crashes} times` : ""));
  if (options.refusals) for (const [why, n] of [...refusals].sort((a, b) => b[1] - a[1]).slice(0, 60)) console.log(`${String(n).padStart(7)} ${why}`);
  return differences;
}

let failed = 0;
if (options.replay) {
  failed = await replay(options.replay);
} else if (options.case !== undefined) {
  await batch(Number(options.case), 1);
  failed = summary(0);
} else {
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1000;
  console.log(`seed ${seed}`);
  const end = options.cases === undefined ? Infinity : Number(options.cases);
  const more = (next) => next < end && (options.cases !== undefined || seconds() < Number(options.seconds));
  let told = 0;
  for (let next = 0; more(next); next += Number(options.batch)) {
    await batch(next, Number(options.batch));
    if (seconds() - told < 60) continue;
    told = seconds();
    if (!options.json) console.log(`${told.toFixed(0)} s: ${counts()}`);
  }
  failed = summary(seconds());
}
await ours.end();
process.exitCode = failed ? 1 : 0;
