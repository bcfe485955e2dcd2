import { type Arrival, bulkBatchId, datasetOfKey, type InboxFile, isFolder, isUnfinished } from '../domain/arrival';
import { type BodyType, datasetNamed, readBody } from '../domain/body';
import { type BulkJob, readManifest } from '../domain/bulk';
import { type Charset, charsetNamed } from '../domain/charset';
import type { Dataset } from '../domain/dataset';
import {
  beginningOf,
  beginningText,
  bodyOf,
  compressionOf,
  type FileFacts,
  type FileSource,
  formatOf,
  partsOf,
  survey,
  TooMuchText,
  typeOf,
} from '../domain/file';
import { batchId } from '../domain/identity';
import { Problem } from '../domain/problem';
import { ingest } from './ingest';
import type { Notice, Ports } from './ports';

export type TakeFilePorts = Pick<
  Ports,
  'clock' | 'inbox' | 'arrivals' | 'senders' | 'batches' | 'files' | 'stream' | 'bulk' | 'later' | 'telemetry'
> & { readonly bulkOutput: Pick<Ports['bulkOutput'], 'manifest'> };

/** Who works, and how long it may. */
export interface Shift {
  /** Unique among those who may work at the same time; the same for whoever tries the same notice again. */
  readonly holder: string;
  /** Milliseconds that are left of it. */
  timeLeft(): number;
}

/** What a look at a file came to; `aside`: another invocation has it, or Spark does. */
export type Taken =
  | { readonly kind: 'gone' | 'aside' }
  | { readonly kind: 'known' | 'done' | 'refused' | 'continued' | 'waiting' | 'running'; readonly arrival: Arrival };

/** Nobody else takes a file for so long: longer than an invocation lives. */
const LEASE_MS = 16 * 60_000;
/** A part takes a second or two, thirty when the stream is busy. */
const RESERVE_MS = 60_000;
/** When Spark is busy, it is asked again after this. */
const WAIT_SECONDS = 300;
/** A JSON array cannot be split for Spark: the stream takes more of it than of others. */
const JSON_SHARE = 8;
/** Text that is read to tell a file's type and header. */
const BEGINNING_CHARACTERS = 128 * 1024;

/**
 * Takes one file of the inbox in: small ones part by part into the stream, as if they came by HTTP; large ones are
 * Spark's. What is no file of rows is kept apart with its reason. Each part that the ledger knows is a checkpoint, so
 * that a second try goes on where the first one was broken off.
 */
export async function takeFile(
  notice: Extract<Notice, { key: string }>,
  ports: TakeFilePorts,
  shift: Shift,
): Promise<Taken> {
  const taken = await take(notice, ports, shift);
  const { key, version } = notice;
  const arrival: Partial<Arrival> = 'arrival' in taken ? taken.arrival : {};
  const { dataset, engine, batch_id, file, run_id, refusal } = arrival;
  const came = { dataset, engine, batch_id, file, run_id, ...(refusal && { refusal: refusal.code }) };
  const level = taken.kind === 'refused' ? 'warn' : 'info';
  ports.telemetry.log(level, 'a file was looked at', { key, version, outcome: taken.kind, ...came });
  return taken;
}

async function take(notice: Extract<Notice, { key: string }>, ports: TakeFilePorts, shift: Shift): Promise<Taken> {
  const { inbox, arrivals } = ports;
  const file = await inbox.look(notice.key, notice.version);
  if (!file) {
    await giveUpGone(notice, ports);
    return { kind: 'gone' };
  }
  if (isFolder(file)) return { kind: 'aside' };

  const arrival = await arrivals.claim(await arrivalOf(file, notice, ports, shift), ports.clock.now().toISOString());
  if (arrival.state === 'refused') await inbox.remove(file); // a crash may have come before it
  if (!isUnfinished(arrival)) return { kind: 'known', arrival };
  const mine = arrival.lease.holder === shift.holder;
  if (!mine || arrival.state === 'running' || arrival.state === 'claiming') return { kind: 'aside' };

  try {
    return await new FileTaker(file, arrival, ports, shift).take();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { kind: 'refused', arrival: await refuse(file, arrival, error, ports) };
  }
}

/** A file that went, or was replaced, before all of it was in is waited for no longer. What Spark has it has a copy of. */
async function giveUpGone(
  { key, version }: { readonly key: string; readonly version?: string | undefined },
  { arrivals, clock }: TakeFilePorts,
): Promise<void> {
  const known = (await arrivals.of(key)).find((arrival) => arrival.version === version);
  if (known?.state !== 'reading' && known?.state !== 'waiting') return;
  const refusal = { code: 'not_found', detail: 'The file went before all of it was taken in.', facts: {} } as const;
  await arrivals.note({ ...known, state: 'failed', refusal, finished_at: clock.now().toISOString() });
}

