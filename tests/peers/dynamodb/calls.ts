import type { Incident, Told } from '../../../shared/domain/alert';
import type { Arrival } from '../../../shared/domain/arrival';
import type { InvoicePart } from '../../../shared/domain/invoice';
import type { BatchHead, ChunkEntry, ChunkFailure } from '../../../shared/domain/ledger';
import { type Figures, figuresOf } from '../../../shared/domain/live';
import type { Row } from '../../../shared/domain/outcome';
import type { CustomerInvoice } from '../../../shared/pipeline/ports';
import type { Stores } from './tables';

/** A call of a port, what it must answer, and what the same call must answer right behind it where that differs. */
export interface Call {
  readonly does: string;
  readonly call: (stores: Stores) => Promise<unknown>;
  readonly answer: unknown;
  readonly again?: unknown;
}

const BATCH = '0a'.repeat(16);
const PART_2 = '2b'.repeat(16);
const NEVER_OPENED = '3c'.repeat(16);
const FILE = { hash: 'f0'.repeat(32), part: 1, parts: 3 };

const head: BatchHead = {
  batch_id: BATCH,
  dataset: 'transactions',
  contract_version: 1,
  format: 'csv',
  columns: ['invoice_no', 'stock_code', 'country'],
  received: 12,
  slices: [
    { start: 10, end: 500, first_line: 2, rows: 7 },
    { start: 500, end: 67_108_864, first_line: 9, rows: 5 },
  ],
  received_at: '2026-03-01T12:00:00.000Z',
  sent_by: 'größe@shop 🛒',
  file: FILE,
};
const { file: _, ...alone } = head;
const second: BatchHead = { ...alone, batch_id: PART_2, slices: [], columns: [], file: { ...FILE, part: 2 } };
const accepted = { ...head, accepted_at: '2026-03-01T12:00:01.000Z' };

const entry = (number: number, changes: Partial<ChunkEntry> = {}): ChunkEntry => ({
  batch_id: BATCH,
  number,
  chunk_id: `${BATCH}-${number}-0123456789ab`,
  revision: 0,
  kept: 5,
  duplicate: 0,
  rejected: { unparseable: 1, cancellation: 2 },
  cleaned_at: '2026-03-01T12:00:05.000Z',
  ...changes,
});
const failure = (number: number): ChunkFailure => ({
  batch_id: BATCH,
  number,
  chunk_id: `${BATCH}-${number}-0123456789ab`,
  failed_at: '2026-03-01T12:00:06.000Z',
});

const ledger: readonly Call[] = [
  { does: 'finds no unknown batch', call: (s) => s.batches.find(BATCH), answer: undefined },
  { does: 'accepts no unknown batch', call: (s) => s.batches.accept(BATCH, 'never'), answer: undefined },
  { does: 'made none by that', call: (s) => s.batches.find(BATCH), answer: undefined },
  { does: 'opens a batch', call: (s) => s.batches.open(head), answer: head },
  { does: 'finds it', call: (s) => s.batches.find(BATCH), answer: { head, entries: [], failures: [] } },
  {
    does: 'opens it as it was first opened',
    call: (s) => s.batches.open({ ...alone, received: 1, slices: [], sent_by: 'another' }),
    answer: head,
  },
  { does: 'accepts it', call: (s) => s.batches.accept(BATCH, accepted.accepted_at), answer: undefined },
  { does: 'accepts it once', call: (s) => s.batches.accept(BATCH, '2027-01-01T00:00:00.000Z'), answer: undefined },
  { does: 'opens what is accepted as it is', call: (s) => s.batches.open(head), answer: accepted },
  { does: 'finds no entry of a chunk', call: (s) => s.chunks.find(BATCH, 12), answer: undefined },
  { does: 'records a chunk', call: (s) => s.chunks.record(entry(12)), answer: entry(12) },
  {
    does: 'records it once',
    call: (s) => s.chunks.record(entry(12, { kept: 0, duplicate: 8, rejected: {} })),
    answer: entry(12),
  },
  {
    does: 'records a chunk without refused rows',
    call: (s) => s.chunks.record(entry(2, { rejected: {}, duplicate: 3 })),
    answer: entry(2, { rejected: {}, duplicate: 3 }),
  },
  { does: 'finds an entry', call: (s) => s.chunks.find(BATCH, 12), answer: entry(12) },
  { does: 'notes a failed chunk', call: (s) => s.chunks.fail(failure(7)), answer: undefined },
  {
    does: 'notes it once',
    call: (s) => s.chunks.fail({ ...failure(7), failed_at: '2027-01-01T00:00:00.000Z' }),
    answer: undefined,
  },
  { does: 'notes another', call: (s) => s.chunks.fail(failure(3)), answer: undefined },
  {
    does: 'finds all of the batch by number',
    call: (s) => s.batches.find(BATCH),
    answer: {
      head: accepted,
      entries: [entry(2, { rejected: {}, duplicate: 3 }), entry(12)],
      failures: [failure(3), failure(7)],
    },
  },
];

