import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  KinesisClient,
  MergeShardsCommand,
  PutRecordCommand,
  type Shard,
  SplitShardCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { buildSync } from 'esbuild';
import { HTTP, RETRIES } from '../../shared/adapters/aws/http';
import { kinesis } from '../../shared/adapters/aws/kinesis';
import { CHUNK_CHARACTERS } from '../../shared/domain/cutting';
import { balanceOf } from '../../shared/domain/ledger';
import { MAX_PAYLOAD_BYTES, seal, unpack } from '../../shared/domain/packing';
import { Unavailable } from '../../shared/pipeline/ports';
import { faulty } from '../support/faults';
import { sale, sales } from '../support/rows';
import { drain, type Findings, findings, post, type TestWorld, testWorld } from '../support/world';
import { type Held, readAll, readFrom, shardsOf } from './kinesis/reading';
import { type Refusing, refusing, type Trouble } from './kinesis/refusing';
import { ACCOUNT, type KinesisLocal, kinesisLocal } from './kinesis/server';
import { cleanAll, invoke, type Wired, wired } from './kinesis/wired';
import { realRows, whatIsTested } from './support/data';
import { peer } from './support/peer';
import { execute, until } from './support/processes';

const announced = peer({
  name: 'kinesis-local (kinesis-mock)',
  proves: [
    'chunks are in a second Kinesis once each, byte for byte, under their ids, on several shards, in order of sequence',
    'the records that it gives back clean to what the embedded stream gives, from a repeated sequence number too',
    'of records refused one by one only these are sent again; a lost answer or an outage costs no row and counts none twice',
    'splits, merges and a new shard count while rows flow lose nothing',
    "the largest record that ingest makes is within Kinesis's limit",
  ],
  cannot: [
    'throttle, or refuse one good record of many: a proxy of ours does, in the shape that AWS documents',
    'refuse a call of over 500 records or 5 MiB: it takes 501 records, and 10 MiB',
    'count the partition key towards 1 MiB a record; the check adds it',
    'refuse a call for one record that is too large: it refuses that record alone, AWS the whole call',
    "be read by Lambda's event source: its events are made here, of the records that it gives back",
    'check signatures or rights, speak HTTP/2 as ours does not either; as run here it forgets streams when it ends',
    'name the last sequence number of a closed shard: it says 9223372036854775807',
  ],
});

const ROWS = 50_000;
const BODIES = 2;
const SHARDS = 4;
/** Of one record, partition key included (Kinesis Data Streams, quotas and limits). */
const RECORD_BYTES = 1_048_576;

let server: KinesisLocal;
let rows: readonly string[];
let header: string;
const toRemove: { remove(): void }[] = [];
const toClose: Refusing[] = [];

beforeAll(async () => {
  server = await kinesisLocal();
  announced.version(server.version);
  Object.assign(process.env, ACCOUNT, { AWS_ENDPOINT_URL: server.endpoint });
  await server.start();
  [header, ...rows] = (await realRows(ROWS)).trimEnd().split('\n') as [string, ...string[]];
  announced.figure('tried with', whatIsTested(rows.length));
});

afterAll(async () => {
  for (const each of toRemove) each.remove();
  for (const each of toClose) await each.close();
  await server?.stop();
});

const world = (client: Pick<KinesisClient, 'send'>, name: string): Wired => {
  const made = wired(client, name);
  toRemove.push(made);
  return made;
};

/** Rows from..to of the file as a body. */
const body = (from: number, to: number) => [header, ...rows.slice(from, to)].join('\n');

async function postAll(ports: TestWorld, bodies: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const each of bodies) ids.push(await post(ports, 'transactions', each));
  return ids;
}

/** What the embedded stream makes of the same bodies. */
async function embedded(bodies: readonly string[]): Promise<Findings> {
  const own = testWorld();
  toRemove.push(own);
  const ids = await postAll(own, bodies);
  await drain(own);
  return findings(own, ids);
}

