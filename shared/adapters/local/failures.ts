import { glob, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { failureKind } from '../../domain/failure';
import { type Failures, Unavailable } from '../../pipeline/ports';
import { LakeFolder } from './lake';

/** Everything below `failed/` of a lake folder, by key; an explanation goes with what it explains. */
export function failuresIn(directory: string): Failures {
  const lake = new LakeFolder(directory);
  return {
    async *list() {
      for (const { key, bytes } of await filesIn(directory, 'failed/**'))
        if (failureKind(key).kind !== 'beside') yield { key, bytes };
    },
    read: (key) => lake.get(key),
    remove: (key) => lake.remove(key),
  };
}

/** The files of a lake folder that a pattern finds, by key. What begins with a dot is not whole yet. */
export async function filesIn(directory: string, pattern: string): Promise<{ key: string; bytes: number }[]> {
  const found: { key: string; bytes: number }[] = [];
  try {
    for await (const entry of glob(pattern, { cwd: directory, withFileTypes: true })) {
      if (!entry.isFile() || entry.name.startsWith('.')) continue;
      const path = join(entry.parentPath, entry.name);
      const bytes = await sizeOf(path);
      if (bytes !== undefined) found.push({ key: path.slice(join(directory, '/').length), bytes });
    }
  } catch (cause) {
    throw new Unavailable(`${directory} cannot be listed`, { cause });
  }
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Undefined when the file has gone. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
