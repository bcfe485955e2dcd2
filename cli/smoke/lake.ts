import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { DuckDBInstance } from '@duckdb/node-api';
import { Broken, type Walk } from './walk';

/** Objects of other senders that arrive meanwhile are looked into, up to here. */
const MOST_OBJECTS = 500;

const client = ({ stage }: Walk) =>
  new S3Client({ region: stage.region, forcePathStyle: Boolean(process.env.AWS_ENDPOINT_URL) });

/** Keys under a zone's dated folders that were written since the run began. @throws Broken when they are too many */
export async function arrived(walk: Walk, zone: string): Promise<string[]> {
  const days = new Set([walk.began, new Date()].map((time) => time.toISOString().slice(0, 10)));
  const keys = await Promise.all([...days].map((day) => keysUnder(walk, `${zone}/dt=${day}/`)));
  return keys.flat();
}

/** Keys under a prefix that were written since the run began. @throws Broken when they are too many */
export async function keysUnder(walk: Walk, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await client(walk).send(
      new ListObjectsV2Command({ Bucket: walk.stage.outputs.LakeBucket, Prefix: prefix, ContinuationToken }),
    );
    const fresh = page.Contents?.filter(({ LastModified }) => LastModified!.getTime() >= startOf(walk)) ?? [];
    keys.push(...fresh.map(({ Key }) => Key!));
    ContinuationToken = page.NextContinuationToken;
    if (keys.length > MOST_OBJECTS)
      throw new Broken(`more than ${MOST_OBJECTS} objects came under ${prefix}: try at a quieter hour`);
  } while (ContinuationToken !== undefined);
  return keys;
}

/** S3 tells times to the second. */
const startOf = ({ began }: Walk) => Math.floor(began.getTime() / 1000) * 1000;

export async function bytesOf(walk: Walk, Key: string): Promise<Buffer> {
  const answer = await client(walk).send(new GetObjectCommand({ Bucket: walk.stage.outputs.LakeBucket, Key }));
  return Buffer.from(await answer.Body!.transformToByteArray());
}

export const remove = (walk: Walk, Key: string) =>
  client(walk).send(new DeleteObjectCommand({ Bucket: walk.stage.outputs.LakeBucket, Key }));

/** Asks a Parquet object by SQL, in which it is called `parquet`. The first column of the answer. */
export async function askParquet(walk: Walk, key: string, sql: string): Promise<unknown[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ecomflow-smoke-'));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const file = join(folder, 'object.parquet');
    writeFileSync(file, await bytesOf(walk, key));
    await connection.run(`create view parquet as select * from read_parquet('${file}')`);
    return (await connection.runAndReadAll(sql)).getRows().map(([value]) => value);
  } finally {
    connection.closeSync();
    instance.closeSync();
    rmSync(folder, { recursive: true, force: true });
  }
}
