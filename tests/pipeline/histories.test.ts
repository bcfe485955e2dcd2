import fc from 'fast-check';
import { datasets } from '../../shared/domain/dataset';
import { balanceOf } from '../../shared/domain/ledger';
import { accountedFor } from '../../shared/domain/outcome';
import { readLanded } from '../../shared/domain/parquet-reader';
import { Problem } from '../../shared/domain/problem';
import { Unavailable } from '../../shared/pipeline/ports';
import { reconcile } from '../../shared/pipeline/reconcile';
import { redriveBatch, redriveFailed, replayBatch } from '../../shared/pipeline/redrive';
import { type Fault, faulty } from '../support/faults';
import { asWasBuilt, expectConserved, fillRaw, storedLines, withoutRules } from '../support/redrive';
import { click, clicks, sale, sales } from '../support/rows';
import { drain, postUntilTaken, type TestWorld, testWorld } from '../support/world';

const BY = { by: 'somebody' };

/** Few rows, so that bodies and corrections meet on them; some are refused by a rule that is fixed, some by others. */
const SALES = [
  ...['1', '2', '3'].flatMap((invoice) => ['A', 'B'].map((stock) => sale({ invoice, stock }))),
  ...['A', 'B', 'C'].map((stock) => sale({ stock, quantity: '0' })),
  sale({ invoice: '2', stock: 'D', quantity: '-1', customer: '' }),
  sale({ invoice: 'C2' }),
  sale({ price: 'x' }),
];
const CLICKS = [
  ...[0, 1, 2, 3].map((second) => click({ second })),
  click({ second: 1, price: '-1' }),
  click({ second: 2, price: '-1' }),
  click({ type: 'none' }),
];
const RULES = { transactions: 'non_positive_quantity', events: 'negative_price' } as const;
type Name = keyof typeof RULES;

/** A thing that happens. `of` picks a batch, or a row. */
type Step =
  | { readonly do: 'ingest'; readonly dataset: Name; readonly rows: readonly number[] }
  | { readonly do: 'clean' | 'clean with a defect' | 'fill raw' | 'fix the rules' | 'bring back' }
  | { readonly do: 'redrive' | 'replay' | 'correct'; readonly of: number; readonly row: number };

const row = fc.nat(99);
const ingesting: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('ingest' as const),
  dataset: fc.constantFrom<Name>('transactions', 'transactions', 'events'),
  rows: fc.array(row, { minLength: 1, maxLength: 12, size: 'max' }),
});
const working: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('clean', 'clean', 'clean', 'clean with a defect', 'fill raw', 'fix the rules', 'bring back'),
});
const mending: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('redrive', 'redrive', 'replay', 'correct'),
  of: fc.nat(9),
  row,
});
const mostly = fc.array(fc.oneof(ingesting, { weight: 2, arbitrary: working }, { weight: 3, arbitrary: mending }), {
  minLength: 8,
  maxLength: 20,
  size: 'max',
});
const history = fc
  .tuple(fc.array(ingesting, { minLength: 1, maxLength: 3 }), mostly)
  .map(([first, then]) => [...first, { do: first.length > 1 ? 'clean' : 'clean with a defect' } as const, ...then]);
const faults = fc.array(
  fc.oneof(
    { weight: 14, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom<Fault>('before', 'after', 'halfway') },
  ),
  { maxLength: 300, size: 'max' },
);

const isCrash = (error: unknown) => error instanceof Unavailable;
/** The batch is not through yet, or a crashed correction of the same row was begun first. */
const isRefused = (error: unknown) =>
  error instanceof Problem && (error.code === 'conflict' || /through with another text/.test(error.detail));

/** Lives a history in a world that breaks by a plan, and then finishes what was begun in one that does not. */
class Life {
  readonly batches: string[] = [];
  readonly done = { crashes: 0, moved: 0, corrected: 0, failed: 0, replayed: 0 };
  /** Batches whose replay did not come to its end. */
  private readonly replaying = new Set<string>();
  private readonly sums = new Map<string, number>();
  private readonly ports: TestWorld;

  constructor(
    private readonly world: TestWorld,
    plan: readonly (Fault | undefined)[],
  ) {
    this.ports = faulty(world, (call) => plan[call]);
  }

