import { dynamoIncidents } from '../../../shared/adapters/aws/incidents';
import type { Incident } from '../../../shared/domain/alert';
import { type Incidents, Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, sdkError } from './fake';
import { clockAt, fakeTable } from './table';

const NOON = '2026-03-01T12:00:00.000Z';
const QUIET = '2026-03-01T12:15:00.000Z';
const NEXT = '2026-03-01T12:15:00.001Z';
const NEXT_QUIET = '2026-03-01T12:30:00.001Z';
const incident = (id: string, more: Partial<Incident> = {}): Incident => ({
  id,
  kind: 'file_refused',
  dataset: 'events',
  at: NOON,
  facts: { key: `inbox/events/${id}` },
  ...more,
});

function made(before?: Parameters<typeof fakeTable>[0]) {
  const client = fakeTable(before);
  const clock = clockAt(NOON);
  return { client, clock, incidents: dynamoIncidents(client, 'batches', clock) };
}

async function held(incidents: Incidents): Promise<string[]> {
  const found: string[] = [];
  for await (const { id } of incidents.held()) found.push(id);
  return found;
}

describe('an incident', () => {
  test('is told at once when nobody was told of its like, and others of its kind and data set are held', async () => {
    const { incidents } = made();
    expect(await incidents.keep(incident('a'), QUIET)).toBe('tell');
    expect(await incidents.keep(incident('b'), QUIET)).toBe('hold');
    expect(await incidents.keep(incident('c', { dataset: 'transactions' }), QUIET)).toBe('tell');
    expect(await incidents.keep(incident('d', { kind: 'file_failed' }), QUIET)).toBe('tell');
    expect(await incidents.keep(incident('e', { dataset: undefined }), QUIET)).toBe('tell');
    expect(await held(incidents)).toEqual(['b']);
  });

  test('is told at once again when the quiet time is over', async () => {
    const { clock, incidents } = made();
    await incidents.keep(incident('a'), QUIET);
    clock.set('2026-03-01T12:14:59.999Z');
    expect(await incidents.keep(incident('b'), '2026-03-01T12:29:59.999Z')).toBe('hold');
    clock.set(NEXT);
    expect(await incidents.keep(incident('c'), NEXT_QUIET)).toBe('tell');
    expect(await incidents.keep(incident('d'), NEXT_QUIET)).toBe('hold');
  });

  test('that was to be told and was not is to be told still, however late it is heard of again', async () => {
    const { clock, incidents } = made();
    expect(await incidents.keep(incident('a'), QUIET)).toBe('tell');
    expect(await incidents.keep(incident('a'), QUIET)).toBe('tell');
    clock.set(NEXT);
    expect(await incidents.keep(incident('b'), NEXT_QUIET)).toBe('tell');
    expect(await incidents.keep(incident('a'), NEXT_QUIET)).toBe('tell');
  });

  test('that was to be told and never was is the digest’s, once the quiet time is over', async () => {
    const { clock, incidents } = made();
    await incidents.keep(incident('a'), QUIET);
    expect(await held(incidents)).toEqual([]);
    clock.set(NEXT);
    expect(await held(incidents)).toEqual(['a']);
  });

  test('that was told is known, held or not, and held no more', async () => {
    const { clock, incidents } = made();
    await incidents.keep(incident('a'), QUIET);
    await incidents.keep(incident('b'), QUIET);
    for (const _ of ['told', 'told once more']) await incidents.told([incident('a'), incident('b')]);
    clock.set(NEXT);
    expect(await held(incidents)).toEqual([]);
    for (const id of ['a', 'b']) expect(await incidents.keep(incident(id), NEXT_QUIET)).toBe('known');
    expect(await incidents.keep(incident('c'), NEXT_QUIET)).toBe('tell');
  });

  test('is one, whatever its other facts, and comes back as it was kept first', async () => {
    const { incidents } = made();
    await incidents.keep(incident('z'), QUIET);
    await incidents.keep(incident('a', { facts: { key: 'ü', nested: [{ n: 1 }] } }), QUIET);
    await incidents.keep(incident('a', { facts: {} }), QUIET);
    const found: Incident[] = [];
    for await (const one of incidents.held()) found.push(one);
    expect(found).toEqual([incident('a', { facts: { key: 'ü', nested: [{ n: 1 }] } })]);
  });

  test('is found when it is held, page after page, the oldest first', async () => {
    const { incidents } = made();
    await incidents.keep(incident('first'), QUIET);
    const ids = ['5', '4', '3', '2', '1'];
    for (const id of ids) await incidents.keep(incident(id, { at: `2026-03-01T11:00:0${id}.000Z` }), QUIET);
    expect(await held(incidents)).toEqual(['1', '2', '3', '4', '5']);
  });

  test('that was told just now is held no more, though the index is behind', async () => {
    const { client, clock } = made();
    const index = new Map<string, unknown>(); // its pages as they were at first
    const ask: (command: object) => Promise<unknown> = client.send;
    const send = async (command: { input: { ExclusiveStartKey?: object } }) => {
      if (command.constructor.name !== 'QueryCommand') return ask(command);
      const page = JSON.stringify(command.input.ExclusiveStartKey ?? null);
      if (!index.has(page)) index.set(page, await ask(command));
      return index.get(page);
    };
    const incidents = dynamoIncidents({ send: send as never }, 'batches', clock);
    for (const id of ['a', 'b', 'c']) await incidents.keep(incident(id), QUIET);
    expect(await held(incidents)).toEqual(['b', 'c']);
    await incidents.told([incident('b')]);
    expect(await held(incidents)).toEqual(['c']);
  });

  test('is noted beside one other at most: many leave one partition of the index', async () => {
    let [atWork, most] = [0, 0];
    const { incidents } = made(async () => {
      most = Math.max(most, ++atWork);
      await new Promise(setImmediate);
      atWork--;
    });
    await incidents.told(Array.from({ length: 20 }, (_, i) => ({ id: String(i) })));
    expect(most).toBe(2);
  });

  test('is let through once of two of a kind that come at the same time, and the other is held', async () => {
    const { incidents } = made();
    const both = await Promise.all([incidents.keep(incident('a'), QUIET), incidents.keep(incident('b'), QUIET)]);
    expect(both.sort()).toEqual(['hold', 'tell']);
    expect(await held(incidents)).toHaveLength(1);
  });

  test('is known when another tells it between the two writes of keeping it', async () => {
    const { client, incidents } = made(async ({ command, input }) => {
      const isGate = command === 'PutItem' && input.Item.batch_id!.S!.startsWith('quiet#');
      if (isGate) client.items.delete([...client.items.keys()][0]!);
    });
    expect(await incidents.keep(incident('a'), QUIET)).toBe('known');
    expect(client.items.size).toBe(1); // the gate: what is gone is not made anew
  });

  test('is not lost by a crash behind the gate: it comes again, or is the digest’s', async () => {
    let dies = true;
    const { incidents } = made(({ command }) => {
      if (command === 'UpdateItem' && dies) throw sdkError('ThrottlingException');
    });
    await expect(incidents.keep(incident('a'), QUIET)).rejects.toThrow(Unavailable);
    expect(await held(incidents)).toEqual(['a']);
    dies = false;
    expect(await incidents.keep(incident('a'), QUIET)).toBe('tell');
  });
});

test('what was told is forgotten after 90 days, what was not never is', async () => {
  const { client, incidents } = made();
  await incidents.keep(incident('a'), QUIET);
  await incidents.keep(incident('b'), QUIET);
  await incidents.told([{ id: 'a' }, { id: 'never kept' }]);
  const days = 90 * 86_400;
  const expiring = [...client.items.values()].map(({ batch_id, expires_at }) => [
    batch_id!.S!.split('#')[0],
    expires_at && Number(expires_at.N) - days,
  ]);
  expect(expiring).toEqual([
    ['incident', Date.parse(NOON) / 1000],
    ['quiet', Date.parse(QUIET) / 1000],
    ['incident', undefined],
  ]);
});

test('a table that cannot be reached is unavailable', async () => {
  const incidents = dynamoIncidents(
    fakeClient(() => Promise.reject(sdkError('ThrottlingException'))),
    't',
  );
  await expect(incidents.keep(incident('a'), QUIET)).rejects.toThrow(Unavailable);
  await expect(held(incidents)).rejects.toThrow(Unavailable);
  await expect(incidents.told([incident('a')])).rejects.toThrow(Unavailable);
});
