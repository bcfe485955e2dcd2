import { join } from 'node:path';
import { decodeRejected } from '../../domain/lake';
import { dayOf } from '../../domain/warehouse';
import type { RejectedZone } from '../../pipeline/ports';
import { LakeFolder } from './lake';
import { namesIn } from './landed';

const SUFFIX = '.ndjson.gz';

/** The refused rows of a lake folder. */
export function refusalsIn(directory: string): RejectedZone {
  const lake = new LakeFolder(directory);
  return {
    async *list(dataset, since = '') {
      const zone = `rejected/${dataset}`;
      for (const partition of await namesIn(join(directory, zone))) {
        const day = dayOf(`${zone}/${partition}/`);
        if (day === undefined || day < since) continue;
        for (const name of await namesIn(join(directory, zone, partition)))
          if (name.endsWith(SUFFIX))
            yield { key: `${zone}/${partition}/${name}`, chunk_id: name.slice(0, -SUFFIX.length) };
      }
    },

    async read(key) {
      const bytes = await lake.get(key);
      return bytes ? decodeRejected(bytes) : [];
    },
  };
}
