import { type Batch, balanceOf } from '../domain/ledger';
import { readOrder } from '../domain/order';
import { Problem } from '../domain/problem';
import { refusedFor } from '../domain/redrive';
import type { Ports } from './ports';

/** What the caller hears of an order. */
export interface Ordered {
  readonly batch_id: string;
  /** Refused rows that it is about; of a replay, all rows. None: there is nothing to be done, and nothing was ordered. */
  readonly rows: number;
  readonly replay: boolean;
  /** Where the batch tells what became of it. */
  readonly status: string;
}

/**
 * Orders a redrive of a batch from whoever works the orders off. What is wrong with it by now is said at once; what
 * another redrive changes until it is done is no fault of the order's. @throws Problem
 */
export async function orderRedrive(
  { batch_id, body, by }: { readonly batch_id: string; readonly body: Buffer; readonly by: string },
  { batches, orders }: Pick<Ports, 'batches' | 'orders'>,
): Promise<Ordered> {
  const order = readOrder(body);
  const batch = /^[0-9a-f]{32}$/.test(batch_id) ? await batches.find(batch_id) : undefined;
  if (!batch) throw new Problem('not_found', 'There is no such batch.');
  const rows = rowsOf(batch, order);
  if (rows > 0) await orders.put({ batch_id, ...order, by });
  return { batch_id, rows, replay: order.replay ?? false, status: `/v1/batches/${batch_id}` };
}

/** Rows that an order is about. @throws Problem conflict while the batch is under way, or cannot be replayed */
function rowsOf(batch: Batch, { reason, replay }: ReturnType<typeof readOrder>): number {
  const { status, received, rejected } = balanceOf(batch);
  const facts = { batch_status: status };
  if (status === 'open') throw new Problem('conflict', 'The batch is not wholly taken in: send it again first.', facts);
  // A chunk may have been lost on its way: only a replay brings it.
  if (status === 'provisional' || (status === 'accepted' && !replay))
    throw new Problem('conflict', 'The batch is being cleaned: ask again when every row has its outcome.', facts);
  if (!replay) return refusedFor(reason, rejected);
  const { origin, slices } = batch.head;
  // What Spark read never was in the stream, and its chunks are of no lines.
  if (origin && slices.every(({ first_line }) => first_line === 0))
    throw new Problem(
      'conflict',
      `The batch was read by Spark and is not in raw/: put ${origin.key} into the inbox again.`,
      {
        key: origin.key,
      },
    );
  return received;
}
