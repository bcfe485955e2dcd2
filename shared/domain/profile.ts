import { PROFILE_OBJECTS, profilesKey, profilesKeys } from './lake';

/*
 * Customers' profiles, as the last build of the insights made them: rows of the insight customer_profiles. They lie in
 * the lake in a fixed number of objects, so that one is found with one read and all are written with few.
 */

/** A customer's row, by column. */
export type Profile = Readonly<Record<string, string | number | null>> & { readonly customer_id: string };

/** Some of the objects: customers whose hash begins with a byte from the first to the last, both included. */
export interface Share {
  readonly first: number;
  readonly last: number;
}

/** All objects, in as many shares (at most) as leave each with about `most` customers. */
export function sharesOf(customers: number, most: number): Share[] {
  let shares = 1;
  while (shares < PROFILE_OBJECTS && customers / shares > most) shares *= 2;
  const width = PROFILE_OBJECTS / shares;
  return Array.from({ length: shares }, (_, i) => ({ first: i * width, last: (i + 1) * width - 1 }));
}

/** The content of every object of the share, those without a customer included: who is gone must not be found. */
export function profilesByKey(profiles: readonly Profile[], { first, last }: Share): ReadonlyMap<string, string> {
  const keys = profilesKeys().slice(first, last + 1);
  // Without a prototype: a customer may be called __proto__.
  const objects = new Map(keys.map((key): [string, Record<string, Profile>] => [key, Object.create(null)]));
  for (const profile of profiles) {
    const object = objects.get(profilesKey(profile.customer_id));
    if (!object) throw new Error('a profile is not of the share that it came with');
    object[profile.customer_id] = profile;
  }
  return new Map([...objects].map(([key, content]) => [key, JSON.stringify(content)]));
}

/** A customer's profile in its object. */
export function profileIn(bytes: Uint8Array | undefined, customer_id: string): Profile | undefined {
  if (bytes === undefined) return undefined;
  const content = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, Profile>;
  return Object.hasOwn(content, customer_id) ? content[customer_id] : undefined;
}
