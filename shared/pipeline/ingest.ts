import { type Body, datasetNamed, LIMITS, notTooMany, readBody, type Sent, withQuotesClosed } from '../domain/body';
import { cut, rowsOf, type Slice } from '../domain/cutting';
import type { Dataset } from '../domain/dataset';
import { batchId } from '../domain/identity';
import type { BatchHead, FilePart, Origin } from '../domain/ledger';
import type { Verdict } from '../domain/outcome';
import { MAX_PAYLOAD_BYTES, pack, type Sealed, seal } from '../domain/packing';
import { Problem } from '../domain/problem';
import { AnswerRoom } from './pages';
import type { Ports, StreamRecord } from './ports';

/** A request to take rows in. */
export interface Delivery {
  readonly dataset: string;
  readonly body: Sent;
  /** The token's subject. */
  readonly sent_by: string;
  readonly file?: FilePart | undefined;
  /** The line that the body's first row has in its file; by default its line in the body. */
  readonly line?: number | undefined;
  /** The file in the inbox that it is from. */
  readonly origin?: Origin | undefined;
}

/** What the sender hears when every chunk is in the stream. */
export interface Accepted {
  readonly batch_id: string;
  readonly dataset: string;
  readonly rows: number;
  readonly chunks: number;
  /** True when the same content had been accepted before: nothing was sent again. */
  readonly known: boolean;
}

/**
 * Takes a body in: the ledger head first, `open`, with the borders of its chunks; then the chunks; then `accepted`.
 * A batch that is already accepted is answered from its head; one that is open is cut where its head says.
 * @throws Problem for a body that cannot be taken, Unavailable for a world that cannot take it
 */
export async function ingest(
  delivery: Delivery,
  ports: Pick<Ports, 'batches' | 'files' | 'stream' | 'clock' | 'telemetry'>,
): Promise<Accepted> {
  const dataset = datasetNamed(delivery.dataset);
  const { file } = delivery;
  const body = readBody(delivery.body, dataset, file !== undefined && file.part > 1);
  const batch_id = batchId({ dataset: dataset.name, format: body.format, text: body.text, file });
  const sealed = sealSlices(body, dataset, delivery.line ?? body.line);

  if (file) await claimPart(file, batch_id, ports);
  const head = await ports.batches.open({
    batch_id,
    dataset: dataset.name,
    contract_version: dataset.contract.version,
    format: body.format,
    columns: body.columns,
    received: sealed.reduce((rows, { slice }) => rows + slice.rows, 0),
    slices: sealed.map(({ slice }) => slice),
    received_at: ports.clock.now().toISOString(),
    sent_by: delivery.sent_by,
    ...(file && { file }),
    ...(delivery.origin && { origin: delivery.origin }),
  });
  const answer = { batch_id, dataset: head.dataset, rows: head.received, chunks: head.slices.length };
  const { telemetry } = ports;
  const facts = { ...answer, sent_by: delivery.sent_by, ...(file && { file: file.hash, part: file.part }) };
  if (head.accepted_at !== undefined) {
    telemetry.log('info', 'a batch that is accepted came again', facts);
    return { ...answer, known: true };
  }

  await ports.stream.append(records(head, body, sealed));
  await ports.batches.accept(batch_id, ports.clock.now().toISOString());
  telemetry.measure({ RowsReceived: head.received }, head.dataset);
  telemetry.log('info', 'a batch is accepted', facts);
  return { ...answer, known: false };
}

/** A part of a file is one batch for good: whoever cuts the file otherwise would send rows twice, or never. */
async function claimPart(file: FilePart, batch_id: string, { files }: Pick<Ports, 'files'>): Promise<void> {
  const known = await files.claim(file, batch_id);
  if (known.batch_id === batch_id && known.parts === file.parts) return;
  throw new Problem(
    'conflict',
    `Part ${file.part} of this file came before with other rows, as another data set, or as one of ${known.parts} parts. ` +
      'Go on with the cut, the charset and the data set that the file was begun with.',
    { batch_id: known.batch_id, parts: known.parts },
  );
}

/** Verdicts of one answer, and their bytes: it must stay under Lambda's 6 MB. */
const MOST_VERDICTS = 5000;