const keysOf = (records: readonly { readonly key: string }[]) => records.map(({ key }) => key).sort();
const idsOf = ({ made }: Wired) => made.map(({ chunk_id }) => chunk_id).sort();

/** Record by record: as many as were made, each with its bytes. */
function expectEachOnce(held: readonly Held[], from: Wired) {
  expect(keysOf(held)).toEqual(idsOf(from));
  const bytes = new Map(from.made.map(({ chunk_id, data }) => [chunk_id, Buffer.from(data)]));
  for (const { key, data } of held) expect(bytes.get(key)!.equals(data)).toBe(true);
}

describe('chunks that ingest puts into Kinesis', () => {
  const NAME = 'chunks';
  let bodies: readonly string[];
  let ingested: Wired;
  let ids: string[];
  let held: Held[];

  beforeAll(async () => {
    const each = Math.ceil(rows.length / BODIES);
    bodies = Array.from({ length: BODIES }, (_, i) => body(i * each, (i + 1) * each));
    await server.createStream(NAME, SHARDS);
    ingested = world(kinesis(), NAME);
    ids = await postAll(ingested, bodies);
    held = await readAll(server.client, NAME);
  });

  test('are there once each, byte for byte, and call themselves by their partition key', () => {
    expect(held.length).toBeGreaterThan(SHARDS);
    expectEachOnce(held, ingested);
    for (const { key, data } of held) expect(unpack(data).chunk_id).toBe(key);
    expect(held.reduce((sum, { data }) => sum + unpack(data).rows, 0)).toBe(rows.length);
    announced.figure('chunks of the rows', `${held.length}`);
  });

  test('lie on the shards that their keys name, with growing sequence numbers on each', async () => {
    const shards = await shardsOf(server.client, NAME);
    for (const { key, shard } of held) expect(shard).toBe(shards.find((each) => holds(each, key))!.ShardId);
    const used = new Set(held.map(({ shard }) => shard));
    expect(used.size).toBeGreaterThan(1);
    for (const shard of used) {
      const sequences = held.filter((record) => record.shard === shard).map(({ sequence }) => BigInt(sequence));
      sequences.slice(1).forEach((sequence, i) => {
        expect(sequence).toBeGreaterThan(sequences[i]!);
      });
    }
  });

  test('clean to what the embedded stream gives: ledger, invoices, customers, landing, refused rows', async () => {
    await cleanAll(server.client, NAME, ingested);
    const found = await findings(ingested, ids);
    expect(found).toEqual(await embedded(bodies));
    expect(found.batches.map(({ balanced }) => balanced)).toEqual(bodies.map(() => true));
    expect(found.batches.reduce((sum, { received }) => sum + received, 0)).toBe(rows.length);
    announced.figure('kept', `${found.kept}, the same by both streams`);
  });

  test('come again from the sequence number that the function answers, and then go through once', async () => {
    const other = testWorld();
    toRemove.push(other);
    const shard = [...Map.groupBy(held, (record) => record.shard).values()].toSorted((a, b) => b.length - a.length)[0]!;
    expect(shard.length).toBeGreaterThan(1);
    let landings = 0;
    const broken = faulty(other, (_, name) => (name === 'landing.append' && ++landings === 2 ? 'before' : undefined));

    const [failed] = await invoke(broken, NAME, shard);
    expect(failed).toBe(shard[1]!.sequence);
    const again = await readFrom(server.client, NAME, shard.find(({ sequence }) => sequence === failed)!);
    expect(keysOf(again)).toEqual(keysOf(shard.slice(1)));
    expect(await invoke(other, NAME, again)).toEqual([]);

    let kept = 0;
    for (const { data } of shard) {
      const { batch_id, number, rows } = unpack(data);
      const entry = (await other.chunks.find(batch_id, number))!;
      kept += entry.kept;
      const refused = Object.values(entry.rejected).reduce((sum, count) => sum + count, 0);
      expect(entry.kept + entry.duplicate + refused).toBe(rows);
    }
    expect((await findings(other, [])).lines).toHaveLength(kept);
  });
});

