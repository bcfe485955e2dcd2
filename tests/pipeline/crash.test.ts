import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BulkRef, Ports } from '../../shared/pipeline/ports';
import { type Fault, faulty } from '../support/faults';
import { click, clicks, longText, sale, sales } from '../support/rows';
import { drain, type Findings, findings, postUntilTaken, testWorld } from '../support/world';

/** What clients send, and what must come of it, written down by hand. */
interface Scenario {
  readonly dataset: string;
  readonly bodies: readonly string[];
  readonly batches: Findings['batches'];
  readonly kept: number;
  /** Of the Invoices table. */
  readonly lines: number;
  readonly customers: Findings['customers'];
  /** How many chunks have an entry, when all goes well. */
  readonly chunks: number;
  /** How many chunks are in failed/: those that say DEFECT. */
  readonly failed?: number;
  /** The bodies are the parts of one file. */
  readonly file?: string;
}

const complete = { balanced: true, status: 'complete' } as const;
const CUSTOMER = { invoice_date: '2010-12-01T08:26:00Z', country: 'United Kingdom' };

/** Rows of a chunk of more than 512 KB, and some. */
const LONG = Array.from({ length: 150 }, (_, i) =>
  sale({
    invoice: i < 140 ? '1' : '2',
    stock: `S${i % 145}`,
    description: longText('x'),
    quantity: i === 9 ? '0' : '1',
  }),
);

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'two batches that meet on an invoice, with duplicates, refused rows, customers and none': {
    dataset: 'transactions',
    bodies: [
      sales([
        sale(),
        sale({ stock: 'B' }),
        sale(),
        sale({ invoice: '2', quantity: '2', customer: '' }),
        sale({ invoice: 'C3' }),
        sale({ invoice: '4', quantity: '0' }),
      ]),
      sales([
        sale({ stock: 'B' }),
        sale({ stock: 'C' }),
        sale({ invoice: '2', quantity: '2', customer: '' }),
        sale({ invoice: '5', quantity: 'x' }),
        sale({ invoice: '5', customer: '13047' }),
        sale({ invoice: '6', customer: '13047' }),
      ]),
    ],
    batches: [
      { received: 6, through: 4, rejected: { cancellation: 1, non_positive_quantity: 1 }, ...complete },
      { received: 6, through: 5, rejected: { unparseable: 1 }, ...complete },
    ],
    kept: 6,
    lines: 6,
    customers: [
      { customer_id: '13047', invoice_no: '5', ...CUSTOMER },
      { customer_id: '13047', invoice_no: '6', ...CUSTOMER },
      { customer_id: '17850', invoice_no: '1', ...CUSTOMER },
    ],
    chunks: 2,
  },
  'a batch of two chunks that meet on an invoice of several parts': {
    dataset: 'transactions',
    bodies: [sales([...LONG.slice(0, 75), ...LONG.slice(75).reverse(), ...LONG.slice(0, 50)])],
    batches: [{ received: 200, through: 198, rejected: { non_positive_quantity: 2 }, ...complete }],
    kept: 149,
    lines: 149,
    customers: [
      { customer_id: '17850', invoice_no: '1', ...CUSTOMER },
      { customer_id: '17850', invoice_no: '2', ...CUSTOMER },
    ],
    chunks: 2,
  },
  'clicks, which no table claims': {
    dataset: 'events',
    bodies: [
      clicks([click(), click({ second: 1 }), click(), click({ second: 2, type: 'none' })]),
      clicks([click({ second: 3 }), click({ second: 4, price: '-1' })]),
    ],
    batches: [
      { received: 4, through: 3, rejected: { unknown_event_type: 1 }, ...complete },
      { received: 2, through: 1, rejected: { negative_price: 1 }, ...complete },
    ],
    kept: 3,
    lines: 0,
    customers: [],
    chunks: 2,
    file: 'f'.repeat(64),
  },
  'a chunk that a defect of ours keeps from being cleaned, and one behind it': {
    dataset: 'events',
    bodies: [clicks([click({ user: 'DEFECT' }), click()]), clicks([click({ second: 1 })])],
    batches: [
      { received: 2, through: 0, rejected: {}, balanced: false, status: 'failed' },
      { received: 1, through: 1, rejected: {}, ...complete },
    ],
    kept: 1,
    lines: 0,
    customers: [],
    chunks: 1,
    failed: 1,
  },
};

/** A lake that a defect of ours cannot write certain chunks to. */
const defective = (landing: Ports['landing']): Ports['landing'] => ({
  async append(chunk: BulkRef & { readonly text?: string }, rows) {
    if (chunk.text?.includes('DEFECT')) throw new TypeError('undefined is not a row');
    await landing.append(chunk, rows);
  },
});

type Outcome = Findings & {
  /** The parts of the scenario's file. */
  readonly parts: readonly (number | undefined)[];
  /** Objects in failed/. */
  readonly failed: readonly string[];
};

describe.each(Object.entries(SCENARIOS))('%s', (_, scenario) => {
  let undisturbed: Outcome;
  let called: readonly string[];

  /** Sends the bodies and cleans them in a world of its own that breaks where it is told; what the stores have then. */
  async function live(
    faultAt: (call: number) => Fault | undefined,
  ): Promise<{ found: Outcome; called: readonly string[] }> {
    const world = testWorld();
    try {
      const ports = faulty({ ...world, landing: defective(world.landing) }, faultAt);
      const { dataset, bodies, file: hash = '' } = scenario;
      const batches = [];
      for (const [i, body] of bodies.entries()) {
        const file = hash === '' ? undefined : { hash, part: i + 1, parts: bodies.length };
        batches.push(await postUntilTaken(ports, dataset, body, file));
      }
      await drain(world, ports);
      const parts = (await world.files.batches(hash)).map(({ head }) => head.file?.part);
      const zones = readdirSync(world.directory);
      const failed = zones.includes('failed') ? readdirSync(join(world.directory, 'failed')).sort() : [];
      return { found: { ...(await findings(world, batches)), parts, failed }, called: ports.called };
    } finally {
      world.remove();
    }
  }

  beforeAll(async () => {
    ({ found: undisturbed, called } = await live(() => undefined));
  });

  it('comes out as written down', () => {
    const { batches, kept, lines, landed, customers, parts, failed } = undisturbed;
    expect({
      batches,
      kept,
      lines: lines.length,
      landed: landed.length,
      customers,
      parts,
      failed: failed.length,
    }).toEqual({
      batches: scenario.batches,
      kept: scenario.kept,
      lines: scenario.lines,
      landed: scenario.kept,
      customers: scenario.customers,
      parts: scenario.file ? scenario.bodies.map((_, i) => i + 1) : [],
      failed: 2 * (scenario.failed ?? 0), // the record and its error
    });
    expect(called.filter((name) => name === 'chunks.record')).toHaveLength(scenario.chunks);
  });

  it.each<Fault>(['before', 'after', 'halfway'])(
    'comes out the same when the world breaks %s a call, whichever it is',
    async (fault) => {
      for (let point = 0; point < called.length; point++) {
        const { found } = await live((call) => (call === point ? fault : undefined));
        expect({ broken: called[point], ...found }).toEqual({ broken: called[point], ...undisturbed });
      }
    },
  );

  it('comes out the same when the world breaks again and again, at a call further on each time', async () => {
    let next = 0;
    let since = 0;
    const { found } = await live(() => {
      if (since++ < next) return undefined;
      next++;
      since = 0;
      return (['before', 'after', 'halfway'] as const)[next % 3];
    });
    expect(found).toEqual(undisturbed);
  });
});