const files: readonly Call[] = [
  { does: 'knows no unknown file', call: (s) => s.files.batches(FILE.hash), answer: [] },
  {
    does: 'claims the second part first',
    call: (s) => s.files.claim({ ...FILE, part: 2 }, PART_2),
    answer: { batch_id: PART_2, parts: 3 },
  },
  { does: 'claims a part', call: (s) => s.files.claim(FILE, BATCH), answer: { batch_id: BATCH, parts: 3 } },
  {
    does: 'names who has a part',
    call: (s) => s.files.claim(FILE, NEVER_OPENED),
    answer: { batch_id: BATCH, parts: 3 },
  },
  {
    does: 'names the number of parts that came first',
    call: (s) => s.files.claim({ ...FILE, parts: 4 }, BATCH),
    answer: { batch_id: BATCH, parts: 3 },
  },
  {
    does: 'claims for a batch that is never opened',
    call: (s) => s.files.claim({ ...FILE, part: 3 }, NEVER_OPENED),
    answer: { batch_id: NEVER_OPENED, parts: 3 },
  },
  { does: 'opens the second part', call: (s) => s.batches.open(second), answer: second },
  {
    does: 'lists a file by part',
    call: async (s) => (await s.files.batches(FILE.hash)).map((batch) => batch.head),
    answer: [accepted, second],
  },
];

const row = (invoice_no: string, changes: Partial<Row> = {}): Row => ({
  invoice_no,
  stock_code: '85123A',
  description: 'WHITE HANGING HEART',
  quantity: 6,
  invoice_date: '2010-12-01T08:26:00Z',
  unit_price: '2.55',
  customer_id: '17850',
  country: 'United Kingdom',
  ...changes,
});
/** What numbers, texts and nulls may look like: of 12 digits the last and the first, zeros at both ends, no text. */
const AWKWARD: readonly Partial<Row>[] = [
  {},
  { unit_price: '99999999.9999', quantity: 2_147_483_647 },
  { unit_price: '0.0001', quantity: 1 },
  { unit_price: '100000', quantity: 1000 },
  { unit_price: '10', description: null },
  { unit_price: '20.5', description: '' },
  { description: '€ "quoted", two\nlines 🇬🇧\u0000', stock_code: '0085' },
  { invoice_date: '2011-01-01T00:00:00.000001Z', customer_id: 'Unknown' },
];
const part = (invoice_no: string, number: number, version: number, rows: readonly Partial<Row>[]): InvoicePart => ({
  invoice_no,
  part: number,
  version,
  lines: rows.map((changes, i) => ({
    line_id: `${number}${i}`.padStart(32, 'e0'),
    row: row(invoice_no, changes),
    chunk_id: `${BATCH}-${i % 3}-0123456789ab`,
  })),
});
const awkward = part('A', 0, 1, AWKWARD);
const twelve = Array.from({ length: 12 }, (_, i) => part('B', i, 1, [{ quantity: i }]));

