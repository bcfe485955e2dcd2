import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { landingRecords } from '../../shared/adapters/aws/landing-records';
import { Database } from '../../shared/adapters/local/database';
import { datasets } from '../../shared/domain/dataset';
import { Unavailable } from '../../shared/pipeline/ports';
import { redriveBatch, redriveFailed, replayBatch } from '../../shared/pipeline/redrive';
import { type Fault, faulty } from '../support/faults';
import { asWasBuilt, expectConserved, fillRaw, listed, snapshot, withoutRules } from '../support/redrive';
import { click, clicks, sale, sales } from '../support/rows';
import { drain, type Findings, findings, post, type TestWorld, testWorld } from '../support/world';

const BY = { by: 'somebody' };

/** What is there before, what is done until it is through, and what must come of it, written down by hand. */
interface Scenario {
  /** The batches. */
  prepare(world: TestWorld): Promise<string[]>;
  run(world: TestWorld, batches: readonly string[]): Promise<unknown>;
  readonly kept: number;
  readonly through: readonly number[];
  readonly rejected: readonly Findings['batches'][number]['rejected'][];
}

async function cleaned(world: TestWorld, dataset: string, text: string): Promise<string> {
  const id = await post(world, dataset, text);
  await fillRaw(world);
  await drain(world);
  return id;
}

const ROWS = [
  sale(),
  sale({ stock: 'B', quantity: '0' }),
  sale({ invoice: '2', stock: 'C', quantity: '0', customer: '13047' }),
  sale({ invoice: 'C3' }),
];
/** Loses all that can be made again. */
function loseStores({ directory }: TestWorld): void {
  for (const zone of ['landing', 'rejected']) rmSync(join(directory, zone), { recursive: true });
  const database = new Database(directory);
  for (const sql of ['invoices', 'customers', "batches where entry like 'chunk%'"]) database.run(`delete from ${sql}`);
  database.close();
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a redrive of rows whose rule was fixed, one of them a duplicate of an earlier redrive': {
    async prepare(world) {
      const other = await cleaned(world, 'transactions', sales([sale({ stock: 'B', quantity: '0' }), sale()]));
      withoutRules('transactions', 'non_positive_quantity');
      await redriveBatch(other, BY, world);
      asWasBuilt();
      return [other, await cleaned(world, 'transactions', sales(ROWS))];
    },
    async run(world, [, id]) {
      withoutRules('transactions', 'non_positive_quantity');
      await redriveBatch(id!, BY, world);
    },
    kept: 3,
    through: [2, 3],
    rejected: [{}, { cancellation: 1 }],
  },
  'a redrive of corrected rows, of which one is refused again': {
    prepare: async (world) => [await cleaned(world, 'transactions', sales(ROWS))],
    async run(world, [id]) {
      const { chunk_id } = (await world.batches.find(id!))!.entries[0]!;
      const texts: [number, string][] = [
        [3, sale({ stock: 'B' })],
        [5, sale({ invoice: 'A3' })],
      ];
      await redriveBatch(id!, { ...BY, corrections: new Map([[chunk_id, new Map(texts)]]) }, world);
    },
    kept: 2,
    through: [2],
    rejected: [{ bad_debt: 1, non_positive_quantity: 1 }],
  },
  'a redrive of clicks, which no table claims': {
    prepare: async (world) => [
      await cleaned(world, 'events', clicks([click(), click({ second: 1, price: '-1' }), click({ type: 'none' })])),
    ],
    async run(world, [id]) {
      withoutRules('events', 'negative_price');
      await redriveBatch(id!, BY, world);
    },
    kept: 2,
    through: [2],
    rejected: [{ unknown_event_type: 1 }],
  },
  'a replay of a redriven batch after all is lost': {
    async prepare(world) {
      const id = await cleaned(world, 'transactions', sales(ROWS));
      withoutRules('transactions', 'non_positive_quantity');
      await redriveBatch(id, BY, world);
      asWasBuilt();
      loseStores(world);
      return [id];
    },
    run: (world, [id]) => replayBatch(id!, BY, world),
    kept: 3,
    through: [3],
    rejected: [{ cancellation: 1 }],
  },
  'replays that count two batches anew': {
    async prepare(world) {
      const batches = [
        await cleaned(world, 'transactions', sales(ROWS)),
        await cleaned(world, 'transactions', sales([sale(), sale({ stock: 'D' })])),
      ];
      const database = new Database(world.directory);
      database.run('delete from invoices');
      database.close();
      return batches;
    },
    async run(world, [one, two]) {
      await replayBatch(two!, BY, world);
      await replayBatch(one!, BY, world);
    },
    kept: 2,
    through: [1, 2],
    rejected: [{ cancellation: 1, non_positive_quantity: 2 }, {}],
  },
  'the return of all that failed': {
    async prepare(world) {
      const customers = { ...world.customers, put: () => Promise.reject(new TypeError('a defect')) };
      const failing = await post(world, 'transactions', sales(ROWS));
      await drain(world, { ...world, customers });
      const given = await post(world, 'transactions', sales([sale(), sale({ stock: 'E' })]));
      const busy = { ...world, invoices: { ...world.invoices, read: () => Promise.reject(new Unavailable('busy')) } };
      const [discarded] = await drain(world, busy, { maximumRetryAttempts: 0 });
      await world.lake.put('failed/discarded/2-2.json', JSON.stringify(discarded));
      const transactions = datasets.get('transactions')!;
      const columns = transactions.contract.columns.map(({ name }) => name);
      const verdict = transactions.cleaner('csv', columns)(sale({ stock: 'F' }));
      if (verdict.kind !== 'kept') throw new Error('it is a good row');
      const [record] = landingRecords(transactions, failing, [verdict]);
      const told = { arrivalTimestamp: world.clock.now().getTime(), rawData: record!.toString('base64') };
      await world.lake.put('failed/landing/transactions/x/y', JSON.stringify(told));
      const { data } = world.log.read('reader', 1)[0]!;
      const kept = { ...told, rawData: Buffer.from(data).toString('base64') };
      await world.lake.put('failed/raw/x/y', JSON.stringify(kept));
      return [failing, given];
    },
    async run(world) {
      for (const { became } of await listed(redriveFailed(BY, world))) expect(became).not.toBe('left');
    },
    kept: 2,
    through: [1, 2],
    rejected: [{ cancellation: 1, non_positive_quantity: 2 }, {}],
  },
};