describe('a Kinesis that takes a part', () => {
  const BODY_ROWS = 25_000;
  let plain: Findings;
  let sent: string;

  beforeAll(async () => {
    sent = body(0, BODY_ROWS);
    plain = await embedded([sent]);
  });

  /** A stream behind the proxy, and the world that writes to it. */
  async function troubled(name: string, trouble: Trouble): Promise<{ proxy: Refusing; ingested: Wired }> {
    await server.createStream(name, 2);
    const proxy = await refusing(server.endpoint, trouble);
    toClose.push(proxy);
    const client = new KinesisClient({
      ...RETRIES,
      endpoint: proxy.endpoint,
      requestHandler: new NodeHttpHandler(HTTP),
    });
    return { proxy, ingested: world(client, name) };
  }

  test('gets again only what it refused, and holds every chunk once', async () => {
    const order: string[] = [];
    const { proxy, ingested } = await troubled('refusing', {
      refuse(key, nth) {
        if (nth === 1) order.push(key);
        const at = order.indexOf(key);
        if (at === 0 && nth <= 3) return 'ProvisionedThroughputExceededException';
        return at % 2 === 0 && nth === 1 ? 'InternalFailure' : undefined;
      },
    });
    const id = await post(ingested, 'transactions', sent);
    const all = ingested.made.map(({ chunk_id }) => chunk_id);
    const refused = all.filter((_, i) => i % 2 === 0);
    expect(refused.length).toBeGreaterThan(1);
    expect(proxy.calls).toEqual([all, refused, [all[0]], [all[0]]]);
    expectEachOnce(await readAll(server.client, 'refusing'), ingested);
    await cleanAll(server.client, 'refusing', ingested);
    expect(await findings(ingested, [id])).toEqual(plain);
  });

  test('and refuses a chunk for good leaves the batch open; sent again, every row counts once', async () => {
    let full = true;
    let victim: string | undefined;
    const { ingested } = await troubled('full', {
      refuse(key) {
        victim ??= key;
        return full && key === victim ? 'ProvisionedThroughputExceededException' : undefined;
      },
    });
    const failed = post(ingested, 'transactions', sent);
    await expect(failed).rejects.toThrow(Unavailable);
    await expect(failed).rejects.toThrow(/stream full: 1 left .*ProvisionedThroughputExceededException/);
    const made = ingested.made.map(({ chunk_id }) => chunk_id);
    const others = made.filter((key) => key !== victim);
    expect(keysOf(await readAll(server.client, 'full'))).toEqual(others.toSorted());

    const batch = ingested.inspect().all<{ batch_id: string }>('select distinct batch_id from batches');
    expect(batch).toHaveLength(1);
    const { batch_id } = batch[0]!;
    expect(balanceOf((await ingested.batches.find(batch_id))!).status).toBe('open');

    full = false;
    expect(await post(ingested, 'transactions', sent)).toBe(batch_id);
    const read = await cleanAll(server.client, 'full', ingested);
    expect(keysOf(read)).toEqual([...others, ...made].sort());
    expect(await findings(ingested, [batch_id])).toEqual(plain);
  });

  test('and whose answer is lost holds chunks twice, and their rows count once', async () => {
    const { proxy, ingested } = await troubled('losing', { lose: (nth) => nth === 1 });
    const id = await post(ingested, 'transactions', sent);
    const all = ingested.made.map(({ chunk_id }) => chunk_id);
    expect(proxy.calls).toEqual([all, all]);
    const read = await cleanAll(server.client, 'losing', ingested);
    expect(keysOf(read)).toEqual([...all, ...all].sort());
    expect(await findings(ingested, [id])).toEqual(plain);
  });
});

