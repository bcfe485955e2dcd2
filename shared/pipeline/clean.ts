import { cleanRows } from '../domain/clean';
import { type Dataset, datasets } from '../domain/dataset';
import type { ChunkEntry } from '../domain/ledger';
import { accountedFor, type KeptRow, rejectedTotal } from '../domain/outcome';
import { type Chunk, NotAChunk, unpack } from '../domain/packing';
import { claim } from './claim';
import { type CustomerInvoice, type Ports, Unavailable } from './ports';
import { putLive } from './put-live';

export type CleanPorts = Pick<
  Ports,
  'clock' | 'chunks' | 'invoices' | 'customers' | 'live' | 'landing' | 'rejects' | 'failed' | 'telemetry'
>;

/** A record as the stream delivers it. */
export interface Delivered {
  readonly sequence: string;
  readonly data: Uint8Array;
}

/**
 * Cleans records in order and answers the first one that a broken world kept from going through, from which the
 * stream is to deliver again; undefined when all are through. The log, and `onTrouble`, hear why.
 */
export async function cleanRecords(
  records: readonly Delivered[],
  ports: CleanPorts,
  onTrouble: (error: unknown, record: Delivered) => void = () => undefined,
): Promise<string | undefined> {
  for (const record of records) {
    const read: Read = {};
    const tell = (message: string, error: unknown) => {
      const { batch_id, chunk_id, dataset } = read.chunk ?? {};
      ports.telemetry.log('error', message, { batch_id, chunk_id, dataset, sequence: record.sequence, error });
      onTrouble(error, record);
    };
    try {
      await cleanRecord(record, read, ports, (defect) => tell('a chunk cannot be cleaned', defect));
    } catch (error) {
      tell('a chunk is to be delivered again', error);
      return record.sequence;
    }
  }
  return undefined;
}

/** What a record turned out to be, as far as it could be read. */
interface Read {
  chunk?: Chunk;
}

/** A defect that repeats on the same bytes goes to `failed/`; a broken world is thrown. */
async function cleanRecord(record: Delivered, read: Read, ports: CleanPorts, onDefect: (error: Error) => void) {
  try {
    read.chunk = unpack(record.data);
    await cleanChunk(read.chunk, ports, true);
  } catch (error) {
    if (error instanceof Unavailable || !(error instanceof Error)) throw error;
    onDefect(error);
    const { chunk } = read;
    await ports.failed.put(chunk?.chunk_id ?? `unreadable-${record.sequence}`, record.data, error);
    if (chunk) {
      const { batch_id, number, chunk_id } = chunk;
      await ports.chunks.fail({ batch_id, number, chunk_id, failed_at: ports.clock.now().toISOString() });
    }
    ports.telemetry.measure({ ChunksFailed: 1 }, datasets.get(chunk?.dataset ?? '')?.name);
  }
}

/**
 * Takes one chunk from rows to outcomes: the claim, figures of the day, landing, rejected rows, customers, and the ledger entry last, so
 * that a crash at any point is mended by doing all of it again. A chunk whose entry is there is skipped. `timed`: it
 * comes straight from its request, so that the time it took says something of the pipeline.
 */
export async function cleanChunk(chunk: Chunk, ports: CleanPorts, timed = false): Promise<ChunkEntry> {
  const known = await ports.chunks.find(chunk.batch_id, chunk.number);
  if (known) return cameAgain(chunk, known, ports);

  const dataset = datasets.get(chunk.dataset);
  if (!dataset) throw new NotAChunk(`there is no data set ${chunk.dataset}`);
  const { accepted, repeated, rejected } = cleanRows(chunk, dataset);

  const { kept, duplicates, lines, opening } = await keep(chunk, dataset, accepted, ports);
  await putLive(chunk, kept, opening, ports); // first: where it is busy, nothing has landed twice
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
  const stored = await ports.chunks.record(entry);
  return stored === entry ? counted(chunk, entry, timed, ports) : cameAgain(chunk, stored, ports);
}

/** Numbers are of entries that were written just now: a chunk that is delivered twice counts once. */
function counted(chunk: Chunk, entry: ChunkEntry, timed: boolean, { telemetry }: CleanPorts): ChunkEntry {
  const { received_at, dataset, rows } = chunk;
  const { batch_id, chunk_id, number, kept, duplicate, rejected, cleaned_at } = entry;
  const ms = Date.parse(cleaned_at) - Date.parse(received_at);
  const values = { RowsKept: kept, RowsDuplicate: duplicate, RowsRejected: rejectedTotal(entry) };
  telemetry.measure({ ...values, ...(timed && { PostToLedger: ms }) }, dataset);
  const outcomes = { rows, kept, duplicate, rejected };
  telemetry.log('info', 'a chunk is clean', { batch_id, chunk_id, dataset, number, ...outcomes, ms });
  return entry;
}

function cameAgain({ batch_id, chunk_id, dataset }: Chunk, known: ChunkEntry, { telemetry }: CleanPorts): ChunkEntry {
  telemetry.log('info', 'a chunk that is clean came again', { batch_id, chunk_id, dataset });
  return known;
}

interface Kept {
  readonly kept: readonly KeptRow[];
  readonly duplicates: number;
  readonly lines: readonly KeptRow[];
  readonly opening: ReadonlySet<string>;
}

/** Where a contract claims, the Invoices table decides what is new; elsewhere what is accepted is kept. */
async function keep(chunk: Chunk, dataset: Dataset, accepted: readonly KeptRow[], ports: CleanPorts): Promise<Kept> {
  const by = dataset.contract.claim?.by;
  if (by === undefined) return { kept: accepted, duplicates: 0, lines: [], opening: new Set() };
  const { claimed, duplicates, opening } = await claim(
    chunk.chunk_id,
    accepted,
    (row) => String(row[by]),
    ports.invoices,
  );
  return { kept: claimed, duplicates, lines: claimed, opening };
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
