import { hash } from 'node:crypto';

/*
 * How many different names there are, in 4 KB at most however many come: HyperLogLog (Flajolet, Fusy, Gandouet, Meunier
 * 2007) with hashes of 64 bits and the estimator of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog
 * sketches" (arXiv:1702.01284, algorithm 6), which needs no tables of corrections and is good from nothing on.
 */
const BITS = 12;
const REGISTERS = 2 ** BITS;
/** Bits of a hash behind those that name the register; a register holds up to one more. */
const REST = 64 - BITS;

/** The standard error of an estimate, as a share of it: 1.04 / sqrt(4096), which is 1.6 %. */
export const SKETCH_ERROR = 1.04 / Math.sqrt(REGISTERS);

/** A register for each of 4096 shares of all hashes: the longest run of zeros seen there, and one. */
export type Sketch = Uint8Array;

export const emptySketch = (): Sketch => new Uint8Array(REGISTERS);

/** Adds a name. Adding one again changes nothing. */
export function addTo(sketch: Sketch, name: string): void {
  const digest = Buffer.from(hash('sha256', name, 'buffer'));
  const register = digest.readUInt16BE(0) >>> (16 - BITS);
  const high = ((digest.readUInt16BE(0) & 0xf) << 16) | digest.readUInt16BE(2); // 20 bits
  const low = digest.readUInt32BE(4);
  const zeros = high !== 0 ? Math.clz32(high) - 12 : 20 + Math.clz32(low);
  sketch[register] = Math.max(sketch[register]!, zeros + 1);
}

/** Adds all names of another sketch. */
export function merge(sketch: Sketch, other: Sketch): void {
  for (const [i, longest] of other.entries()) if (longest > sketch[i]!) sketch[i] = longest;
}

/** About how many different names were added. */
export function estimate(sketch: Sketch): number {
  const counts = new Array<number>(REST + 2).fill(0);
  for (const longest of sketch) counts[longest]!++;
  let z = REGISTERS * tau(1 - counts[REST + 1]! / REGISTERS);
  for (let k = REST; k >= 1; k--) z = (z + counts[k]!) / 2;
  z += REGISTERS * sigma(counts[0]! / REGISTERS);
  return Math.round((REGISTERS * REGISTERS) / (2 * Math.LN2 * z));
}

/** Of registers that nothing came to. */
function sigma(share: number): number {
  if (share === 1) return Number.POSITIVE_INFINITY;
  let x = share;
  let sum = x;
  for (let y = 1, before = -1; before !== sum; y *= 2) {
    x *= x;
    before = sum;
    sum += x * y;
  }
  return sum;
}

/** Of registers that are full. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let x = share;
  let sum = 1 - x;
  for (let y = 0.5, before = -1; before !== sum; y /= 2) {
    x = Math.sqrt(x);
    before = sum;
    sum -= (1 - x) ** 2 * y;
  }
  return sum / 3;
}

const PAIR = 3;

/** Its bytes: a register and what it holds, 3 bytes, for each that is not empty; all of them when that is shorter. */
export function toBytes(sketch: Sketch): Uint8Array {
  const used = [...sketch.keys()].filter((i) => sketch[i] !== 0);
  if (used.length * PAIR >= REGISTERS) return sketch.slice();
  const bytes = new Uint8Array(used.length * PAIR);
  for (const [at, i] of used.entries()) bytes.set([i >>> 8, i & 0xff, sketch[i]!], at * PAIR);
  return bytes;
}

/** The sketch of bytes that toBytes made. */
export function fromBytes(bytes: Uint8Array): Sketch {
  if (bytes.length === REGISTERS) return bytes.slice();
  const sketch = emptySketch();
  for (let at = 0; at < bytes.length; at += PAIR) sketch[(bytes[at]! << 8) | bytes[at + 1]!] = bytes[at + 2]!;
  return sketch;
}
