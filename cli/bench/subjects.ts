import { inferSchema, initParser } from 'udsv';
import { cleanRows } from '../../shared/domain/clean';
import { datasets } from '../../shared/domain/dataset';
import { pack, seal, unpack } from '../../shared/domain/packing';
import { slicesOf, textOf } from './input';
import { csvParseAndZod, type Tally } from './peer';
import { READERS } from './readers';

/** What is measured against each other: made ready once for a file, then run again and again. */
type Subject = (path: string) => () => unknown;

export const CORE = 'core';
export const PEER = 'csv-parse + zod';
export const PEER_WITH_IDENTITY = 'csv-parse + zod + SHA-256';
export const UDSV_WHOLE = 'uDSV, only parsing to strings';
export const reading = (reader: string) => `read: ${reader}`;

/** From packed stream records to outcomes: unpack, check, decompress, parse, clean, identity, duplicates. */
const core: Subject = (path) => {
  const { columns, slices } = slicesOf(textOf(path));
  const header = {
    dataset: 'transactions',
    contract_version: 1,
    batch_id: '0'.repeat(32),
    format: 'csv' as const,
    columns,
    received_at: '2026-01-01T00:00:00.000Z',
  };
  const records = slices.map(
    ({ text, first_line, rows }, i) => pack({ ...header, number: i + 1, first_line, rows }, seal(text)).data,
  );
  return (): Tally => {
    const tally: Tally = { accepted: 0, repeated: 0, rejected: {} };
    for (const record of records) {
      const chunk = unpack(record);
      const { accepted, repeated, rejected } = cleanRows(chunk, datasets.get(chunk.dataset)!);
      tally.accepted += accepted.length;
      tally.repeated += repeated;
      for (const { reason } of rejected) tally.rejected[reason] = (tally.rejected[reason] ?? 0) + 1;
    }
    return tally;
  };
};

const peer =
  (identity: boolean): Subject =>
  (path) => {
    const { columns, slices } = slicesOf(textOf(path));
    return () => csvParseAndZod(slices, columns, identity);
  };

/** The whole file to arrays of strings, as one calls uDSV. */
const udsv: Subject = (path) => {
  const text = textOf(path);
  return () => initParser(inferSchema(text)).stringArrs(text).length;
};

const subjects: ReadonlyMap<string, Subject> = new Map([
  [CORE, core],
  [PEER, peer(false)],
  [PEER_WITH_IDENTITY, peer(true)],
  [UDSV_WHOLE, udsv],
  ...READERS.map(({ name, count }): [string, Subject] => [
    reading(name),
    (path) => {
      const { slices } = slicesOf(textOf(path));
      return () => slices.reduce((fields, { text }) => fields + count(text), 0);
    },
  ]),
]);

/** One run of a subject. */
export interface Run {
  readonly seconds: number;
  readonly result: unknown;
}

/** Serves a subject in a process of its own: answers each message with one run, after collecting garbage. */
export function serveSubject(name: string, path: string): void {
  const run = subjects.get(name)!(path);
  process.on('message', () => {
    globalThis.gc?.();
    const started = performance.now();
    const result = run();
    process.send!({ seconds: (performance.now() - started) / 1000, result } satisfies Run);
  });
  process.send!('ready');
}