async function arrivalOf(
  { key, version, checksum, bytes, arrived_at }: InboxFile,
  notice: { readonly sent_by?: string | undefined },
  { clock, senders }: TakeFilePorts,
  { holder }: Shift,
): Promise<Arrival> {
  const sent_by = (await senders.find(key)) ?? notice.sent_by ?? 'unknown';
  const until = new Date(clock.now().getTime() + LEASE_MS).toISOString();
  return { key, version, checksum, bytes, arrived_at, sent_by, state: 'reading', lease: { holder, until } };
}

/** Keeps a file that is no file of rows, with the reason, and takes it out of the inbox. */
export async function refuse(
  file: InboxFile,
  arrival: Arrival,
  { code, detail, facts }: Pick<Problem, 'code' | 'detail' | 'facts'>,
  { inbox, arrivals, clock }: Pick<Ports, 'inbox' | 'arrivals' | 'clock'>,
): Promise<Arrival> {
  const refusal = { code, detail, facts };
  const dataset = datasetOfKey(file.key) ?? 'none';
  const kept_as = await inbox.keepRefused(file, dataset, refusal);
  const refused: Arrival = {
    ...arrival,
    state: 'refused',
    refusal,
    kept_as,
    finished_at: clock.now().toISOString(),
  };
  await arrivals.note(refused);
  await inbox.remove(file);
  return refused;
}

class FileTaker {
  private readonly source: FileSource;

  constructor(
    private readonly file: InboxFile,
    private arrival: Arrival,
    private readonly ports: TakeFilePorts,
    private readonly shift: Shift,
  ) {
    this.source = { bytes: file.bytes, read: (from) => ports.inbox.read(file, from) };
  }

  /** @throws Problem for a file that is none of rows */
  async take(): Promise<Taken> {
    const { key } = this.file;
    const name = datasetOfKey(key);
    if (name === undefined)
      throw new Problem('not_found', 'A file goes into the folder of its data set: inbox/transactions/NAME.');
    const dataset = datasetNamed(name);
    const charset = charsetOf(this.file);
    const found = await this.beginning(charset);
    const isLarge =
      found.compression === 'none' && found.type !== 'json' && this.file.bytes > this.ports.bulk.fromBytes;
    if (isLarge) {
      const large = await this.giveToSpark(dataset, charset, found);
      if (large) return large;
    }
    return this.stream(dataset, charset, found, isLarge);
  }

  /** What a file's first bytes tell. @throws Problem */
  private async beginning(charset: Charset): Promise<Beginning> {
    const compression = compressionOf(await beginningOf(this.source, 4));
    const text = await beginningText(this.source, charset, BEGINNING_CHARACTERS);
    return { compression, text, type: typeOf(this.file.key, text) };
  }

  /** Undefined when there is no Spark. */
  private async giveToSpark(dataset: Dataset, charset: Charset, found: Beginning): Promise<Taken | undefined> {
    const { bulk, bulkOutput, batches, arrivals, clock, later } = this.ports;
    const { file, arrival } = this;
    const format = formatOf(found.type);
    const body = readBody(bodyOf({ text: wholeRows(found.text) }, found.type), dataset);
    const batch_id = bulkBatchId(file, { dataset: dataset.name, format, charset });
    const known: Arrival = { ...arrival, dataset: dataset.name, engine: 'spark', batch_id };
    if (await batches.find(batch_id)) return { kind: 'known', arrival: await this.finish(known) };
    // Spark would find its manifest, do nothing, and nobody would hear of it.
    const said = await bulkOutput.manifest({ dataset: dataset.name, batch_id });
    const refused = said === undefined ? undefined : readManifest(said).refused;
    if (refused) throw new Problem(refused.code, refused.detail, refused.facts);

    const job: BulkJob = {
      batch_id,
      dataset: dataset.name,
      key: file.key,
      version: file.version,
      bytes: file.bytes,
      format,
      charset,
      compression: found.compression,
      columns: body.columns,
      header_lines: format === 'csv' ? body.line - 1 : 0,
      received_at: clock.now().toISOString(),
      sent_by: arrival.sent_by,
    };
    const started = await bulk.start(job);
    if (started === 'absent') return undefined;
    const waits = started === 'busy';
    const noted: Arrival = {
      ...known,
      ...(waits ? { state: 'waiting' } : { state: 'running', run_id: started.run_id }),
    };
    await arrivals.note(this.released(noted));
    if (waits) await later.again(this.notice(), WAIT_SECONDS);
    return { kind: waits ? 'waiting' : 'running', arrival: noted };
  }

