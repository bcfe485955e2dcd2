import { builtKey, profilesKey } from '../../domain/lake';
import { profileIn, profilesByKey } from '../../domain/profile';
import type { BuiltInsights, Profiles } from '../../pipeline/ports';
import type { LakeFolder } from './lake';

/** Built insights in the lake, one file each. */
export const builtIn = (lake: LakeFolder): BuiltInsights => ({
  keep: (name, json) => lake.put(builtKey(name), json),
  find: async (name) => (await lake.get(builtKey(name)))?.toString('utf8'),
});

const NOBODY = '{}';

/** Customers' profiles in the lake, many to a file. */
export const profilesIn = (lake: LakeFolder): Profiles => ({
  async keep(share, profiles) {
    for (const [key, json] of profilesByKey(profiles, share)) {
      if (json === NOBODY) await lake.remove(key);
      else await lake.put(key, json);
    }
  },
  async find(customer_id) {
    return profileIn(await lake.get(profilesKey(customer_id)), customer_id);
  },
});