  async live(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      try {
        await this.take(step);
      } catch (error) {
        if (!isCrash(error) && !isRefused(error)) throw error;
        if (isCrash(error)) this.done.crashes++;
      }
      this.world.clock.pass(60);
      await this.expectSameSums();
    }
  }

  private async take(step: Step): Promise<void> {
    const { world, ports } = this;
    if (step.do === 'ingest') {
      const [pool, body] = step.dataset === 'events' ? [CLICKS, clicks] : [SALES, sales];
      const id = await postUntilTaken(ports, step.dataset, body(step.rows.map((n) => pool[n % pool.length]!)));
      if (!this.batches.includes(id)) this.batches.push(id);
    } else if ('of' in step) {
      if (this.batches.length > 0) await this.mend(step.do, this.batches[step.of % this.batches.length]!, step.row);
    } else if (step.do === 'clean') await drainAll(world, ports);
    else if (step.do === 'clean with a defect') await drainAll(world, defective(ports));
    else if (step.do === 'fill raw') await fillRaw(world);
    else if (step.do === 'fix the rules') for (const [name, rule] of Object.entries(RULES)) withoutRules(name, rule);
    else await this.bringBack(ports);
  }

  private async bringBack(ports: TestWorld): Promise<void> {
    for await (const { became } of redriveFailed(BY, ports)) if (became === 'cleaned') this.done.failed++;
  }

  private async mend(what: 'redrive' | 'replay' | 'correct', id: string, n: number): Promise<void> {
    const { ports, done } = this;
    if (what === 'replay') {
      await fillRaw(this.world);
      this.replaying.add(id);
      done.replayed += (await replayBatch(id, BY, ports)).replayed;
      this.replaying.delete(id);
    } else if (what === 'redrive') done.moved += (await redriveBatch(id, BY, ports)).kept;
    else {
      const { head, entries } = (await this.world.batches.find(id))!;
      const pool = head.dataset === 'events' ? CLICKS : SALES;
      for (const { chunk_id } of entries) {
        const texts = (await this.world.rejects.read(head, chunk_id)).map(
          ({ line }) => [line, pool[(n + line) % pool.length]!] as const,
        );
        const corrections = new Map([[chunk_id, new Map(texts.slice(n % 2))]]);
        const { kept, duplicate } = await redriveBatch(id, { ...BY, corrections }, ports);
        done.corrected += kept + duplicate;
      }
    }
  }

  /** Finishes all that was begun. */
  async finish(): Promise<void> {
    const { world } = this;
    await fillRaw(world);
    await drainAll(world, world);
    await this.bringBack(world);
    for (const id of this.replaying) await replayBatch(id, BY, world);
    for (const id of this.batches) this.done.moved += (await redriveBatch(id, BY, world)).kept;
    await this.expectSameSums();
  }

  /** Rows of a chunk that have an outcome have one for good. */
  private async expectSameSums(): Promise<void> {
    for (const id of this.batches) {
      for (const entry of (await this.world.batches.find(id))!.entries) {
        const sum = this.sums.get(entry.chunk_id) ?? accountedFor(entry);
        this.sums.set(entry.chunk_id, sum);
        expect(accountedFor(entry)).toBe(sum);
      }
    }
  }
}

/** The event source waits for records: there must be some. */
async function drainAll(world: TestWorld, ports: TestWorld): Promise<void> {
  if (world.log.backlog('clean') > 0) await drain(world, ports);
}

/** A defect of ours, which chunks with customers or clicks meet behind the claim. */
const defective = (ports: TestWorld): TestWorld => ({
  ...ports,
  rejects: { ...ports.rejects, put: () => Promise.reject(new TypeError('undefined is not a row')) },
});

/** line_id of every row in landing, each once. */
async function landedIn(world: TestWorld, name: Name): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const file of world.landed.list(name)) {
    for await (const rows of readLanded(world.landed.open(file), datasets.get(name)!))
      for (const { line_id } of rows) found.add(line_id);
  }
  return found;
}

it('conservation holds after any history of ingest, crash, redrive, correction, return and replay', async () => {
  const seen = { crashes: 0, moved: 0, corrected: 0, failed: 0, replayed: 0 };
  await fc.assert(
    fc.asyncProperty(history, faults, async (steps, plan) => {
      const world = testWorld();
      try {
        const life = new Life(world, plan);
        await life.live(steps);
        await life.finish();
        for (const id of life.batches) {
          expect(balanceOf((await world.batches.find(id))!)).toMatchObject({ status: 'complete', balanced: true });
        }
        await expectConserved(world, life.batches);
        const lines = storedLines(world).map(({ line_id }) => line_id);
        expect([...(await landedIn(world, 'transactions'))].sort()).toEqual(lines.sort());
        world.clock.pass(3600);
        expect((await reconcile({ id: 'r', settleSeconds: 0 }, world)).differences).toEqual([]);
        for (const [what, n] of Object.entries(life.done)) seen[what as keyof typeof seen] += n;
      } finally {
        asWasBuilt();
        world.remove();
      }
    }),
    { numRuns: 30, endOnFailure: true }, // to shrink a history takes minutes
  );
  // What never happens is not tested.
  for (const [what, n] of Object.entries(seen)) expect({ what, often: n > 4 }).toEqual({ what, often: true });
}, 60_000);
