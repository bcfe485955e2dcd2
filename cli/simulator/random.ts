import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/**
 * Seeded chance. The same seed and stream give the same draws on every machine: only integers, additions,
 * multiplications and divisions, since engines may differ in the last digit of Math.exp, Math.log and Math.pow.
 */
export class Random {
  readonly #generator;

  /** Streams of one seed are independent of each other, so that more draws on one leave the others as they are. */
  constructor(seed: string | number, stream: string) {
    const text = `${seed}/${stream}`;
    this.#generator = xoroshiro128plusFromState([1, 2, 3, 4].map((salt) => hash(text, salt)));
    for (let i = 0; i < 16; i++) this.#generator.next();
  }

  /** 32 random bits as a number from 0 to 4,294,967,295. */
  word(): number {
    return this.#generator.next() >>> 0;
  }

  /** From 0 (included) to 1 (excluded). */
  unit(): number {
    return this.word() / 4294967296;
  }

  /** A whole number from 0 to count - 1. */
  below(count: number): number {
    return Math.floor(this.unit() * count);
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** Mean 0, deviation 1, never beyond 6: the sum of twelve uniform draws. */
  normal(): number {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += this.unit();
    return sum;
  }

  logNormal(median: number, sigma: number): number {
    return median * exp(sigma * this.normal());
  }

  /** Puts the list in a random order, in place (Fisher and Yates). */
  shuffle<T>(list: T[]): T[] {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [list[i], list[j]] = [list[j] as T, list[i] as T];
    }
    return list;
  }
}

/** Draws an index in proportion to its weight, in constant time (the alias method of Walker and Vose). */
export class Weighted {
  readonly #threshold: Float64Array;
  readonly #alias: Uint32Array;

  constructor(weights: ArrayLike<number>) {
    const count = weights.length;
    this.#threshold = new Float64Array(count);
    this.#alias = new Uint32Array(count);
    let total = 0;
    for (let i = 0; i < count; i++) total += weights[i] as number;
    const small: number[] = [];
    const large: number[] = [];
    for (let i = 0; i < count; i++) {
      this.#threshold[i] = ((weights[i] as number) * count) / total;
      ((this.#threshold[i] as number) < 1 ? small : large).push(i);
    }
    while (small.length > 0 && large.length > 0) {
      const poor = small.pop() as number;
      const rich = large.at(-1) as number;
      this.#alias[poor] = rich;
      this.#threshold[rich] = (this.#threshold[rich] as number) - (1 - (this.#threshold[poor] as number));
      if ((this.#threshold[rich] as number) < 1) small.push(large.pop() as number);
    }
    for (const rest of [...small, ...large]) this.#threshold[rest] = 1;
  }

  draw(random: Random): number {
    const index = random.below(this.#threshold.length);
    return random.unit() < (this.#threshold[index] as number) ? index : (this.#alias[index] as number);
  }
}

/** Ranks 0 to count - 1 by the law of Zipf and Mandelbrot: weight 1 / (rank + flatness). Less flat, fewer stars. */
export function zipf(count: number, flatness: number): Weighted {
  return new Weighted(Float64Array.from({ length: count }, (_, rank) => 1 / (rank + flatness)));
}

/** e^x for |x| < 10, to about six digits: (e^(x/1024))^1024. */
function exp(x: number): number {
  const part = x / 1024;
  let power = 1 + part * (1 + (part / 2) * (1 + part / 3));
  for (let i = 0; i < 10; i++) power *= power;
  return power;
}

/** 32 bits of a text: FNV-1a, finished as in MurmurHash3. */
function hash(text: string, salt: number): number {
  let bits = Math.imul(0x811c9dc5 ^ salt, 0x9e3779b1);
  for (let i = 0; i < text.length; i++) bits = Math.imul(bits ^ text.charCodeAt(i), 0x01000193);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