  /** Cuts the file into the stream, part by part. */
  private async stream(dataset: Dataset, charset: Charset, found: Beginning, noLimit: boolean): Promise<Taken> {
    const { bulk, arrivals } = this.ports;
    let broken: Problem | undefined;
    const options = {
      name: this.file.key,
      type: found.type,
      charset,
      onBreak: (problem: Problem) => {
        broken = problem;
      },
    };
    let facts: FileFacts;
    try {
      const mostText = (type: BodyType) =>
        noLimit ? Number.POSITIVE_INFINITY : bulk.fromBytes * (type === 'json' ? JSON_SHARE : 1);
      facts = await survey(this.source, { ...options, dataset, mostText });
    } catch (error) {
      if (!(error instanceof TooMuchText)) throw error;
      if (error.type === 'json') throw arrayTooLarge(error);
      // There is no Spark: the walk goes on to the end next time.
      return (await this.giveToSpark(dataset, charset, found)) ?? this.stream(dataset, charset, found, true);
    }
    const engine = { dataset: dataset.name, engine: 'stream', file: facts.hash } as const;
    const { code, detail, facts: about } = broken ?? {};
    this.arrival = {
      ...this.arrival,
      ...engine,
      ...(broken && { broken: { code: code!, detail: detail!, facts: about! } }),
    };
    await arrivals.note(this.arrival);
    return this.sendParts(dataset, facts, options);
  }

  private async sendParts(
    dataset: Dataset,
    { hash, parts, format }: FileFacts,
    options: Parameters<typeof partsOf>[1],
  ): Promise<Taken> {
    const { files, later, arrivals } = this.ports;
    const { key, version } = this.file;
    const found = await files.batches(hash);
    const accepted = new Set(
      found.filter(({ head }) => head.accepted_at !== undefined).map(({ head }) => head.batch_id),
    );
    for await (const part of partsOf(this.source, options)) {
      const file = { hash, part: part.number, parts };
      if (accepted.has(batchId({ dataset: dataset.name, format, text: part.text, file }))) continue;
      const body = bodyOf(part, options.type!);
      const { sent_by } = this.arrival;
      await ingest(
        { dataset: dataset.name, body, sent_by, file, line: part.line, origin: { key, version } },
        this.ports,
      );
      if (part.number < parts && this.shift.timeLeft() < RESERVE_MS) {
        await arrivals.note(this.released(this.arrival));
        await later.again(this.notice(), 0);
        return { kind: 'continued', arrival: this.arrival };
      }
    }
    return { kind: 'done', arrival: await this.finish(this.arrival) };
  }

  private async finish(arrival: Arrival): Promise<Arrival> {
    const done: Arrival = { ...arrival, state: 'done', finished_at: this.ports.clock.now().toISOString() };
    await this.ports.arrivals.note(done);
    return done;
  }

  /** So that whoever goes on need not wait for us. */
  private released(arrival: Arrival): Arrival {
    return { ...arrival, lease: { ...arrival.lease, until: this.ports.clock.now().toISOString() } };
  }

  private notice(): Notice {
    const { key, version } = this.file;
    return { key, version, sent_by: this.arrival.sent_by };
  }
}

interface Beginning {
  readonly compression: 'none' | 'gzip' | 'zstd';
  readonly type: BodyType;
  /** The first text, which may end anywhere. */
  readonly text: string;
}

const arrayTooLarge = ({ textBytes }: TooMuchText) =>
  new Problem(
    'too_large',
    `A JSON array of more than ${textBytes} bytes is not taken. Write it as NDJSON, a row a line.`,
    {
      limit: textBytes,
    },
  );

/** A text up to its last line end, if it has one. */
const wholeRows = (text: string): string => text.slice(0, text.lastIndexOf('\n') + 1) || text;

/** The charset of a file's content type. @throws Problem invalid_parameter */
function charsetOf({ contentType = '' }: InboxFile): Charset {
  const named = /;\s*charset="?([^";\s]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  const charset = charsetNamed(named);
  if (charset) return charset;
  throw new Problem('invalid_parameter', `The charset "${named.slice(0, 64)}" is not taken.`, { parameter: 'charset' });
}
