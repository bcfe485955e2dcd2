import fc from 'fast-check';
import { accountedFor, rejectedTotal } from '../../shared/domain/outcome';
import { type Chunk, unpack } from '../../shared/domain/packing';
import { cleanChunk } from '../../shared/pipeline/clean';
import type { Ports } from '../../shared/pipeline/ports';
import { type Fault, faulty, throttled } from '../support/faults';
import { byContract, click, clicks, longSales, sale, sales, someBodies, someSales } from '../support/rows';
import {
  chunksIn,
  drain,
  type Findings,
  findings,
  post,
  postUntilTaken,
  type TestWorld,
  testWorld,
} from '../support/world';

async function inWorld<T>(work: (world: TestWorld) => Promise<T>): Promise<T> {
  const world = testWorld();
  try {
    return await work(world);
  } finally {
    world.remove();
  }
}

/** Posts bodies of sales; their batches, each once. */
async function postAll(world: TestWorld, bodies: readonly (readonly string[])[]): Promise<string[]> {
  const batches = new Set<string>();
  for (const rows of bodies) batches.add(await post(world, 'transactions', sales(rows)));
  return [...batches];
}

/** Bodies of which none is another's twin: a twin is the same batch and is not taken in twice. */
const distinct = (bodies: readonly string[][]) => [...new Map(bodies.map((rows) => [sales(rows), rows])).values()];

function expectSound(found: Findings, bodies: readonly string[][]): void {
  const { stores, rejected } = byContract(bodies.flat());
  expect(found).toMatchObject(stores);
  expect(found.refused).toHaveLength(rejected);
  expect(found.batches).toMatchObject(
    bodies.map((rows) => ({ received: rows.length, balanced: true, status: 'complete' })),
  );
  for (const batch of found.batches) expect(batch.through + rejectedTotal(batch)).toBe(batch.received);
}

/** How often a thing happened over all runs of a property: one that never happens is not tested. */
function tally() {
  const seen = { kept: 0, duplicates: 0, rejected: 0, shared: 0, conflicts: 0 };
  return {
    seen,
    add(bodies: readonly string[][]) {
      const all = byContract(bodies.flat());
      seen.kept += all.stores.kept;
      seen.duplicates += all.duplicates;
      seen.rejected += all.rejected;
      const alone = bodies.reduce((sum, rows) => sum + byContract(rows).stores.kept, 0);
      seen.shared += alone - all.stores.kept;
    },
    expectMostlyGood() {
      expect(seen.kept).toBeGreaterThan(100);
      expect(seen.duplicates).toBeGreaterThan(100);
      expect(seen.rejected).toBeGreaterThan(20);
      expect(seen.kept + seen.duplicates).toBeGreaterThan(2 * seen.rejected);
    },
  };
}

