import type { S3Client } from '@aws-sdk/client-s3';
import { builtKey, profilesKey } from '../../domain/lake';
import { profileIn, profilesByKey } from '../../domain/profile';
import type { BuiltInsights, Profiles } from '../../pipeline/ports';
import { putObject, readObject } from './objects';
import { concurrently } from './pace';

const JSON_TYPE = 'application/json';
const WIDTH = 16;

/** Built insights in the lake, one object each. */
export const s3Built = (client: Pick<S3Client, 'send'>, bucket: string): BuiltInsights => ({
  keep: (name, json) => putObject(client, bucket, builtKey(name), json, JSON_TYPE),
  async find(name) {
    const bytes = await readObject(client, bucket, builtKey(name));
    return bytes && Buffer.from(bytes).toString('utf8');
  },
});

/** Customers' profiles in the lake, many to an object. */
export const s3Profiles = (client: Pick<S3Client, 'send'>, bucket: string): Profiles => ({
  async keep(share, profiles) {
    await concurrently(WIDTH, [...profilesByKey(profiles, share)], ([key, json]) =>
      putObject(client, bucket, key, json, JSON_TYPE),
    );
  },
  async find(customer_id) {
    return profileIn(await readObject(client, bucket, profilesKey(customer_id)), customer_id);
  },
});
