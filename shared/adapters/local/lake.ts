import { randomUUID } from 'node:crypto';
import { glob, link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { datasets } from '../../domain/dataset';
import { decodeRejected, encodeRejected, failedKey, landingKey, rejectedKey } from '../../domain/lake';
import { toParquet } from '../../domain/parquet';
import { type FailedChunks, type Landing, type Rejects, Unavailable } from '../../pipeline/ports';

/**
 * Where an object is written before it is whole, another place each time: two may write one at the same time. Spark, Hive
 * and DuckDB pass over names that begin with a dot.
 */
export const unfinishedAt = (file: string) => join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`);
const UNFINISHED = '{failed,insights,landing,outbox,raw,redriven,rejected,reports}/**/{.*,*}.tmp'; // 0.1.0 wrote them without the dot

/** The lake as a folder, keys as on S3. An object is there whole or not at all. */
export class LakeFolder {
  constructor(private readonly root: string) {}

  async put(key: string, bytes: Uint8Array | string): Promise<void> {
    const file = this.fileOf(key);
    const unfinished = unfinishedAt(file);
    try {
      await mkdir(dirname(file), { recursive: true });
      try {
        await writeFile(unfinished, bytes);
        await rename(unfinished, file);
      } catch (error) {
        await rm(unfinished, { force: true }); // a full disk is not filled further by every try
        throw error;
      }
    } catch (cause) {
      throw new Unavailable(`the lake cannot be written at ${key}`, { cause });
    }
  }

  /** Puts an object where there is none yet; whether there was none. */
  async putOnce(key: string, bytes: Uint8Array): Promise<boolean> {
    const file = this.fileOf(key);
    const unfinished = unfinishedAt(file);
    try {
      await mkdir(dirname(file), { recursive: true });
      try {
        await writeFile(unfinished, bytes);
        await link(unfinished, file);
      } finally {
        await rm(unfinished, { force: true });
      }
      return true;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw new Unavailable(`the lake cannot be written at ${key}`, { cause });
    }
  }

  /** Removes the object, if it is there. */
  async remove(key: string): Promise<void> {
    const file = this.fileOf(key);
    try {
      await rm(file, { force: true });
    } catch (cause) {
      throw new Unavailable(`the lake cannot be written at ${key}`, { cause });
    }
  }

  private fileOf(key: string): string {
    const file = resolve(this.root, key);
    if (file.startsWith(`${resolve(this.root)}${sep}`)) return file;
    throw new Error(`${key} is no key of the lake`);
  }

  /** Removes what a killed process left unfinished. Only for the directory's one owner, before anything is put. */
  async removeUnfinished(): Promise<void> {
    for await (const file of glob(UNFINISHED, { cwd: this.root })) await rm(join(this.root, file));
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
