import { Report } from '../../cli/smoke/report';
import { type Body, makeRows } from '../../cli/smoke/rows';
import type { Stage } from '../../cli/smoke/stage';
import { Broken, type Check, type Walk } from '../../cli/smoke/walk';
import { balanceOf } from '../../shared/domain/ledger';
import { ingest } from '../../shared/pipeline/ingest';
import { drain, type TestWorld, testWorld } from '../support/world';

/** As a request would bring what is put into the inbox. */
const AS_OCTETS = { path: '/transactions?type=csv', headers: { 'content-type': 'application/octet-stream' } };

describe('the rows that a smoke test sends', () => {
  let world: TestWorld;
  beforeAll(() => {
    world = testWorld();
  });
  afterAll(() => world.remove());

  const rows = makeRows('0a1b2c3d');
  const bodies = [rows.main, ...rows.others, { ...rows.upload, ...AS_OCTETS }].map((body): [string, Body] => [
    body.what,
    body,
  ]);

  it.each(bodies)('become what the smoke test expects of them: %s', async (_, body) => {
    const [path, query] = body.path.split('?');
    const { batch_id } = await ingest(
      {
        dataset: path!.slice(1),
        body: {
          bytes: body.bytes,
          asText: false,
          contentType: body.headers['content-type']!,
          ...Object.fromEntries(new URLSearchParams(query)),
        },
        sent_by: 'smoke',
        file: undefined,
      },
      world,
    );
    await drain(world);
    const { received, kept, duplicate, rejected, balanced } = balanceOf((await world.batches.find(batch_id))!);
    const expected = { received: body.received, kept: body.kept, duplicate: body.duplicate, rejected: body.rejected };
    expect({ received, kept, duplicate, rejected }).toEqual(expected);
    expect(balanced).toBe(true);
  });

  it('are of no other run: nothing that one run sends is a duplicate of what another sent', () => {
    const [one, other] = [makeRows(), makeRows()];
    expect(one.invoices.filter((invoice) => other.invoices.includes(invoice))).toEqual([]);
    expect(one.customer_id).not.toBe(other.customer_id);
  });
});

describe('the report of a smoke test', () => {
  const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  beforeEach(() => log.mockClear());
  afterAll(() => log.mockRestore());
  const walk = { signal: new AbortController().signal } as Walk;
  const on = (emulated: boolean) => new Report({ emulated } as Stage);
  const check = (changes: Partial<Check> = {}): Check => ({
    title: 'it works',
    run: async () => undefined,
    ...changes,
  });
  const broken = async () => {
    throw new Broken('it does not');
  };
  const said = () => log.mock.calls.map(([line]) => String(line)).join('\n');

  it('ends well when every check holds', async () => {
    const report = on(false);
    await report.run(check(), walk);
    expect(report.conclude()).toBe(true);
  });

  it('ends badly when one check does not hold, and says what was found', async () => {
    const report = on(false);
    await report.run(check(), walk);
    await report.run(check({ run: broken }), walk);
    expect(report.conclude()).toBe(false);
    expect(said()).toContain('it does not');
  });

  it('excuses on an emulator, and nowhere else, what no emulator has', async () => {
    const beyond = check({ run: broken, beyondEmulators: 'no emulator has it' });
    for (const [emulated, ends] of [
      [true, true],
      [false, false],
    ] as const) {
      const report = on(emulated);
      await report.run(check(), walk);
      await report.run(beyond, walk);
      expect(report.conclude()).toBe(ends);
    }
  });

  it('ends badly when something cannot be removed, and names it, having removed the rest', async () => {
    const report = on(false);
    await report.run(check(), walk);
    const removed: string[] = [];
    await report.cleanUp([
      { what: 'a queue', remove: broken },
      { what: 'a user', remove: async () => removed.push('a user') },
    ]);
    expect(report.conclude()).toBe(false);
    expect(removed).toEqual(['a user']);
    expect(said()).toContain('not removed: a queue');
  });

  it('ends badly when it was interrupted before the last check', async () => {
    const report = on(false);
    await report.run(check(), walk);
    await report.run(check(), { signal: AbortSignal.abort() } as Walk);
    expect(report.conclude()).toBe(false);
    expect(said()).toContain('1 were not run');
  });

  it('excuses nothing that an interrupt broke off', async () => {
    const report = on(true);
    await report.run(check(), walk);
    const interrupted = new AbortController();
    const run = async () => {
      interrupted.abort();
      return broken();
    };
    await report.run(check({ run, beyondEmulators: 'no emulator has it' }), { signal: interrupted.signal } as Walk);
    expect(report.conclude()).toBe(false);
  });

  it('ends badly when nothing was checked', () => {
    expect(on(false).conclude()).toBe(false);
  });
});
