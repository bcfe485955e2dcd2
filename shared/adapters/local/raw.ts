import type { LakeFolder } from './lake';
import type { StreamLog } from './stream';

/** The consumer that fills `raw/`, as a Firehose on the stream does on AWS: no function in between. */
export const RAW = 'raw';

const RECORDS = 64;

/**
 * Writes the records behind the consumer's checkpoint to `raw/`, joined as they are, and moves the checkpoint. Named by
 * their first, so a second try overwrites what the first one left. How many records were written.
 */
export async function writeRaw(log: StreamLog, lake: LakeFolder): Promise<number> {
  const found = log.read(RAW, RECORDS);
  const first = found[0];
  if (!first) return 0;
  const day = dayOf(first);
  const next = found.findIndex((record) => dayOf(record) !== day);
  const records = next === -1 ? found : found.slice(0, next); // whoever looks for a record goes by its day
  const name = String(first.sequence).padStart(12, '0');
  await lake.put(`raw/dt=${day}/${name}.ecf`, Buffer.concat(records.map(({ data }) => data)));
  log.commit(RAW, records.at(-1)!.sequence);
  return records.length;
}

const dayOf = ({ arrived_at }: { readonly arrived_at: number }) => new Date(arrived_at).toISOString().slice(0, 10);