describe('a stream that is cut anew while rows flow', () => {
  const NAME = 'flowing';
  const BODY_ROWS = 100;
  /** Batches between two cuts: more than one reading of a shard brings, so that parents are not read at once. */
  const BETWEEN = 12;
  const PAUSE_MS = 20;

  test('loses nothing, and read parents first it cleans to a balanced ledger', async () => {
    await server.createStream(NAME, 2);
    const ingested = world(kinesis(), NAME);
    const bodies = Array.from({ length: Math.floor(rows.length / BODY_ROWS) }, (_, i) =>
      body(i * BODY_ROWS, (i + 1) * BODY_ROWS),
    );
    const ids: string[] = [];
    let producing = true;
    let wanted = true;

    const produce = async () => {
      try {
        while (wanted) {
          if (ids.length === bodies.length) throw new Error('the rows are used up before the shards are cut');
          ids.push(await post(ingested, 'transactions', bodies[ids.length]!));
          await new Promise((wake) => setTimeout(wake, PAUSE_MS));
        }
      } finally {
        producing = false;
      }
    };
    const more = async () => {
      const enough = ids.length + BETWEEN;
      await until('the producer goes on', 30, async () => ids.length >= enough || undefined);
    };
    const reshard = async () => {
      try {
        await more();
        const [first] = await openShards(NAME);
        const StreamName = NAME;
        const { ShardId: ShardToSplit, HashKeyRange: range } = first!;
        const middle = (BigInt(range!.StartingHashKey!) + BigInt(range!.EndingHashKey!)) / 2n;
        const split = { StreamName, ShardToSplit, NewStartingHashKey: `${middle}` };
        await server.client.send(new SplitShardCommand(split));
        await more();
        await server.active(NAME);
        const [, left, right] = await openShards(NAME);
        const merge = { StreamName, ShardToMerge: left!.ShardId, AdjacentShardToMerge: right!.ShardId };
        await server.client.send(new MergeShardsCommand(merge));
        await more();
        await server.active(NAME);
        const count = { StreamName, TargetShardCount: 4, ScalingType: 'UNIFORM_SCALING' } as const;
        await server.client.send(new UpdateShardCountCommand(count));
        await more();
        await server.active(NAME);
        await more();
      } finally {
        wanted = false;
      }
    };
    const [read] = await Promise.all([cleanAll(server.client, NAME, ingested, () => producing), produce(), reshard()]);

    expectEachOnce(read, ingested);
    const shards = await shardsOf(server.client, NAME);
    expect(await openShards(NAME)).toHaveLength(4);
    const later = await readAll(server.client, NAME);
    expectEachOnce(later, ingested);
    for (const order of [read, later]) {
      const kinds = expectParentsFirst(order, shards);
      expect(kinds).toContain('split');
      expect(kinds).toContain('merged');
    }

    const found = await findings(ingested, ids);
    expect(found.batches.map(({ balanced }) => balanced)).toEqual(ids.map(() => true));
    expect(found.batches.reduce((sum, { received }) => sum + received, 0)).toBe(ids.length * BODY_ROWS);
    expect(found).toEqual(await embedded(bodies.slice(0, ids.length)));
    announced.figure('batches while shards were cut', `${ids.length}, over ${shards.length} shards in all`);
  });
});

