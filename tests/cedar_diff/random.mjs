// A random source that a seed repeats: what a case holds depends on (seed, index) alone.

export class Random {
  #a; #b; #c; #d;

  constructor(seed, index) {
    // sfc32, its state from the two numbers.
    this.#a = seed >>> 0;
    this.#b = index >>> 0;
    this.#c = Math.floor(index / 2 ** 32) ^ 0x9e3779b9;
    this.#d = 1;
    for (let i = 0; i < 15; ++i) this.word();
  }

  word() {
    const sum = (this.#a + this.#b + this.#d) >>> 0;
    this.#d = (this.#d + 1) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) >>> 0;
    this.#c = (this.#c + sum) >>> 0;
    return sum;
  }

  below(n) { return this.word() % n; }
  between(low, high) { return low + this.below(high - low + 1); }
  chance(probability) { return this.word() < probability * 2 ** 32; }
  pick(list) { return list[this.below(list.length)]; }
  // A subset, in the order of `list`.
  some(list, probability = 0.5) { return list.filter(() => this.chance(probability)); }
  times(n, make) {
    const made = [];
    for (let i = 0; i < n; ++i) made.push(make(i));
    return made;
  }

  // weighted([[3, "a"], [1, "b"]])
  weighted(choices) {
    let rest = this.below(choices.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, value] of choices) {
      if (rest < weight) return value;
      rest -= weight;
    }
  }
}
