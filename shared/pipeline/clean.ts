import { cleanRows } from '../domain/clean';
import { type Dataset, datasets } from '../domain/dataset';
import type { ChunkEntry } from '../domain/ledger';
import { accountedFor, type KeptRow } from '../domain/outcome';
import { type Chunk, NotAChunk, unpack } from '../domain/packing';
import { claim } from './claim';
import { type CustomerInvoice, type Ports, Unavailable } from './ports';

export type CleanPorts = Pick<Ports, 'clock' | 'chunks' | 'invoices' | 'customers' | 'landing' | 'rejects' | 'failed'>;

/** A record as the stream delivers it. */
export interface Delivered {
  readonly sequence: string;
  readonly data: Uint8Array;
}

/**
 * Cleans records in order and answers the first one that a broken world kept from going through, from which the
 * stream is to deliver again; undefined when all are through. `onTrouble` hears why.
 */
export async function cleanRecords(
  records: readonly Delivered[],
  ports: CleanPorts,
  onTrouble: (error: unknown, record: Delivered) => void,
): Promise<string | undefined> {
  for (const record of records) {
    try {
      await cleanRecord(record, ports, onTrouble);
    } catch (error) {
      onTrouble(error, record);
      return record.sequence;
    }
  }
  return undefined;
}

/** A defect that repeats on the same bytes goes to `failed/`; a broken world is thrown. */
async function cleanRecord(
  record: Delivered,
  ports: CleanPorts,
  onTrouble: (error: unknown, record: Delivered) => void,
) {
  let id = `unreadable-${record.sequence}`;
  let chunk: Chunk | undefined;
  try {
    chunk = unpack(record.data);
    id = chunk.chunk_id;
    await cleanChunk(chunk, ports);
  } catch (error) {
    if (error instanceof Unavailable || !(error instanceof Error)) throw error;
    onTrouble(error, record);
    await ports.failed.put(id, record.data, error);
    if (chunk) {
      const { batch_id, number, chunk_id } = chunk;
      await ports.chunks.fail({ batch_id, number, chunk_id, failed_at: ports.clock.now().toISOString() });
    }
  }
}

/**
 * Takes one chunk from rows to outcomes: the claim, landing, rejected rows, customers, and the ledger entry last, so
 * that a crash at any point is mended by doing all of it again. A chunk whose entry is there is skipped.
 */
export async function cleanChunk(chunk: Chunk, ports: CleanPorts): Promise<ChunkEntry> {
  const known = await ports.chunks.find(chunk.batch_id, chunk.number);
  if (known) return known;

  const dataset = datasets.get(chunk.dataset);
  if (!dataset) throw new NotAChunk(`there is no data set ${chunk.dataset}`);
  const { accepted, repeated, rejected } = cleanRows(chunk, dataset);

  const { kept, duplicates, lines } = await keep(chunk, dataset, accepted, ports);
  if (kept.length > 0) await ports.landing.append(chunk, kept);
  if (rejected.length > 0) await ports.rejects.put(chunk, rejected);
  if (lines.length > 0) await ports.customers.put(customersOf(lines, dataset));

  const reasons: Record<string, number> = {};
  for (const { reason } of rejected) reasons[reason] = (reasons[reason] ?? 0) + 1;
  const entry: ChunkEntry = {
    batch_id: chunk.batch_id,
    number: chunk.number,
    chunk_id: chunk.chunk_id,
    revision: 0,
    kept: kept.length,
    duplicate: repeated + duplicates,
    rejected: reasons,
    cleaned_at: ports.clock.now().toISOString(),
  };
  // What was received and what is accounted for must be one number, or the ledger would never balance.
  if (accountedFor(entry) !== chunk.rows) {
    throw new Error(`${chunk.chunk_id} has ${chunk.rows} rows, and ${accountedFor(entry)} have an outcome`);
  }
  return ports.chunks.record(entry);
}

interface Kept {
  readonly kept: readonly KeptRow[];
  readonly duplicates: number;
  readonly lines: readonly KeptRow[];
}

/** Where a contract claims, the Invoices table decides what is new; elsewhere what is accepted is kept. */
async function keep(chunk: Chunk, dataset: Dataset, accepted: readonly KeptRow[], ports: CleanPorts): Promise<Kept> {
  const by = dataset.contract.claim?.by;
  if (by === undefined) return { kept: accepted, duplicates: 0, lines: [] };
  const { claimed, duplicates } = await claim(chunk.chunk_id, accepted, (row) => String(row[by]), ports.invoices);
  return { kept: claimed, duplicates, lines: claimed };
}

/** One entry for each customer and invoice of the lines; a default such as Unknown is not a customer. */
export function customersOf(lines: readonly KeptRow[], { contract }: Dataset): CustomerInvoice[] {
  const { by, customer } = contract.claim!;
  const nobody = contract.columns.find((column) => column.name === customer)?.default;
  const entries = new Map<string, CustomerInvoice>();
  for (const { row } of lines) {
    const customer_id = String(row[customer]);
    const invoice_no = String(row[by]);
    if (customer_id === nobody) continue;
    const key = `${customer_id}\n${invoice_no}`;
    if (!entries.has(key)) {
      entries.set(key, {
        customer_id,
        invoice_no,
        invoice_date: String(row[contract.event_time]),
        country: String(row.country),
      });
    }
  }
  return [...entries.values()];
}
