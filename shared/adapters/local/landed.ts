import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { dayOf } from '../../domain/warehouse';
import { type LandedFile, type LandedFiles, Unavailable } from '../../pipeline/ports';

/** The landing zone of a lake folder. A file's etag is its size and the time of its last change. */
export function landedIn(directory: string): LandedFiles {
  return {
    async *list(dataset, since = '') {
      const zone = `landing/${dataset}`;
      for (const partition of await namesIn(join(directory, zone))) {
        const day = dayOf(`${zone}/${partition}/`);
        if (day === undefined || day < since) continue;
        for (const name of await namesIn(join(directory, zone, partition))) {
          if (/^[._]/.test(name)) continue; // not whole yet, or a marker of Spark's
          const key = `${zone}/${partition}/${name}`;
          const found = await version(join(directory, key));
          if (found) yield { key, day, ...found };
        }
      }
    },

    open({ key, etag, bytes }) {
      const file = join(directory, key);
      return {
        byteLength: bytes,
        async slice(start, end = bytes) {
          let handle: FileHandle | undefined;
          try {
            handle = await open(file);
            const buffer = new ArrayBuffer(end - start);
            const { bytesRead } = await handle.read(new Uint8Array(buffer), 0, end - start, start);
            if (bytesRead < end - start || (await version(file))?.etag !== etag) throw new Error('it has changed');
            return buffer;
          } catch (cause) {
            throw new Unavailable(`${key} cannot be read`, { cause });
          } finally {
            await handle?.close();
          }
        },
      };
    },
  };
}

/** Names in a folder, in order; none when it is not there. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new Unavailable(`${folder} cannot be read`, { cause });
  }
}

/** What a listing says of a file; undefined when it went meanwhile. */
async function version(file: string): Promise<Pick<LandedFile, 'etag' | 'bytes'> | undefined> {
  try {
    const { size, mtimeNs } = await stat(file, { bigint: true });
    return { etag: `${size}-${mtimeNs}`, bytes: Number(size) };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Unavailable(`${file} cannot be read`, { cause });
  }
}
