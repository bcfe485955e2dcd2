import { dynamoBatches } from '../../../shared/adapters/aws/batches';
import { dynamoWatch } from '../../../shared/adapters/aws/watch';
import type { Told } from '../../../shared/domain/alert';
import type { BatchHead } from '../../../shared/domain/ledger';
import { Unavailable, type Untold, type Watch } from '../../../shared/pipeline/ports';
import { fakeClient, sdkError } from './fake';
import { fakeTable } from './table';

const NOON = '2026-03-01T12:00:00.000Z';
const LATER = '2026-03-01T12:15:00.000Z';
const head = (batch_id: string, received_at = NOON): BatchHead => ({
  batch_id,
  dataset: 'transactions',
  contract_version: 1,
  format: 'csv',
  columns: [],
  received: 3,
  slices: [],
  received_at,
  sent_by: 'someone',
});
const BATCH = '0a'.repeat(16);
const told = (at: string, kept = 2): Told => ({ at, kept, duplicate: 0, rejected: { missing: 1, cancellation: 2 } });

/** A table in which batches were opened. */
async function opened(...heads: readonly BatchHead[]) {
  const client = fakeTable();
  for (const one of heads) await dynamoBatches(client, 'batches').open(one);
  return { client, watch: dynamoWatch(client, 'batches') };
}

async function untold(watch: Watch): Promise<Untold[]> {
  const found: Untold[] = [];
  for await (const one of watch.untold()) found.push(one);
  return found;
}

describe('a batch', () => {
  test('is untold from the write on that opens it, wherever its id begins, page after page', async () => {
    const heads = [...'0123456789abcdef00000'].map((digit, i) => head(`${digit}${i}`.padEnd(32, 'f')));
    const { client, watch } = await opened(...heads);
    expect(client.sent.map(({ command }) => command)).toEqual(heads.map(() => 'PutItem'));
    const found = await untold(watch);
    expect(found).toHaveLength(heads.length);
    expect(found.map(({ batch_id }) => batch_id).sort()).toEqual(heads.map(({ batch_id }) => batch_id).sort());
    expect(found[0]).toEqual({ batch_id: heads[0]!.batch_id, received_at: NOON, mark: NOON });
  });

  test('has a head and entries as if nobody watched', async () => {
    const { client, watch } = await opened(head(BATCH));
    await watch.tell({ batch_id: BATCH, received_at: NOON, mark: 'another' }, told(LATER));
    expect(await dynamoBatches(client, 'batches').open(head(BATCH, LATER))).toEqual(head(BATCH));
  });

  test('is untold no more once it is told, with what was told of it', async () => {
    const { watch } = await opened(head(BATCH));
    expect(await watch.told(BATCH)).toBeUndefined();
    const [one] = await untold(watch);
    for (const _ of ['told', 'told once more']) await watch.tell(one!, told(LATER));
    expect(await untold(watch)).toEqual([]);
    expect(await watch.told(BATCH)).toEqual(told(LATER));
  });

  test('stays untold when something has changed while it was told', async () => {
    const { watch } = await opened(head(BATCH));
    const [one] = await untold(watch);
    await watch.again(BATCH, LATER);
    await watch.tell(one!, told(LATER));
    expect(await untold(watch)).toEqual([{ batch_id: BATCH, received_at: NOON, mark: LATER }]);
    expect(await watch.told(BATCH)).toEqual(told(LATER));
  });

  test('comes back when something has changed, and leaves again', async () => {
    const { watch } = await opened(head(BATCH));
    await watch.tell((await untold(watch))[0]!, told(LATER));
    for (const _ of ['again', 'and again']) await watch.again(BATCH, LATER);
    const [one] = await untold(watch);
    expect(one).toEqual({ batch_id: BATCH, received_at: NOON, mark: LATER });
    await watch.tell(one!, told('2026-03-01T12:30:00.000Z', 3));
    expect(await untold(watch)).toEqual([]);
    expect(await watch.told(BATCH)).toEqual(told('2026-03-01T12:30:00.000Z', 3));
  });

  test('keeps what a later digest told when a slower one comes behind it', async () => {
    const { watch } = await opened(head(BATCH));
    const [one] = await untold(watch);
    await watch.tell(one!, told(LATER, 5));
    await watch.tell(one!, told(NOON, 2));
    expect(await watch.told(BATCH)).toEqual(told(LATER, 5));
  });

  test('that was never opened is not made by a change', async () => {
    const { client, watch } = await opened();
    await watch.again(BATCH, LATER);
    expect(client.items.size).toBe(0);
  });
});

test('only what a watch needs is asked of the index: heads are large', async () => {
  const { client, watch } = await opened(head(BATCH));
  await untold(watch);
  const asked = client.sent.filter(({ command }) => command === 'Query').map(({ input }) => input);
  expect(asked).toHaveLength(16);
  for (const input of asked) expect(input).toMatchObject({ ProjectionExpression: 'batch_id, received_at, untold_at' });
});

test('a table that cannot be reached is unavailable', async () => {
  const client = fakeClient(() => Promise.reject(sdkError('ThrottlingException')));
  const watch = dynamoWatch(client, 't');
  await expect(untold(watch)).rejects.toThrow(Unavailable);
  await expect(watch.told(BATCH)).rejects.toThrow(Unavailable);
  await expect(watch.tell({ batch_id: BATCH, received_at: NOON, mark: NOON }, told(NOON))).rejects.toThrow(Unavailable);
  await expect(watch.again(BATCH, NOON)).rejects.toThrow(Unavailable);
});
