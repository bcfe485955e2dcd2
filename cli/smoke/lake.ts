import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectCommand, GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Walk } from './walk';

/** Firehose files an object under the arrival of its oldest record, and gathers for 15 minutes at most. */
const GATHERED_MS = 15 * 60_000;
/** Objects of other senders that arrive meanwhile are looked into, the newest first, up to here. */
const MOST_OBJECTS = 500;

const client = ({ stage }: Walk) =>
  new S3Client({ region: stage.region, forcePathStyle: Boolean(process.env.AWS_ENDPOINT_URL) });

/** Keys under a zone's dated folders that can hold what the run sent, the newest first. `start` begins their names. */
export async function arrived(walk: Walk, zone: string, start = ''): Promise<string[]> {
  const from = walk.began.getTime() - GATHERED_MS;
  const days = new Set([from, Date.now()].map((time) => new Date(time).toISOString().slice(0, 10)));
  const pages = await Promise.all([...days].map((day) => keysUnder(walk, `${zone}/dt=${day}/${start}`, from)));
  return pages.flat();
}

/** Keys under a prefix, of objects written since a time (milliseconds), the newest first. */
export async function keysUnder(walk: Walk, Prefix: string, since = 0): Promise<string[]> {
  const found: { key: string; time: number }[] = [];
  const asked = { Bucket: walk.stage.outputs.LakeBucket, Prefix };
  for await (const { Contents = [] } of paginateListObjectsV2({ client: client(walk) }, asked)) {
    found.push(...Contents.map(({ Key, LastModified }) => ({ key: Key!, time: LastModified!.getTime() })));
  }
  const fresh = found.filter(({ time }) => time >= since).sort((a, b) => b.time - a.time);
  return fresh.slice(0, MOST_OBJECTS).map(({ key }) => key);
}

export async function bytesOf(walk: Walk, Key: string): Promise<Buffer> {
  const answer = await client(walk).send(new GetObjectCommand({ Bucket: walk.stage.outputs.LakeBucket, Key }));
  return Buffer.from(await answer.Body!.transformToByteArray());
}

/** Deletes an object. Where versions are kept, its bytes stay for as long as the stage keeps what was deleted. */
export const remove = (walk: Walk, Key: string) =>
  client(walk).send(new DeleteObjectCommand({ Bucket: walk.stage.outputs.LakeBucket, Key }));

/** Asks a Parquet object by SQL, in which it is called `parquet`. The rows of the answer. */
export async function askParquet(walk: Walk, key: string, sql: string): Promise<unknown[][]> {
  const folder = mkdtempSync(join(tmpdir(), 'ecomflow-smoke-'));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const file = join(folder, 'object.parquet');
    writeFileSync(file, await bytesOf(walk, key));
    await connection.run(`create view parquet as select * from read_parquet('${file}')`);
    return (await connection.runAndReadAll(sql)).getRows();
  } finally {
    connection.closeSync();
    instance.closeSync();
    rmSync(folder, { recursive: true, force: true });
  }
}
