import type { RawZone } from '../../pipeline/ports';
import { filesIn } from './failures';
import { LakeFolder } from './lake';

/** The `raw/` of a lake folder, by day. */
export function rawZoneIn(directory: string): RawZone {
  const lake = new LakeFolder(directory);
  return {
    async *list(since = '') {
      for (const { key, bytes } of await filesIn(directory, 'raw/dt=*/*')) {
        if (key.slice('raw/dt='.length) >= since) yield { key, bytes };
      }
    },
    read: (key) => lake.get(key),
    keep: (name, records) => lake.put(`raw/${name}`, records),
  };
}
