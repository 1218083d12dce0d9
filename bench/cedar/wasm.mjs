// What `cedar bench` measures, of the reference in Node: the same arguments, the same figures. Policies and schema are parsed once; the
// engine takes the entities anew with each decision, as its interface has it.
//
//   node wasm.mjs --modules FOLDER --policies FILE [--entities FILE] --requests FILE [--decisions FILE] [--seconds N]

import {readFileSync, writeFileSync} from "node:fs";
import {createRequire} from "node:module";
import {join} from "node:path";
import {parseArgs} from "node:util";

const {values: options} = parseArgs({options: {modules: {type: "string"}, policies: {type: "string"}, schema: {type: "string"}, entities: {type: "string"}, requests: {type: "string"},
  decisions: {type: "string"}, seconds: {type: "string", default: "2"}}});
const engine = createRequire(join(options.modules, "package.json"))("@cedar-policy/cedar-wasm/nodejs");
const read = (file) => readFileSync(file, "utf8");
const seconds = Number(options.seconds);

const policies = read(options.policies);
const begin = performance.now();
const parsed = engine.preparsePolicySet("bench", {staticPolicies: policies});
const load = {policies_ms: performance.now() - begin};
if (parsed.type !== "success") throw new Error(JSON.stringify(parsed.errors));
const entities = options.entities ? JSON.parse(read(options.entities)) : [];
const requests = JSON.parse(read(options.requests));
const decide = (request) => engine.statefulIsAuthorized({...request, preparsedPolicySetId: "bench", entities});

if (options.decisions) {
  const lines = requests.map((request) => {
    const {decision, diagnostics} = decide(request).response;
    return JSON.stringify({decision, reason: diagnostics.reason.sort(), errors: diagnostics.errors.map((error) => error.policyId).sort()}) + "\n";
  });
  writeFileSync(options.decisions, lines.join(""));
}

const samples = [];
for (const phase of [0.1, 1]) {
  samples.length = 0;
  const start = performance.now();
  for (let i = 0; samples.length < 3 || performance.now() - start < seconds * phase * 1000; i = (i + 1) % requests.length) {
    const one = process.hrtime.bigint();
    decide(requests[i]);
    samples.push(Number(process.hrtime.bigint() - one));
  }
}
samples.sort((a, b) => a - b);
const at = (share) => samples[Math.floor((samples.length - 1) * share)];
console.log(JSON.stringify({engine: "wasm", requests: requests.length, load, full: {min_ns: samples[0], median_ns: at(0.5), p90_ns: at(0.9), p99_ns: at(0.99), samples: samples.length}}));
