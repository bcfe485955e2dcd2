import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';

/** A record of `raw/`, as far as the checks need it. */
export interface RawChunk {
  readonly chunk_id: string;
  readonly dataset: string;
  readonly first_line: number;
  readonly rows: number;
  readonly text: string;
}

/** Magic and two lengths of 32 bits. */
const PREFIX = 12;

/**
 * Reads all records of `raw/` by their form as it is written down at `pack`, and not by our code: `ECF1`, the lengths
 * of header and payload (32 bits, big endian), the header as JSON, the payload as zstd. @throws for other bytes
 */
export function* rawChunks(directory: string): Generator<RawChunk> {
  for (const path of filesIn(join(directory, 'raw'))) {
    if (!path.endsWith('.ecf')) continue;
    const bytes = readFileSync(join(directory, 'raw', path));
    for (let at = 0; at < bytes.length; ) {
      if (bytes.toString('latin1', at, at + 4) !== 'ECF1') throw new Error(`${path} has no record at byte ${at}`);
      const header = at + PREFIX;
      const payload = header + bytes.readUInt32BE(at + 4);
      const end = payload + bytes.readUInt32BE(at + 8);
      if (end > bytes.length) throw new Error(`${path} ends within a record`);
      const text = zstdDecompressSync(bytes.subarray(payload, end)).toString();
      yield { ...JSON.parse(bytes.toString('utf8', header, payload)), text };
      at = end;
    }
  }
}

/** Files under a folder, as paths relative to it. */
export const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
