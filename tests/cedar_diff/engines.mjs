// The two sides: the reference in this process, ours in one beside it that answers a line for a line.

import {spawn} from "node:child_process";
import {createRequire} from "node:module";
import {createInterface} from "node:readline";
import {join} from "node:path";

// The reference. A trap leaves its memory in no known state: it is loaded again, and the answer is {crashed: true}.
export class Reference {
  constructor(modules) {
    this.require = createRequire(join(modules, "package.json"));
    this.crashes = 0;
    this.load();
  }

  load() {
    const path = this.require.resolve("@cedar-policy/cedar-wasm/nodejs");
    delete this.require.cache[path];
    this.engine = this.require(path);
  }

  // Runs `ask(engine)`. Exceptions of the binding (a document of the wrong shape) are refusals.
  answer(ask) {
    try {
      return ask(this.engine);
    } catch (error) {
      if (error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError) throw error;  // ours
      if (!(error instanceof WebAssembly.RuntimeError)) return {refused: true, message: String(error?.message ?? error)};
      ++this.crashes;
      this.load();
      return {crashed: true};
    }
  }

  version() { return this.engine.getCedarVersion(); }
}

export class Ours {
  constructor(binary) {
    this.process = spawn(binary, ["serve-cases"], {stdio: ["pipe", "pipe", "inherit"]});
    this.waiting = [];
    this.asked = [];
    createInterface({input: this.process.stdout, crlfDelay: Infinity}).on("line", (line) => {
      this.asked.shift();
      this.waiting.shift()(JSON.parse(line));
    });
    this.ended = new Promise((resolve) => this.process.on("exit", (code, signal) => {
      // What it was asked last is what it ended at.
      if (this.waiting.length) this.fail(new Error(`cedar ended (${signal ?? code}) at ${this.asked[0]}`));
      resolve();
    }));
  }

  // Answers in the order of the questions.
  ask(questions) {
    const answers = questions.map((question) => new Promise((resolve) => {
      this.waiting.push(resolve);
      this.asked.push(question);
    }));
    this.process.stdin.write(questions.map((question) => JSON.stringify(question) + "\n").join(""));
    return Promise.race([Promise.all(answers), new Promise((_, reject) => { this.fail = reject; })]);
  }

  async end() {
    this.process.stdin.end();
    await this.ended;
  }
}