/** The verdict of the contract on each row of a body; nothing is stored. @throws Problem */
export function validate(name: string, sent: Sent) {
  const dataset = datasetNamed(name);
  const body = readBody(sent, dataset);
  const clean = dataset.cleaner(body.format, body.columns);
  const verdicts: ({ line: number } & Verdict)[] = [];
  const reasons: Record<string, number> = {};
  const room = new AnswerRoom();
  let rows = 0;
  let kept = 0;
  cutBody(body, dataset, body.line);
  for (const { text, line } of rowsOf(body.text.slice(body.start), body.format, body.line)) {
    const verdict = shown(clean(text));
    rows++;
    if (verdict.kind === 'kept') kept++;
    else reasons[verdict.reason] = (reasons[verdict.reason] ?? 0) + 1;
    if (verdicts.length === rows - 1 && rows <= MOST_VERDICTS && room.take(verdict))
      verdicts.push({ line, ...verdict });
  }
  return { dataset: name, rows, kept, rejected: reasons, verdicts, truncated: rows > verdicts.length };
}

/** A verdict as an answer has it: what a refused row says, its sender knows. */
const shown = (verdict: Verdict): Verdict =>
  verdict.kind === 'kept' ? verdict : { kind: 'rejected', reason: verdict.reason, field: verdict.field };

function cutBody({ text, start, format, columns }: Body, dataset: Dataset, firstLine: number): Slice[] {
  const slices = withQuotesClosed(() => cut(text.slice(start), dataset, { format, columns, firstLine }));
  if (slices.length === 0) throw new Problem('empty_body', 'The body has a header and no rows.');
  notTooMany(slices.reduce((rows, slice) => rows + slice.rows, 0));
  return slices;
}

interface SealedSlice extends Sealed {
  readonly slice: Slice;
}

/**
 * Cuts a body into chunks that fit a stream record each. What hardly compresses is cut smaller.
 * @throws Problem when a single row does not fit
 */
function sealSlices(body: Body, dataset: Dataset, firstLine: number): SealedSlice[] {
  const open = cutBody(body, dataset, firstLine).reverse();
  const done: SealedSlice[] = [];
  for (let slice = open.pop(); slice; slice = open.pop()) {
    const text = textOf(body, slice);
    if (slice.rows === 1 && text.length > LIMITS.rowCharacters) throw rowTooLarge(slice);
    const sealed = seal(text);
    if (sealed.payload.length <= MAX_PAYLOAD_BYTES) done.push({ slice, ...sealed });
    else if (slice.rows > 1) open.push(...halves(text, slice, body, dataset).reverse());
    else throw rowTooLarge(slice);
  }
  return done;
}

const rowTooLarge = ({ first_line }: Slice) =>
  new Problem(
    'too_large',
    `The row in line ${first_line} is too large: a row may have ${LIMITS.rowCharacters} characters, and ${MAX_PAYLOAD_BYTES} bytes when compressed.`,
    { line: first_line },
  );

function halves(text: string, slice: Slice, body: Body, dataset: Dataset): Slice[] {
  const { format, columns } = body;
  const options = {
    format,
    columns,
    firstLine: slice.first_line,
    characters: text.length / 2,
    rows: Math.ceil(slice.rows / 2),
    stretch: 0,
  };
  return cut(text, dataset, options).map((half) => ({
    ...half,
    start: half.start + slice.start,
    end: half.end + slice.start,
  }));
}

const textOf = (body: Body, { start, end }: Slice) => body.text.slice(body.start + start, body.start + end);

/** The stream records of a batch, cut as its head says: an earlier try may have cut otherwise. */
function records(head: BatchHead, body: Body, sealed: readonly SealedSlice[]): StreamRecord[] {
  return head.slices.map((slice, i) => {
    const mine = sealed[i];
    const same = mine && mine.slice.start === slice.start && mine.slice.end === slice.end;
    const header = {
      dataset: head.dataset,
      contract_version: head.contract_version,
      batch_id: head.batch_id,
      number: i + 1,
      first_line: slice.first_line,
      rows: slice.rows,
      format: head.format,
      columns: head.columns,
      received_at: head.received_at,
    };
    return pack(header, same ? mine : seal(textOf(body, slice)));
  });
}
