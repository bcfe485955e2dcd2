import type { Stage } from './stage';
import type { Check, Walk } from './walk';

/** Runs checks and says what became of them, a line each. */
export class Report {
  private held = 0;
  private readonly beyond: Check[] = [];
  private failed = 0;
  private skipped = 0;

  constructor(private readonly stage: Stage) {}

  say(text: string): void {
    console.log(`      ${text}`);
  }

  /** Runs a check, unless the walk was interrupted. What it throws is its result. */
  async run(check: Check, walk: Walk): Promise<void> {
    if (walk.signal.aborted) {
      this.skipped++;
      return;
    }
    const started = Date.now();
    const took = () => `(${((Date.now() - started) / 1000).toFixed(1)} s)`;
    try {
      const remark = await check.run(walk);
      this.held++;
      console.log(`ok    ${check.title}${remark === undefined ? '' : `: ${remark}`} ${took()}`);
    } catch (error) {
      if (this.stage.emulated && check.beyondEmulators !== undefined && !walk.signal.aborted) {
        this.beyond.push(check);
        console.log(`--    ${check.title}: ${check.beyondEmulators} ${took()}\n      ${wordsOf(error)}`);
        return;
      }
      this.failed++;
      console.log(`FAIL  ${check.title} ${took()}\n      ${wordsOf(error)}`);
    }
  }

  /** Removes what a run left; what cannot be removed is named, for doing it by hand. */
  async cleanUp(leftovers: readonly { what: string; remove: () => Promise<unknown> }[]): Promise<void> {
    let left = 0;
    for (const { what, remove } of leftovers) {
      try {
        await remove();
      } catch (error) {
        left++;
        console.log(`FAIL  not removed: ${what}\n      ${wordsOf(error)}`);
      }
    }
    this.failed += left;
    if (left === 0) this.say('removed what it made');
  }

  /** The last line. Whether every check held. */
  conclude(): boolean {
    const beyond = this.beyond.length > 0 ? `, ${this.beyond.length} could not be tried on an emulator` : '';
    const skipped = this.skipped > 0 ? `; interrupted, ${this.skipped} were not run` : '';
    console.log(`${this.held} checks hold, ${this.failed} do not${beyond}${skipped}.`);
    return this.failed === 0 && this.skipped === 0 && this.held > 0;
  }
}

/** An error in a line, with its cause. */
function wordsOf(error: unknown): string {
  const { name, message, cause } = error as Error;
  const why = cause instanceof Error ? ` (${cause.message})` : '';
  return `${name === 'Broken' || name === 'Error' ? '' : `${name}: `}${message}${why}`;
}