describe('the largest chunks', () => {
  const NAME = 'large';
  /** Characters that do not compress, the same at every run. */
  const noise = (characters: number, seed: string) =>
    createHash('shake256', { outputLength: Math.ceil(characters * 0.75) })
      .update(seed)
      .digest('base64')
      .slice(0, characters);
  const row = (characters: number) => sale({ description: noise(characters, 'one') });

  test('that ingest makes of a row as large as it takes fits, and one that is larger is refused by name', async () => {
    await server.createStream(NAME, 2);
    const ingested = world(kinesis(), NAME);
    const fits = (characters: number) => seal(row(characters)).payload.length <= MAX_PAYLOAD_BYTES;
    let [most, tooMany] = [1_000_000, 2_000_000];
    while (tooMany - most > 1) {
      const middle = Math.floor((most + tooMany) / 2);
      if (fits(middle)) most = middle;
      else tooMany = middle;
    }
    await post(ingested, 'transactions', sales([row(most)]));
    await expect(post(ingested, 'transactions', sales([row(tooMany)]))).rejects.toThrow(/too large/);

    const held = await readAll(server.client, NAME);
    expectEachOnce(held, ingested);
    expect(held).toHaveLength(1);
    const bytes = held[0]!.key.length + held[0]!.data.length;
    expect(bytes).toBeGreaterThan(MAX_PAYLOAD_BYTES);
    expect(bytes).toBeLessThanOrEqual(RECORD_BYTES);
    expect(unpack(held[0]!.data).text).toBe(row(most));
    announced.figure('largest record', `${bytes} of ${RECORD_BYTES} bytes, key included`);
  });

  test('of an invoice that does not compress are cut smaller until they fit, however wide its characters', async () => {
    await server.createStream('wide', 2);
    const ingested = world(kinesis(), 'wide');
    // Fifteen bits a character, which UTF-8 writes in three bytes.
    const bytes = createHash('shake256', { outputLength: 1_800_000 }).update('wide').digest();
    const text = Array.from({ length: bytes.length / 2 }, (_, i) =>
      String.fromCharCode(0x4000 + (bytes.readUInt16LE(2 * i) % 0x9000)),
    ).join('');
    const lines = Array.from({ length: Math.floor(text.length / 3000) }, (_, i) =>
      sale({ description: text.slice(i * 3000, (i + 1) * 3000) }),
    );
    const id = await post(ingested, 'transactions', sales(lines));
    const held = await readAll(server.client, 'wide');
    expect(held.length).toBeGreaterThan(Math.ceil(text.length / CHUNK_CHARACTERS));
    expectEachOnce(held, ingested);
    for (const { key, data } of held) expect(key.length + data.length).toBeLessThanOrEqual(RECORD_BYTES);
    await cleanAll(server.client, 'wide', ingested);
    expect((await findings(ingested, [id])).lines).toHaveLength(lines.length);
  });

  test('are measured by a limit that the stream has: a byte more than 1 MiB is refused', async () => {
    const put = (bytes: number) =>
      server.client.send(new PutRecordCommand({ StreamName: NAME, PartitionKey: 'k', Data: Buffer.alloc(bytes) }));
    await expect(put(RECORD_BYTES + 1)).rejects.toThrow(/size/);
    await put(RECORD_BYTES);
    expect((await readAll(server.client, NAME)).filter(({ key }) => key === 'k')).toHaveLength(1);
  });
});