const invoices: readonly Call[] = [
  { does: 'reads no invoice', call: (s) => s.invoices.read([]), answer: new Map() },
  { does: 'reads an unknown invoice', call: (s) => s.invoices.read(['A']), answer: new Map([['A', []]]) },
  { does: 'writes nothing', call: (s) => s.invoices.write([]), answer: [] },
  { does: 'writes a first version', call: (s) => s.invoices.write([awkward]), answer: [], again: ['A'] },
  { does: 'reads every value as it was', call: (s) => s.invoices.read(['A']), answer: new Map([['A', [awkward]]]) },
  {
    does: 'writes many parts, the last one first',
    call: (s) => s.invoices.write([...twelve].reverse()),
    answer: [],
    again: ['B'],
  },
  {
    does: 'reads parts by number, and an invoice once however often it is named',
    call: (s) => s.invoices.read(['B', 'A', 'B', 'none']),
    answer: new Map([
      ['B', twelve],
      ['A', [awkward]],
      ['none', []],
    ]),
  },
  {
    does: 'writes the next version',
    call: (s) => s.invoices.write([part('A', 0, 2, AWKWARD.slice(1))]),
    answer: [],
    again: ['A'],
  },
  { does: 'refuses a version that is there', call: (s) => s.invoices.write([awkward]), answer: ['A'] },
  {
    does: 'refuses a version whose predecessor was never written',
    call: (s) => s.invoices.write([part('A', 0, 4, [])]),
    answer: ['A'],
  },
  { does: 'refuses a later version of nothing', call: (s) => s.invoices.write([part('C', 0, 2, [])]), answer: ['C'] },
  {
    does: 'ends an invoice at its first conflict, and goes on with the others',
    call: (s) =>
      s.invoices.write([part('A', 0, 3, [{}]), part('D', 0, 1, [{}]), part('A', 0, 3, [{}]), part('A', 1, 1, [{}])]),
    answer: ['A'],
    again: ['A', 'D'],
  },
  {
    does: 'reads what went through and no more',
    call: (s) => s.invoices.read(['A', 'C', 'D']),
    answer: new Map([
      ['A', [part('A', 0, 3, [{}])]],
      ['C', []],
      ['D', [part('D', 0, 1, [{}])]],
    ]),
  },
];

const on = (customer_id: string, invoice_no: string, country = 'France'): CustomerInvoice => ({
  customer_id,
  invoice_no,
  invoice_date: '2010-12-01T08:26:00Z',
  country,
});
const sixty = Array.from({ length: 60 }, (_, i) => on('17850', String(536_365 + i)));
/** By their bytes in UTF-8; by the 16-bit units of a string the last two would change places. */
const SORTED = ['10', '9', 'a', 'ä', '\ufffd', '😀'];

const customers: readonly Call[] = [
  { does: 'knows no unknown customer', call: (s) => s.customers.invoices('17850', { limit: 5 }), answer: [] },
  { does: 'puts nothing', call: (s) => s.customers.put([]), answer: undefined },
  {
    does: 'puts more than one call takes, one of them twice',
    call: (s) => s.customers.put([on('17850', '536365', 'Spain'), ...sixty]),
    answer: undefined,
  },
  {
    does: 'lists all of them, the last word on each',
    call: (s) => s.customers.invoices('17850', { limit: 100 }),
    answer: sixty,
  },
  {
    does: 'lists a page',
    call: (s) => s.customers.invoices('17850', { limit: 3, after: '536366' }),
    answer: sixty.slice(2, 5),
  },
  {
    does: 'ends with the last page',
    call: (s) => s.customers.invoices('17850', { limit: 3, after: '536423' }),
    answer: sixty.slice(59),
  },
  { does: 'puts again', call: (s) => s.customers.put([on('17850', '536366', 'Spain')]), answer: undefined },
  {
    does: 'lists what was put last',
    call: (s) => s.customers.invoices('17850', { limit: 1, after: '536365' }),
    answer: [on('17850', '536366', 'Spain')],
  },
  {
    does: 'puts numbers that are no numbers',
    call: (s) => s.customers.put([...SORTED].reverse().map((no) => on('ä', no))),
    answer: undefined,
  },
  {
    does: 'lists them by their bytes',
    call: async (s) => (await s.customers.invoices('ä', { limit: 10 })).map(({ invoice_no }) => invoice_no),
    answer: SORTED,
  },
];