describe('conservation', () => {
  it('holds for any file: received = kept + duplicate + rejected, and the stores have each kept row once', async () => {
    const tallied = tally();
    await fc.assert(
      fc.asyncProperty(someSales, (rows) =>
        inWorld(async (world) => {
          tallied.add([rows]);
          const batches = await postAll(world, [rows]);
          await drain(world);
          const found = await findings(world, batches);
          expectSound(found, [rows]);
          const { stores, duplicates } = byContract(rows);
          expect(found.batches[0]!.through).toBe(stores.kept + duplicates);
        }),
      ),
      { numRuns: 40 },
    );
    tallied.expectMostlyGood();
  });

  it('holds when ports fail at random, clients send again and the stream delivers again', async () => {
    const faults = fc.array(fc.constantFrom<Fault | undefined>('before', 'after', 'halfway', undefined), {
      maxLength: 60,
      size: 'max',
    });
    const tallied = tally();
    let planted = 0;
    await fc.assert(
      fc.asyncProperty(someBodies({ minLength: 1, maxLength: 3 }), faults, (drawn, plan) =>
        inWorld(async (world) => {
          const bodies = distinct(drawn);
          tallied.add(bodies);
          const ports = faulty(world, (call) => plan[call]);
          const batches: string[] = [];
          for (const rows of bodies) batches.push(await postUntilTaken(ports, 'transactions', sales(rows)));
          await drain(world, ports);
          expectSound(await findings(world, batches), bodies);
          planted += plan.slice(0, ports.called.length).filter((fault) => fault !== undefined).length;
        }),
      ),
      { numRuns: 25 },
    );
    tallied.expectMostlyGood();
    expect(planted).toBeGreaterThan(100);
  });

  it('holds in any chunking: the same rows are kept and refused however a file is cut', async () => {
    await fc.assert(
      fc.asyncProperty(someSales, fc.integer({ min: 1, max: 10 }), async (rows, size) => {
        const pieces = Array.from({ length: Math.ceil(rows.length / size) }, (_, i) =>
          rows.slice(i * size, (i + 1) * size),
        );
        for (const bodies of [[rows], distinct(pieces)]) {
          await inWorld(async (world) => {
            const batches = await postAll(world, bodies);
            await drain(world);
            const found = await findings(world, batches);
            expect(found).toMatchObject(byContract(rows).stores);
            expectSound(found, bodies);
          });
        }
      }),
      { numRuns: 25 },
    );
  });

  it('holds in a busy world, in which every method refuses its first two calls', async () => {
    await inWorld(async (world) => {
      const file = { hash: 'f'.repeat(64), part: 1, parts: 1 };
      const rows = [sale(), sale({ stock: 'B' }), sale({ stock: 'B' }), sale({ invoice: 'C2' })];
      const more = [sale(), sale({ invoice: '3', customer: '13047' }), sale({ quantity: '0' })];
      const ports = faulty(world, throttled(2));
      const batches = [
        await postUntilTaken(ports, 'transactions', sales(rows), file),
        await postUntilTaken(ports, 'transactions', sales(more)),
        await postUntilTaken(ports, 'events', clicks([click(), click(), click({ type: 'none' })])),
      ];
      await world.stream.append([{ chunk_id: 'x', data: Buffer.from('not a chunk') }]);
      await drain(world, ports);

      const found = await findings(world, batches);
      const { stores } = byContract([...rows, ...more]);
      expect(found).toMatchObject({ lines: stores.lines, customers: stores.customers, kept: stores.kept + 1 });
      expect(found.landed).toHaveLength(stores.kept + 1);
      expect(found.refused).toHaveLength(3);
      expect(found.batches).toMatchObject([
        { received: 4, through: 3, balanced: true },
        { received: 3, through: 2, balanced: true },
        { received: 3, through: 2, balanced: true },
      ]);
      const { sequence } = world.log.read('reader', 1000).at(-1)!;
      expect(String(await world.lake.get(`failed/unreadable-${sequence}.chunk`))).toBe('not a chunk');
      expect(await world.files.batches(file.hash)).toMatchObject([{ head: { batch_id: batches[0] } }]);
      const often = [...Map.groupBy(ports.called, (name) => name).values()].map(({ length }) => length);
      expect(often.length).toBeGreaterThanOrEqual(11);
      expect(Math.min(...often)).toBeGreaterThan(2);
    });
  });

  it('asks the ledger alone of a chunk that is through, and answers what it answered', async () => {
    await inWorld(async (world) => {
      await postAll(world, [[sale(), sale({ stock: 'B' }), sale({ quantity: '0' })]]);
      const [chunk] = chunksIn(world);
      const entry = await cleanChunk(chunk!, world);
      const ports = faulty(world, () => undefined);
      world.clock.pass(60);
      expect(await cleanChunk(chunk!, ports)).toEqual(entry);
      expect(ports.called).toEqual(['chunks.find']);
    });
  });

  it('counts a file that is sent again in another shape as duplicates, every row of it', async () => {
    await inWorld(async (world) => {
      const rows = ['1', '2', '3'].map((invoice) => sale({ invoice }));
      const [first, second] = await postAll(world, [rows, [...rows].reverse()]);
      await drain(world);
      expect((await findings(world, [first!, second!])).batches).toMatchObject([
        { through: 3, balanced: true },
        { through: 3, balanced: true },
      ]);
      expect((await findings(world, [second!])).kept).toBe(0);
    });
  });
});

