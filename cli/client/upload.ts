import { promisify } from 'node:util';
import { zstdCompress } from 'node:zlib';
import type { FileFacts } from '../../shared/domain/file';
import { batchId } from '../../shared/domain/identity';
import type { Part } from '../../shared/domain/parts';
import { type Api, Refused } from './api';
import { type FileOptions, partsOf, survey } from './parts';

const compress = promisify(zstdCompress);

/** What the ledger says of a file. */
export interface FileReport {
  readonly file: string;
  readonly dataset: string;
  readonly status: 'open' | 'accepted' | 'complete' | 'failed' | 'provisional';
  readonly received: number;
  readonly kept: number;
  readonly duplicate: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly pending: number;
  readonly balanced: boolean;
  /** Chunks that a defect kept from being cleaned. */
  readonly failed?: readonly string[];
  readonly parts: { readonly total: number; readonly accepted: readonly number[] };
  readonly batches: readonly string[];
}

/** How an upload says how far it is. */
export interface Watcher {
  surveyed(facts: FileFacts, alreadyAccepted: number): void;
  sent(part: Part): void;
}

/** A file that the ledger knows otherwise; the message says how. */
export class KnownOtherwise extends Error {
  override readonly name = 'KnownOtherwise';
}

const IN_FLIGHT = 2;

/**
 * Sends a file to a data set: parts whose rows the ledger has already are left out, so a broken upload goes on where it
 * was, and a repeated one sends nothing. Resolves once every part is accepted.
 * @throws FileRefused, KnownOtherwise, Refused, Unreachable, TokenRefused, the reason of the api's signal
 */
export async function upload(api: Api, dataset: string, file: FileOptions, watcher: Watcher): Promise<FileFacts> {
  const stoppable = () => api.signal.throwIfAborted();
  const facts = await survey(file, stoppable);
  const known = await fileReport(api, facts.hash);
  if (known) compare(known, dataset, facts, file.path);
  const accepted = new Set(known?.batches);
  watcher.surveyed(facts, accepted.size);

  const inFlight = new Set<Promise<void>>();
  for await (const part of partsOf(file, stoppable)) {
    if (accepted.has(batchOf(part, dataset, facts))) continue;
    const sending = send(api, dataset, facts, part).then(() => {
      inFlight.delete(sending);
      watcher.sent(part);
    });
    sending.catch(() => undefined); // thrown below, also when another part failed first
    inFlight.add(sending);
    if (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  return facts;
}

/** Parts that were cut otherwise do not add up with ours. @throws KnownOtherwise */
function compare({ dataset, parts }: FileReport, ours: string, facts: FileFacts, path: string): void {
  if (dataset !== ours)
    throw new KnownOtherwise(`${path} was sent before, as ${dataset}; the same file cannot be ${ours} as well.`);
  if (parts.total !== facts.parts) {
    throw new KnownOtherwise(
      `${path} was sent before in ${parts.total} parts, and would be cut into ${facts.parts} now: ` +
        'use the --type, the --charset and the version of ecomflow that it was begun with.',
    );
  }
}

/** The id that the API gives a part: by its content, since a number alone does not say that the rows are ours. */
function batchOf({ number, text }: Part, dataset: string, { format, hash }: FileFacts): string {
  return batchId({ dataset, format, text, file: { hash, part: number } });
}

async function send(api: Api, dataset: string, facts: FileFacts, { number, text, line }: Part): Promise<void> {
  const query = new URLSearchParams({
    type: facts.format,
    file: facts.hash,
    part: String(number),
    parts: String(facts.parts),
    line: String(line),
  });
  await api.post(`/v1/${dataset}?${query}`, await compress(text), 'application/octet-stream');
}

/** What the ledger says of a file, undefined when it knows no part of it. @throws Refused, Unreachable, TokenRefused */
export async function fileReport(api: Api, hash: string): Promise<FileReport | undefined> {
  try {
    return await api.get<FileReport>(`/v1/files/${hash}`);
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return undefined;
    throw error;
  }
}