/** Every method of every port that has a table, in an order; each goes on from the state that those before it left. */
const KEY = 'inbox/transactions/März + 1.csv';
const arrival: Arrival = {
  key: KEY,
  version: 'v1',
  checksum: 'sha256:x',
  bytes: 12,
  arrived_at: '2026-03-01T12:00:00.000Z',
  state: 'reading',
  sent_by: 'größe@shop',
  lease: { holder: 'one', until: '2026-03-01T12:16:00.000Z' },
};
const by = (holder: string, until: string): Arrival => ({ ...arrival, lease: { holder, until } });
const taken = by('two', '2026-03-01T13:16:00.000Z');
const done: Arrival = { ...taken, state: 'done', file: 'f0'.repeat(32), finished_at: '2026-03-01T13:01:00.000Z' };
const newer: Arrival = { ...arrival, version: 'v2', arrived_at: '2026-03-02T12:00:00.000Z' };

const arrivals: readonly Call[] = [
  { does: 'knows no file', call: (s) => s.arrivals.of(KEY), answer: [] },
  { does: 'claims a file', call: (s) => s.arrivals.claim(arrival, '2026-03-01T12:00:00.000Z'), answer: arrival },
  {
    does: 'claims none that another holds',
    call: (s) => s.arrivals.claim(by('two', '2026-03-01T12:20:00.000Z'), '2026-03-01T12:04:00.000Z'),
    answer: arrival,
  },
  {
    does: 'claims one whose holder has had its time',
    call: (s) => s.arrivals.claim(taken, '2026-03-01T13:00:00.000Z'),
    answer: taken,
  },
  { does: 'has it unfinished', call: (s) => s.backlog.unfinished(), answer: [taken] },
  { does: 'notes that it is done', call: (s) => s.arrivals.note(done), answer: undefined },
  {
    does: 'claims none that is done',
    call: (s) => s.arrivals.claim(by('three', '2026-03-03T12:00:00.000Z'), '2026-03-03T11:00:00.000Z'),
    answer: done,
  },
  { does: 'has nothing unfinished', call: (s) => s.backlog.unfinished(), answer: [] },
  { does: 'claims what is put there next', call: (s) => s.arrivals.claim(newer, newer.arrived_at), answer: newer },
  { does: 'has both, the newer first', call: (s) => s.arrivals.of(KEY), answer: [newer, done] },
  { does: 'knows no sender', call: (s) => s.senders.find(KEY), answer: undefined },
  { does: 'is told of a sender', call: (s) => s.senders.announce(KEY, 'ada'), answer: undefined },
  { does: 'finds the sender', call: (s) => s.senders.find(KEY), answer: 'ada' },
];

/** What there is to be told, in the order of ids: each store has its own order, and its own marks. */
async function all<T extends { batch_id: string } | { id: string }>(found: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const one of found) list.push(one);
  const idOf = (one: T) => ('id' in one ? one.id : one.batch_id);
  return list.sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}
const untold = async ({ watch }: Stores) => (await all(watch.untold())).map(({ batch_id }) => batch_id);
const telling = (facts: Told) => async (s: Stores) => {
  for (const one of await all(s.watch.untold())) await s.watch.tell(one, facts);
};
const told: Told = {
  at: '2026-03-01T12:15:00.000Z',
  kept: 5,
  duplicate: 0,
  rejected: { cancellation: 2, unparseable: 1 },
};
const toldMore: Told = { ...told, at: '2026-03-01T12:30:00.000Z', kept: 6, rejected: { cancellation: 2 } };
/** An end of the quiet time that no clock of a check has come to. */
const LATER = '2999-01-01T00:00:00.000Z';
const incident = (id: string, facts: Incident['facts'] = {}): Incident => ({
  id,
  kind: 'file_refused',
  dataset: 'größe',
  at: '2026-03-01T12:00:00.000Z',
  facts,
});