describe('chunks that meet', () => {
  /** Cleans everything in the stream at the same time, in the interleaving that the scheduler draws. */
  async function cleanTogether(world: TestWorld, scheduler: fc.Scheduler, onConflict: () => void): Promise<void> {
    const read = scheduler.scheduleFunction((nos: readonly string[]) => world.invoices.read(nos));
    const write = scheduler.scheduleFunction((parts: Parameters<Ports['invoices']['write']>[0]) =>
      world.invoices.write(parts),
    );
    const invoices: Ports['invoices'] = {
      read,
      async write(parts) {
        const conflicts = await write(parts);
        for (const _ of conflicts) onConflict();
        return conflicts;
      },
    };
    await scheduler.waitFor(Promise.all(chunksIn(world).map((chunk) => cleanChunk(chunk, { ...world, invoices }))));
  }

  it('claim every line once when they are cleaned at the same time, in any interleaving', async () => {
    const tallied = tally();
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), someBodies({ minLength: 2, maxLength: 4 }), (scheduler, drawn) =>
        inWorld(async (world) => {
          const bodies = distinct(drawn);
          tallied.add(bodies);
          const batches = await postAll(world, bodies);
          await cleanTogether(world, scheduler, () => tallied.seen.conflicts++);
          expectSound(await findings(world, batches), bodies);
        }),
      ),
      { numRuns: 40 },
    );
    tallied.expectMostlyGood();
    expect(tallied.seen.shared).toBeGreaterThan(100);
    expect(tallied.seen.conflicts).toBeGreaterThan(40);
  });

  it('claim every line once also of an invoice of several parts', async () => {
    let conflicts = 0;
    let parts = 0;
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(longSales, { minLength: 2, maxLength: 3 }), (scheduler, drawn) =>
        inWorld(async (world) => {
          const bodies = distinct(drawn);
          const batches = await postAll(world, bodies);
          await cleanTogether(world, scheduler, () => conflicts++);
          expectSound(await findings(world, batches), bodies);
          parts = Math.max(parts, (await world.invoices.read(['1'])).get('1')!.length);
        }),
      ),
      { numRuns: 10 },
    );
    expect(conflicts).toBeGreaterThan(5);
    expect(parts).toBeGreaterThan(1);
  });

  it('count the same in every order of delivery, and when each is delivered twice', async () => {
    const shuffle = fc.array(fc.nat(), { minLength: 8, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(someBodies({ minLength: 2, maxLength: 4 }), shuffle, (drawn, places) =>
        inWorld(async (world) => {
          const bodies = distinct(drawn);
          const batches = await postAll(world, bodies);
          const chunks = chunksIn(world);
          const twice = [...chunks, ...chunks]
            .map((chunk, i) => ({ chunk, place: places[i]! }))
            .sort((a, b) => a.place - b.place)
            .map(({ chunk }) => chunk);
          const entries = new Map<Chunk, unknown>();
          for (const chunk of twice) {
            const entry = await cleanChunk(chunk, world);
            expect(accountedFor(entry)).toBe(chunk.rows);
            expect(entry).toEqual(entries.get(chunk) ?? entry);
            entries.set(chunk, entry);
          }
          expectSound(await findings(world, batches), bodies);
        }),
      ),
      { numRuns: 25 },
    );
  });
});

describe('a defect of ours', () => {
  it('sends its chunk to failed/ with the record and the error, and lets the others through', async () => {
    await inWorld(async (world) => {
      const [bad, good] = await postAll(world, [[sale()], [sale({ country: 'Spain' })]]);
      const landing: Ports['landing'] = {
        async append(chunk, kept) {
          if (chunk.batch_id === bad) throw new TypeError('undefined is not a row');
          await world.landing.append(chunk, kept);
        },
      };
      await drain(world, { ...world, landing });
      const [record] = world.log.read('reader', 1);
      const { chunk_id } = unpack(record!.data);
      expect(await world.lake.get(`failed/${chunk_id}.chunk`)).toEqual(Buffer.from(record!.data));
      expect(String(await world.lake.get(`failed/${chunk_id}.error.json`))).toContain('undefined is not a row');
      expect((await findings(world, [bad!, good!])).batches).toMatchObject([
        { received: 1, through: 0, balanced: false },
        { received: 1, through: 1, balanced: true },
      ]);
    });
  });

  it('keeps a record that is no chunk of ours', async () => {
    await inWorld(async (world) => {
      await world.stream.append([{ chunk_id: 'x', data: Buffer.from('not a chunk') }]);
      await drain(world);
      expect(String(await world.lake.get('failed/unreadable-1.chunk'))).toBe('not a chunk');
    });
  });
});