afterEach(asWasBuilt);

describe.each(Object.entries(SCENARIOS))('%s', (_, scenario) => {
  /** Runs it in a world of its own that breaks where it is told, until it is through; what is there then. */
  async function live<T = undefined>(
    faultAt: (call: number) => Fault | undefined,
    look: (world: TestWorld, batches: readonly string[]) => Promise<T> = async () => undefined as T,
  ) {
    asWasBuilt();
    const world = testWorld();
    try {
      const batches = await scenario.prepare(world);
      for await (const batch of world.watch.untold()) {
        await world.watch.tell(batch, { kept: 0, duplicate: 0, rejected: {}, at: '' });
      }
      const ports = faulty(world, faultAt);
      for (let tries = 0; ; tries++) {
        try {
          await scenario.run(ports, batches);
          break;
        } catch (error) {
          if (!(error instanceof Unavailable) || tries > 500) throw error;
        }
      }
      await expectConserved(world, batches);
      const untold = (await listed(world.watch.untold())).map(({ batch_id }) => batch_id).sort();
      return {
        found: await look(world, batches),
        state: { ...snapshot(world, ['watch']), untold },
        called: ports.called,
      };
    } finally {
      world.remove();
    }
  }

  let undisturbed: Awaited<ReturnType<typeof live<Findings>>>;
  beforeAll(async () => {
    undisturbed = await live(() => undefined, findings);
  });

  it('comes out as written down', () => {
    const { batches, kept } = undisturbed.found;
    expect({
      kept,
      through: batches.map(({ through }) => through),
      rejected: batches.map(({ rejected }) => rejected),
    }).toEqual({ kept: scenario.kept, through: scenario.through, rejected: scenario.rejected });
    for (const batch of batches) expect(batch).toMatchObject({ balanced: true, status: 'complete' });
  });

  it.each<Fault>(['before', 'after'])(
    'comes out the same when the world breaks %s a call, whichever it is, and it is done again',
    async (fault) => {
      const { called } = undisturbed;
      for (let point = 0; point < called.length; point++) {
        const { state } = await live((call) => (call === point ? fault : undefined));
        expect({ broken: called[point], ...state }).toEqual({ broken: called[point], ...undisturbed.state });
      }
    },
  );

  it('comes out the same when the world breaks again and again, at a call further on each time', async () => {
    let next = 0;
    let since = 0;
    const { state } = await live(() => {
      if (since++ < next) return undefined;
      next++;
      since = 0;
      return (['before', 'after', 'halfway'] as const)[next % 3];
    });
    expect(state).toEqual(undisturbed.state);
  });
});