const news: readonly Call[] = [
  { does: 'has what was opened to be told', call: untold, answer: [BATCH, PART_2] },
  { does: 'knows of nothing told', call: (s) => s.watch.told(BATCH), answer: undefined },
  { does: 'tells', call: telling(told), answer: undefined },
  { does: 'has nothing more to be told', call: untold, answer: [] },
  { does: 'knows what was told', call: (s) => s.watch.told(BATCH), answer: told },
  { does: 'has a batch to be told again', call: (s) => s.watch.again(BATCH, told.at), answer: undefined },
  { does: 'finds it', call: untold, answer: [BATCH] },
  {
    does: 'tells of what has changed since it was found: it stays',
    call: (s) => s.watch.tell({ batch_id: BATCH, received_at: head.received_at, mark: '0' }, told),
    answer: undefined,
  },
  { does: 'finds it still', call: untold, answer: [BATCH] },
  { does: 'tells more of it', call: telling(toldMore), answer: undefined },
  { does: 'knows what was told last', call: (s) => s.watch.told(BATCH), answer: toldMore },
  {
    does: 'has a batch as if nobody watched',
    call: async (s) => (await s.batches.find(BATCH))?.head,
    answer: accepted,
  },
  { does: 'has an incident told', call: (s) => s.incidents.keep(incident('a'), LATER), answer: 'tell' },
  { does: 'holds the next', call: (s) => s.incidents.keep(incident('b', { n: [1, 'ü'] }), LATER), answer: 'hold' },
  { does: 'has it', call: (s) => all(s.incidents.held()), answer: [incident('b', { n: [1, 'ü'] })] },
  { does: 'notes it', call: (s) => s.incidents.told([incident('b')]), answer: undefined },
  { does: 'has none', call: (s) => all(s.incidents.held()), answer: [] },
  { does: 'knows it', call: (s) => s.incidents.keep(incident('b'), LATER), answer: 'known' },
  { does: 'has the other told still', call: (s) => s.incidents.keep(incident('a'), LATER), answer: 'tell' },
];

/** Figures of so many pieces of one thing. */
export const figures = (quantity: number): Figures => {
  const came = { dataset: 'transactions', received_at: '2026-03-01T12:00:00.000Z' };
  const row = { stock_code: 'größe', description: '🛒', quantity, unit_price: '1', invoice_date: came.received_at };
  return figuresOf(came, [{ line_id: 'l', row }], new Set());
};
const piece = (chunk_id: string, received_at: string) => ({
  dataset: 'transactions',
  batch_id: BATCH,
  chunk_id,
  received_at,
});
const DAY = { dataset: 'transactions', at: '2026-03-01' };
const HOUR = { dataset: 'transactions', at: '2026-03-01T12' };

async function piecesOf<T>(pieces: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of pieces) found.push(each);
  return found;
}

const live: readonly Call[] = [
  {
    does: 'has no figures',
    call: (s) => piecesOf(s.live.pieces('transactions', '2026-03-01T12:00', '2026-03-01T12:59')),
    answer: [],
  },
  { does: 'puts figures', call: (s) => s.live.put(piece('b', '2026-03-01T12:01:00Z'), figures(1)), answer: undefined },
  { does: 'puts others', call: (s) => s.live.put(piece('a', '2026-03-01T12:01:59Z'), figures(2)), answer: undefined },
  {
    does: 'puts some of later',
    call: (s) => s.live.put(piece('c', '2026-03-01T12:02:00Z'), figures(3)),
    answer: undefined,
  },
  {
    does: 'has those of a minute',
    call: (s) => piecesOf(s.live.pieces('transactions', '2026-03-01T12:00', '2026-03-01T12:01')),
    answer: [figures(2), figures(1)].map((each) => ({ minute: '2026-03-01T12:01', figures: each })),
  },
  { does: 'has no marks', call: (s) => s.live.marks(DAY), answer: new Map() },
  { does: 'keeps a sum', call: (s) => s.live.keep(HOUR, { mark: 3, figures: figures(6) }), answer: undefined },
  {
    does: 'has it',
    call: (s) => s.live.sums(DAY, '2026-03-01T12', '2026-03-01T12'),
    answer: new Map([['2026-03-01T12', { mark: 3, figures: figures(6) }]]),
  },
  { does: 'has none of later', call: (s) => s.live.sums(DAY, '2026-03-01T13', '2026-03-01T23'), answer: new Map() },
];

export const CALLS: readonly Call[] = [...ledger, ...files, ...invoices, ...customers, ...arrivals, ...news, ...live];
