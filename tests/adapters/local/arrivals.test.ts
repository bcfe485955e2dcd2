import type { Arrival } from '../../../shared/domain/arrival';
import { type TestWorld, testWorld } from '../../support/world';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

const NOON = '2026-03-01T12:00:00.000Z';
const LATER = '2026-03-01T12:16:00.000Z';
const KEY = 'inbox/transactions/a b+ü/../c.csv';
const arrival = (holder: string, until = LATER, more: Partial<Arrival> = {}): Arrival => ({
  key: KEY,
  version: 'v1',
  checksum: 'sum',
  bytes: 5,
  arrived_at: '2026-03-01T11:00:00.000Z',
  state: 'reading',
  sent_by: 'test',
  lease: { holder, until },
  ...more,
});

describe('a claim of a file', () => {
  it('is held by whoever came first until the lease is over', async () => {
    expect(await world.arrivals.claim(arrival('a'), NOON)).toEqual(arrival('a'));
    expect((await world.arrivals.claim(arrival('b'), NOON)).lease.holder).toBe('a');
    const next = '2026-03-01T12:40:00.000Z';
    expect((await world.arrivals.claim(arrival('b', next), LATER)).lease).toEqual({ holder: 'b', until: next });
    expect((await world.arrivals.claim(arrival('a', next), LATER)).lease.holder).toBe('b');
  });

  it('is renewed by its holder, and keeps what was noted', async () => {
    await world.arrivals.claim(arrival('a'), NOON);
    await world.arrivals.note(arrival('a', LATER, { state: 'waiting', engine: 'spark', batch_id: 'b' }));
    const again = await world.arrivals.claim(arrival('a', '2026-03-01T12:20:00.000Z'), NOON);
    expect(again).toMatchObject({ state: 'waiting', batch_id: 'b', lease: { until: '2026-03-01T12:20:00.000Z' } });
  });

  it.each(['done', 'refused', 'failed'] as const)('changes nothing of a file that is %s', async (state) => {
    const known = arrival('a', NOON, { state });
    await world.arrivals.note(known);
    expect(await world.arrivals.claim(arrival('b'), LATER)).toEqual(known);
    expect(await world.arrivals.of(KEY)).toEqual([known]);
  });

  it('is of one version: another one under the key is another file', async () => {
    await world.arrivals.claim(arrival('a'), NOON);
    const second = arrival('b', LATER, { version: 'v2', arrived_at: '2026-03-01T11:30:00.000Z' });
    expect(await world.arrivals.claim(second, NOON)).toEqual(second);
    expect((await world.arrivals.of(KEY)).map(({ version }) => version)).toEqual(['v2', 'v1']);
    expect(await world.arrivals.of(`${KEY}x`)).toEqual([]);
  });
});

test('the backlog is what is unfinished, and nothing else of the ledger', async () => {
  await world.senders.announce('inbox/events/x.csv', 'someone');
  const states = ['reading', 'waiting', 'running', 'claiming', 'done', 'refused', 'failed'] as const;
  for (const state of states) await world.arrivals.note(arrival('a', NOON, { state, version: state }));
  const found = (await world.backlog.unfinished()).map(({ state }) => state);
  expect(found.sort()).toEqual(['claiming', 'reading', 'running', 'waiting']);
});

test('who asked to put a file is known by its key', async () => {
  expect(await world.senders.find(KEY)).toBeUndefined();
  await world.senders.announce(KEY, 'someone');
  expect(await world.senders.find(KEY)).toBe('someone');
  expect(await world.arrivals.of(KEY)).toEqual([]);
});
