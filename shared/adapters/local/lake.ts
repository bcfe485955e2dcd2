import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { datasets } from '../../domain/dataset';
import { decodeRejected, encodeRejected, failedKey, landingKey, rejectedKey } from '../../domain/lake';
import { toParquet } from '../../domain/parquet';
import { type FailedChunks, type Landing, type Rejects, Unavailable } from '../../pipeline/ports';

/** The lake as a folder, keys as on S3. An object is there whole or not at all. */
export class LakeFolder {
  constructor(private readonly root: string) {}

  async put(key: string, bytes: Uint8Array | string): Promise<void> {
    const file = resolve(this.root, key);
    if (!file.startsWith(`${resolve(this.root)}${sep}`)) throw new Error(`${key} is no key of the lake`);
    const unfinished = `${file}.${process.pid}.tmp`;
    try {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(unfinished, bytes);
      await rename(unfinished, file);
    } catch (cause) {
      throw new Unavailable(`the lake cannot be written at ${key}`, { cause });
    }
  }

  /** The object, undefined when there is none. */
  async get(key: string): Promise<Buffer | undefined> {
    try {
      return await readFile(join(this.root, key));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new Unavailable(`the lake cannot be read at ${key}`, { cause });
    }
  }
}

/** One Parquet object a chunk, so that a second delivery overwrites the first. */
export const landingIn = (lake: LakeFolder): Landing => ({
  async append(chunk, rows) {
    await lake.put(landingKey(chunk), toParquet(datasets.get(chunk.dataset)!, chunk.batch_id, rows));
  },
});

export const rejectsIn = (lake: LakeFolder): Rejects => ({
  async put(chunk, rows) {
    await lake.put(rejectedKey(chunk, chunk.chunk_id), encodeRejected(chunk, rows));
  },
  async read(head, chunk_id) {
    const bytes = await lake.get(rejectedKey(head, chunk_id));
    return bytes ? decodeRejected(bytes) : [];
  },
});

export const failedIn = (lake: LakeFolder): FailedChunks => ({
  async put(id, record, error) {
    const key = failedKey(id);
    await lake.put(key.record, record);
    await lake.put(
      key.error,
      JSON.stringify({ name: error.name, message: error.message, stack: error.stack }, null, 2),
    );
  },
});
