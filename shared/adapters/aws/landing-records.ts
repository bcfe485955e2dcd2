import type { Dataset } from '../../domain/dataset';
import type { KeptRow, Value } from '../../domain/outcome';

/** A Firehose record takes 1,000 KiB before base64 (Amazon Data Firehose quota). */
export const RECORD_BYTES = 1_024_000;

/**
 * Rows as Firehose records: JSON objects that end in a line feed, as many to a record as fit, since Firehose bills each
 * record in steps of 5 KB. For the OpenX JSON SerDe, which reads decimals from strings, so that no digit passes through
 * a float (Hive's, 3.1.3, does too, but refuses other numbers in strings); times as `2010-12-01 08:26:00.5`, which every
 * version of it reads with up to nine digits; null is left out.
 */
export function landingRecords({ contract }: Dataset, batch_id: string, rows: readonly KeptRow[]): Buffer[] {
  const times = new Set(contract.columns.filter(({ type }) => type === 'timestamp').map(({ name }) => name));
  const written = ({ line_id, row }: KeptRow) => {
    const object: Record<string, Value> = {};
    for (const { name } of contract.columns) {
      const value = row[name] ?? null;
      if (value !== null) object[name] = times.has(name) ? String(value).replace('T', ' ').replace('Z', '') : value;
    }
    object.line_id = line_id;
    object.batch_id = batch_id;
    return `${JSON.stringify(object)}\n`;
  };

  const records: Buffer[] = [];
  let open: string[] = [];
  let bytes = 0;
  for (const row of rows) {
    const line = written(row);
    const size = Buffer.byteLength(line);
    if (bytes + size > RECORD_BYTES) {
      records.push(Buffer.from(open.join('')));
      open = [];
      bytes = 0;
    }
    open.push(line);
    bytes += size;
  }
  if (open.length > 0) records.push(Buffer.from(open.join('')));
  return records;
}
