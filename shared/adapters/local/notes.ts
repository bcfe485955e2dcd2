import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Notes, Unavailable } from '../../pipeline/ports';
import type { LakeFolder } from './lake';

const LARGEST_BYTES = 1024 * 1024;

/** Small papers of a data directory's lake. */
export const notesIn = (lake: LakeFolder, directory: string): Notes => ({
  async read(key) {
    try {
      const { size } = await stat(join(directory, key));
      if (size > LARGEST_BYTES) return undefined;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new Unavailable(`the lake cannot be read at ${key}`, { cause });
    }
    return (await lake.get(key))?.toString('utf8');
  },
});
