import { datasets } from '../domain/dataset';
import type { Batch } from '../domain/ledger';
import { unpackAll } from '../domain/packing';
import { readIdentities } from '../domain/parquet-reader';
import {
  batchOf,
  chunkOf,
  claimedInWarehouse,
  invoiceDifferences,
  keptOf,
  LineIds,
  landingDifferences,
  lastSign,
  mixedInWarehouse,
  mostOf,
  rawDifferences,
  rejectedDifferences,
  type Tally,
  wasInStream,
} from '../domain/reconcile';
import { each } from './each';
import type { Recount, Zone } from './recount';

/*
 * A store each: its rows are counted by batch, then held against the ledger.
 */

/** Objects in hand at a time: those of raw are read whole. */
const WIDTH: Readonly<Record<Zone, number>> = { raw: 2, landing: 4, rejected: 8 };

/** Whether rows of a data set are claimed, so that each is kept for one batch only. */
const claims = (dataset: string) => datasets.get(dataset)!.contract.claim !== undefined;

/** Lines of batches from before the window are there too, and tell nothing of it. */
export async function countInvoices(recount: Recount): Promise<void> {
  const claiming = [...datasets.keys()].find(claims)!;
  const found = new Map<string, Map<string, Tally>>();
  let invoice: string | undefined;
  let seen = new Set<string>();
  for await (const { invoice_no, lines } of recount.ports.lines.all()) {
    recount.checkTime();
    if (invoice_no !== invoice) seen = new Set();
    invoice = invoice_no;
    for (const { line_id, chunk_id: claimant } of lines) {
      const isAgain = seen.size === seen.add(line_id).size;
      recount.count('invoices', 1);
      const batch_id = batchOf(claimant);
      if (recount.judged.has(batch_id)) {
        const chunks = getOrMake(found, batch_id, () => new Map());
        const tally = getOrMake(chunks, chunkOf(claimant), () => ({ rows: 0, surplus: 0 }));
        tally.rows++;
        if (isAgain) tally.surplus++;
      } else if (recount.isWhole) recount.meet('invoices', claiming, batch_id, 1);
    }
  }
  for (const batch of recount.of(claiming))
    recount.note(invoiceDifferences(batch, found.get(batch.head.batch_id) ?? new Map()));
}

export async function countRaw(recount: Recount): Promise<void> {
  const { raw } = recount.ports;
  const found = new Map<string, Set<string>>();
  await each(raw.list(recount.day), { width: WIDTH.raw }, async ({ key }) => {
    recount.checkTime();
    const bytes = await raw.read(key);
    if (!bytes) return;
    await recount.orUnreadable(key, async () => {
      for (const chunk of unpackAll(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))) {
        const { batch_id, dataset, chunk_id, rows } = chunk;
        if (recount.judged.has(batch_id)) {
          const chunks = getOrMake(found, batch_id, () => new Set());
          if (chunks.has(chunk_id)) recount.rawAgain++;
          else recount.count('raw', rows);
          chunks.add(chunk_id);
        } else {
          recount.count('raw', rows);
          recount.meet('raw', dataset, batch_id, 1);
        }
      }
    });
  });
  for (const batch of recount.judged.values()) {
    if (wasInStream(batch) && recount.isKept('raw', batch))
      recount.note(rawDifferences(batch, found.get(batch.head.batch_id) ?? new Set()));
  }
}

export async function countRejected(recount: Recount, dataset: string): Promise<void> {
  const { refusals } = recount.ports;
  const found = new Map<string, Map<string, Record<string, number>>>();
  await each(refusals.list(dataset, recount.day), { width: WIDTH.rejected }, async ({ key, chunk_id }) => {
    recount.checkTime();
    await recount.orUnreadable(key, async () => {
      const refused = await refusals.read(key);
      recount.count('rejected', refused.length);
      const batch_id = batchOf(chunk_id);
      if (!recount.judged.has(batch_id)) return recount.meet('rejected', dataset, batch_id, refused.length);
      const chunks = getOrMake(found, batch_id, () => new Map());
      const reasons = getOrMake(chunks, chunk_id, () => ({}));
      for (const { reason } of refused) reasons[reason] = (reasons[reason] ?? 0) + 1;
    });
  });
  for (const batch of recount.of(dataset)) {
    if (recount.isKept('rejected', batch))
      recount.note(rejectedDifferences(batch, found.get(batch.head.batch_id) ?? new Map()));
  }
}

/** The line_ids of the judged batches, by batch. */
export async function countLanding(recount: Recount, dataset: string): Promise<ReadonlyMap<string, LineIds>> {
  const { landed } = recount.ports;
  const found = new Map<string, LineIds>();
  for (const batch of recount.of(dataset)) found.set(batch.head.batch_id, new LineIds(keptOf(batch)));
  await each(landed.list(dataset, recount.day), { width: WIDTH.landing }, async (file) => {
    recount.checkTime();
    await recount.orUnreadable(file.key, async () => {
      for await (const block of readIdentities(landed.open(file))) {
        recount.count('landing', block.length);
        for (const { line_id, batch_id } of block) {
          const ids = found.get(batch_id);
          if (ids) ids.add(line_id);
          else recount.meet('landing', dataset, batch_id, 1);
        }
      }
    });
  });
  for (const batch of recount.of(dataset)) {
    const ids = found.get(batch.head.batch_id)!;
    const most = mostOf(batch, claims(dataset));
    if (recount.isKept('landing', batch))
      recount.note(landingDifferences(batch, { rows: ids.size, surplus: ids.surplus(most) }, most));
  }
  return found;
}

/**
 * Where batches may have rows in common, which of them a row counts for in the warehouse is chance: how many there are
 * in all can be told when all of landing was looked at.
 */
export async function countWarehouse(
  recount: Recount,
  dataset: string,
  landed: ReadonlyMap<string, LineIds>,
): Promise<void> {
  recount.checkTime();
  const count = await recount.ports.recount.byBatch(dataset, recount.began_at);
  if (!count) return;
  recount.count('warehouse', count.rows);
  const isClaimed = claims(dataset);
  const loaded: LineIds = new LineIds();
  let doubled = count.rows - count.distinct;
  for (const batch of recount.of(dataset)) {
    const { batch_id } = batch.head;
    if (!wasLoaded(batch, count.loaded_at, recount.request.settleSeconds)) {
      recount.passedOver.warehouse++;
      continue;
    }
    const counted = count.batches.get(batch_id) ?? { rows: 0, distinct: 0 };
    doubled -= counted.rows - counted.distinct;
    recount.note(isClaimed ? claimedInWarehouse(batch, counted) : mixedInWarehouse(batch, counted));
    if (!isClaimed && recount.isWhole) loaded.addAll(landed.get(batch_id)!);
  }
  if (recount.isWhole) {
    for (const [batch_id, { rows }] of count.batches)
      if (!recount.judged.has(batch_id)) recount.meet('warehouse', dataset, batch_id, rows);
  }
  if (isClaimed) return;
  const place = { batch_id: null, dataset, store: 'warehouse' } as const;
  const expected = loaded.different();
  if (count.distinct < expected) recount.note([{ ...place, kind: 'missing', expected, found: count.distinct }]);
  if (doubled > 0) recount.note([{ ...place, kind: 'doubled', expected: count.rows - doubled, found: count.rows }]);
}

function wasLoaded(batch: Batch, loaded_at: string | undefined, settleSeconds: number): boolean {
  return loaded_at !== undefined && Date.parse(lastSign(batch)) + settleSeconds * 1000 <= Date.parse(loaded_at);
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}
