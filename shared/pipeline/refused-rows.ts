import { LIMITS } from '../domain/body';
import type { RefusedOf } from '../domain/edit';
import { type Batch, balanceOf } from '../domain/ledger';
import { rejectedTotal } from '../domain/outcome';
import { Problem } from '../domain/problem';
import { refusedFor } from '../domain/redrive';
import type { Ports } from './ports';
import { redrivable } from './redrive';

/** The batch, if it can be redriven and its refused rows fit in memory. @throws Problem not_found, conflict, too_large */
async function batchOf(batch_id: string, { batches }: Pick<Ports, 'batches'>, reason?: string): Promise<Batch> {
  const batch = await redrivable(batch_id, { batches });
  const { rejected } = balanceOf(batch);
  const rows = refusedFor(reason, rejected);
  if (rows <= LIMITS.rows) return batch;
  const detail = `${rows} rows are refused; ${LIMITS.rows} can be edited at a time: take those of one reason.`;
  throw new Problem('too_large', detail, { limit: LIMITS.rows });
}

/** The refused rows of a batch by chunk and line, or those of one reason. @throws Problem not_found, conflict, too_large */
export async function refusedRows(
  batch_id: string,
  reason: string | undefined,
  ports: Pick<Ports, 'batches' | 'rejects'>,
): Promise<Batch & { readonly refused: readonly RefusedOf[] }> {
  const batch = await batchOf(batch_id, ports, reason);
  const refused: RefusedOf[] = [];
  for (const { chunk_id, rejected } of batch.entries) {
    if (rejectedTotal({ rejected }) === 0) continue;
    const rows = await ports.rejects.read(batch.head, chunk_id);
    refused.push({ chunk_id, rows: rows.filter((row) => reason === undefined || row.reason === reason) });
  }
  return { ...batch, refused };
}

/**
 * The refused rows of a batch, and those that went through since with the texts that they had: what an edited table is
 * held against, also when it is taken a second time. @throws Problem not_found, conflict, too_large
 */
export async function rowsEverRefused(
  batch_id: string,
  ports: Pick<Ports, 'batches' | 'rejects' | 'attempts'>,
): Promise<Batch & { readonly refused: readonly RefusedOf[] }> {
  const batch = await refusedRows(batch_id, undefined, ports);
  const refused = [...batch.refused];
  const still = new Map(refused.map(({ chunk_id, rows }) => [chunk_id, new Set(rows.map(({ line }) => line))]));
  const { dataset } = batch.head;
  for (const { chunk_id, revision } of batch.entries) {
    for (let n = 1; n <= revision; n++) {
      const attempt = await ports.attempts.find({ dataset, chunk_id }, n);
      const through = (attempt?.rows ?? []).filter(({ line }) => !still.get(chunk_id)?.has(line));
      refused.push({ chunk_id, rows: through }, { chunk_id, rows: through.map((row) => ({ ...row, text: row.now })) });
    }
  }
  return { ...batch, refused };
}
