import { setTimeout as sleep } from 'node:timers/promises';
import type { Rows } from './rows';
import type { Stage } from './stage';

/** What a check works with. */
export interface Walk {
  readonly stage: Stage;
  /** What this run sends. */
  readonly rows: Rows;
  /** When the run began; by the stage's clock, once it has answered. */
  began: Date;
  readonly signal: AbortSignal;
  /** Remembers to remove something that was just made; what was made last goes first. */
  leaves(what: string, remove: () => Promise<unknown>): void;
  /** Says something that takes longer than one may expect. */
  say(text: string): void;
  /** Tokens and batch ids that earlier checks found. */
  readonly found: Found;
}

export interface Found {
  /** Access tokens of a person in group admin, and of the machine that may send and read. */
  person?: string;
  machine?: string;
  /** Whether a batch was waited for in vain: then others are not waited for as long. */
  stuck?: boolean;
  /** Batch ids of what was accepted, by what was sent. */
  readonly batches: Map<string, string>;
}

/** Something that must hold of a deployed stage. */
export interface Check {
  /** A sentence. */
  readonly title: string;
  /** What emulators lack for it. There, a check that does not hold counts as one that could not be tried. */
  readonly beyondEmulators?: string;
  /** Resolves when it holds, with what is worth saying. @throws Broken, or whatever the SDK throws */
  run(walk: Walk): Promise<string | undefined>;
}

/** What was found in the place of what should be. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

/** @throws Broken unless both are equal as JSON */
export function same(what: string, found: unknown, expected: unknown): void {
  const [is, should] = [JSON.stringify(found), JSON.stringify(expected)];
  if (is !== should) throw new Broken(`${what}: ${is}, should be ${should}`);
}

const PAUSE_MS = 1000;

/** Asks every second until the answer is not undefined. @throws Broken after `seconds` */
export async function until<T>(
  { signal }: Pick<Walk, 'signal'>,
  what: string,
  seconds: number,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Broken(`${what}: not within ${seconds} s`);
    await sleep(PAUSE_MS, undefined, { signal });
  }
}