// Last, because it ends the server that the others use.
describe('a Kinesis that is away', () => {
  const NAME = 'away';
  const AWAY_ROWS = 12_000;
  let ingested: Wired;
  let script: string;
  const attempt = () => post(ingested, 'transactions', body(0, AWAY_ROWS));

  /** The batch, of which nothing may be accepted yet. */
  const openBatch = async () => {
    const heads = ingested.inspect().all<{ batch_id: string }>('select distinct batch_id from batches');
    expect(heads).toHaveLength(1);
    const [{ batch_id }] = heads as [{ batch_id: string }];
    expect(balanceOf((await ingested.batches.find(batch_id))!).status).toBe('open');
    return batch_id;
  };

  /** What the adapter throws in a process of its own; null when it throws nothing. */
  const thrown = async (): Promise<unknown> => {
    const env = { ...process.env }; // jest's own copy, which a child does not get by itself
    const { stdout } = await execute(process.execPath, [script, NAME], { env, timeout: 60_000 });
    return JSON.parse(stdout);
  };

  beforeAll(async () => {
    ingested = world(kinesis(), NAME);
    const folder = mkdtempSync(join(tmpdir(), 'ecomflow-kinesis-'));
    toRemove.push({ remove: () => rmSync(folder, { recursive: true }) });
    script = join(folder, 'append.cjs');
    const entryPoints = [join(__dirname, 'kinesis/append.ts')];
    buildSync({ entryPoints, outfile: script, bundle: true, platform: 'node', format: 'cjs' });
    await server.stop();
  });

  test('is unavailable, with the refused connection as its cause, and leaves the batch open', async () => {
    expect(await thrown()).toMatchObject({
      name: 'Unavailable',
      message: expect.stringContaining(`writing to stream ${NAME}`),
      cause: { code: 'ECONNREFUSED' },
    });
    await expect(attempt()).rejects.toThrow(/ECONNREFUSED/);
    await openBatch();
  });

  test('and comes back without the stream is unavailable too: a deployment is at fault, no chunk', async () => {
    await server.start();
    expect(await thrown()).toMatchObject({
      name: 'Unavailable',
      message: expect.stringContaining(`writing to stream ${NAME}`),
      cause: { name: 'ResourceNotFoundException' },
    });
    await expect(attempt()).rejects.toThrow(Unavailable);
    await openBatch();
  });

  test('takes all rows, each counted once, when they are sent again; a foreign record goes to failed/', async () => {
    const batch_id = await openBatch();
    await server.createStream(NAME, 1);
    expect(await thrown()).toBeNull();
    const foreign = await readAll(server.client, NAME);
    expect(foreign.map(({ data }) => data.toString())).toEqual(['a']);
    expect(await attempt()).toBe(batch_id);

    const held = (await readAll(server.client, NAME)).slice(1);
    expect(held.reduce((sum, { data }) => sum + unpack(data).rows, 0)).toBe(AWAY_ROWS);
    expect(new Set(keysOf(held)).size).toBe(held.length);
    await cleanAll(server.client, NAME, ingested);
    expect(await findings(ingested, [batch_id])).toEqual(await embedded([body(0, AWAY_ROWS)]));
    expect(readdirSync(join(ingested.directory, 'failed'))).toContain(`unreadable-${foreign[0]!.sequence}.chunk`);
  });
});

/** Every parent's last record before its children's first, in place and number. In which ways shards were made. */
function expectParentsFirst(read: readonly Held[], shards: readonly Shard[]): Set<'split' | 'merged'> {
  const kinds = new Set<'split' | 'merged'>();
  const of = (id: string) => read.flatMap(({ shard, sequence }, at) => (shard === id ? [{ at, sequence }] : []));
  for (const { ShardId, ParentShardId, AdjacentParentShardId } of shards) {
    for (const parent of [ParentShardId, AdjacentParentShardId].filter((id) => id !== undefined)) {
      const [last, first] = [of(parent).at(-1), of(ShardId!)[0]];
      if (!last || !first) continue;
      expect(last.at).toBeLessThan(first.at);
      expect(BigInt(last.sequence)).toBeLessThan(BigInt(first.sequence));
      kinds.add(AdjacentParentShardId === undefined ? 'split' : 'merged');
    }
  }
  return kinds;
}

/** Open shards in the order of their hash keys. */
async function openShards(name: string): Promise<Shard[]> {
  const start = ({ HashKeyRange }: Shard) => BigInt(HashKeyRange!.StartingHashKey!);
  return (await shardsOf(server.client, name))
    .filter(({ SequenceNumberRange }) => SequenceNumberRange!.EndingSequenceNumber === undefined)
    .sort((a, b) => (start(a) < start(b) ? -1 : 1));
}

/** Whether a shard takes a partition key: by the key's MD5 as a number, as AWS documents it. */
function holds({ HashKeyRange }: Shard, key: string): boolean {
  const hash = BigInt(`0x${createHash('md5').update(key).digest('hex')}`);
  return hash >= BigInt(HashKeyRange!.StartingHashKey!) && hash <= BigInt(HashKeyRange!.EndingHashKey!);
}
