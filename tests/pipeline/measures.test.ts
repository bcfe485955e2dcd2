import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CleanPorts, cleanChunk, cleanRecords } from '../../shared/pipeline/clean';
import { takeStep } from '../../shared/pipeline/nightly';
import { Unavailable } from '../../shared/pipeline/ports';
import { metrics } from '../../shared/pipeline/questions';
import { announceUpload } from '../../shared/pipeline/uploads';
import { faulty } from '../support/faults';
import { fakeSpark, put, take } from '../support/inbox';
import { click, clicks, sale, sales } from '../support/rows';
import { chunksIn, drain, post, postUntilTaken, type TestWorld, testWorld } from '../support/world';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

// biome-ignore lint/suspicious/noExplicitAny: a line has any facts
type Line = Record<string, any>;
const log = (): string => {
  const path = join(world.directory, 'log.ndjson');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};
const lines = (): Line[] =>
  log()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
const said = (message: string): Line[] => lines().filter((line) => line.message === message);

/** Sums of what was measured, and how often. */
async function measured(): Promise<Record<string, readonly [count: number, sum: number]>> {
  const found = (await world.telemetry.read())!;
  return Object.fromEntries(found.map(({ meter, dataset, count, sum }) => [`${meter} ${dataset}`, [count, sum]]));
}

/** Two rows kept, one duplicate, two refused. */
const BODY = sales([
  sale({ description: 'Jane Doe' }),
  sale({ stock: 'B' }),
  sale({ stock: 'B' }),
  sale({ invoice: 'C3', description: 'Jane Doe' }),
  sale({ quantity: 'x', description: 'Jane Doe' }),
]);
const ONCE = {
  'RowsReceived transactions': [1, 5],
  'RowsKept transactions': [1, 2],
  'RowsDuplicate transactions': [1, 1],
  'RowsRejected transactions': [1, 2],
};
const delivered = () => world.log.read('again', 1000).map(({ data }, i) => ({ sequence: `${i}`, data }));

describe('rows are measured once', () => {
  it('when their chunk is delivered twice; the time is that from the request to the ledger', async () => {
    const batch_id = await post(world, 'transactions', BODY);
    world.clock.pass(1.5);
    expect(await cleanRecords(delivered(), world)).toBeUndefined();
    world.clock.pass(3600);
    expect(await cleanRecords([...delivered(), ...delivered()], world)).toBeUndefined();
    expect(await measured()).toEqual({ ...ONCE, 'PostToLedger transactions': [1, 1500] });

    const { chunk_id } = (await world.batches.find(batch_id))!.entries[0]!;
    const ids = { batch_id, chunk_id, dataset: 'transactions' };
    const outcomes = { rows: 5, kept: 2, duplicate: 1, rejected: { cancellation: 1, unparseable: 1 }, ms: 1500 };
    expect(said('a chunk is clean')).toEqual([
      expect.objectContaining({ level: 'INFO', ...ids, number: 1, ...outcomes }),
    ]);
    expect(said('a chunk that is clean came again')).toEqual([
      expect.objectContaining(ids),
      expect.objectContaining(ids),
    ]);
  });

  it('when their chunk comes out of failed/ after days, and no time is taken of it', async () => {
    await post(world, 'transactions', BODY);
    world.clock.pass(3 * 24 * 3600);
    await cleanChunk(chunksIn(world)[0]!, world);
    expect(await measured()).toEqual(ONCE);
  });

  it('when two clean their chunk at the same time', async () => {
    await post(world, 'transactions', BODY);
    const [chunk] = chunksIn(world);
    const unaware: CleanPorts = {
      ...world,
      chunks: { ...world.chunks, find: async () => undefined },
      landing: { append: async () => undefined }, // one process does not write an object twice at a time
      rejects: { ...world.rejects, put: async () => undefined },
    };
    const entries = await Promise.all([cleanChunk(chunk!, unaware), cleanChunk(chunk!, unaware)]);
    expect(entries[0]).toEqual(entries[1]);
    expect(await measured()).toEqual(ONCE);
  });

  it('when their content is sent again', async () => {
    const first = await post(world, 'transactions', BODY);
    expect(await post(world, 'transactions', BODY)).toBe(first);
    expect(await measured()).toEqual({ 'RowsReceived transactions': [1, 5] });
    const facts = { batch_id: first, dataset: 'transactions', rows: 5, chunks: 1, sent_by: 'test' };
    expect(said('a batch is accepted')).toEqual([expect.objectContaining(facts)]);
    expect(said('a batch that is accepted came again')).toEqual([expect.objectContaining(facts)]);
  });

  it('whatever breaks before any call of a port; behind one, at most once', async () => {
    for (const fault of ['before', 'after'] as const) {
      for (let call = 0, broke = true; broke; call++) {
        world.remove();
        world = testWorld();
        broke = false;
        const ports = faulty(world, (n) => {
          broke ||= n === call;
          return n === call ? fault : undefined;
        });
        await postUntilTaken(ports, 'transactions', BODY);
        await drain(world, ports);
        const { 'PostToLedger transactions': _, ...rows } = await measured();
        if (fault === 'before') expect({ call, rows }).toEqual({ call, rows: ONCE });
        for (const [meter, counts] of Object.entries(rows))
          expect({ meter, counts }).toEqual({ meter, counts: ONCE[meter as keyof typeof ONCE] });
        expect(call).toBeLessThan(30);
      }
    }
  });

  it('by their data set', async () => {
    await post(world, 'events', clicks([click(), click({ second: 1, type: 'look' })]));
    await drain(world);
    expect(await measured()).toMatchObject({
      'RowsReceived events': [1, 2],
      'RowsKept events': [1, 1],
      'RowsDuplicate events': [1, 0],
      'RowsRejected events': [1, 1],
    });
  });
});

describe('a chunk in trouble', () => {
  it('that cannot be cleaned is counted, and told by its ids and the defect', async () => {
    const batch_id = await post(world, 'transactions', BODY);
    const [{ chunk_id } = { chunk_id: '' }] = chunksIn(world);
    const append = () => Promise.reject(new TypeError('x is not a function', { cause: new Error('of a vendor') }));
    expect(await cleanRecords(delivered(), { ...world, landing: { append } })).toBeUndefined();
    expect(await measured()).toEqual({ 'RowsReceived transactions': [1, 5], 'ChunksFailed transactions': [1, 1] });
    expect(said('a chunk cannot be cleaned')).toEqual([
      {
        level: 'ERROR',
        message: 'a chunk cannot be cleaned',
        timestamp: '2026-03-01T12:00:00.000Z',
        service: 'ecomflow-local',
        batch_id,
        chunk_id,
        dataset: 'transactions',
        sequence: '0',
        error: {
          name: 'TypeError',
          message: 'x is not a function',
          stack: expect.stringContaining('measures.test.ts'),
          cause: { name: 'Error', message: 'of a vendor', stack: expect.any(String) },
        },
      },
    ]);
  });

  it('that a broken world kept back is told so, and is no failed one', async () => {
    const batch_id = await post(world, 'transactions', BODY);
    const append = () => Promise.reject(new Unavailable('landing is busy'));
    expect(await cleanRecords(delivered(), { ...world, landing: { append } })).toBe('0');
    expect(await measured()).toEqual({ 'RowsReceived transactions': [1, 5] });
    expect(said('a chunk is to be delivered again')).toEqual([
      expect.objectContaining({ level: 'ERROR', batch_id, chunk_id: chunksIn(world)[0]!.chunk_id, sequence: '0' }),
    ]);
  });

  it('that is no chunk is told by its place in the stream', async () => {
    const heard: unknown[] = [];
    const hear = (error: unknown) => void heard.push(error);
    expect(await cleanRecords([{ sequence: '7', data: Buffer.from('Jane Doe') }], world, hear)).toBeUndefined();
    expect(await measured()).toEqual({ 'ChunksFailed null': [1, 1] });
    expect(lines()).toEqual([expect.objectContaining({ message: 'a chunk cannot be cleaned', sequence: '7' })]);
    expect(heard).toEqual([expect.objectContaining({ name: 'NotAChunk' })]);
  });
});

describe('every line', () => {
  it('of rows on their way has their batch and chunk, and nothing of what is in them', async () => {
    const poison = sales([sale({ invoice: '9', description: 'Jane Doe' })]);
    await post(world, 'transactions', BODY);
    await post(world, 'transactions', poison);
    const ports: CleanPorts = {
      ...world,
      landing: {
        append: (chunk, rows) =>
          'rows' in chunk && chunk.rows === 1
            ? Promise.reject(new TypeError('a defect'))
            : world.landing.append(chunk, rows),
      },
    };
    await drain(world, ports);
    expect(lines().map(({ message }) => message)).toEqual([
      'a batch is accepted',
      'a batch is accepted',
      'a chunk is clean',
      'a chunk cannot be cleaned',
    ]);
    for (const { message, batch_id, chunk_id } of lines()) {
      expect(batch_id).toMatch(/^[0-9a-f]{32}$/);
      if (message.includes('chunk')) expect(chunk_id).toMatch(/^[0-9a-f]{32}/);
    }
    expect(log()).not.toContain('Jane Doe');
    expect(log()).not.toContain('17850');
  });

  it('of a file has its key, what it came to, and the batch if it is one of Spark', async () => {
    const small = put(world, 'transactions/small.csv', BODY);
    const wrong = put(world, 'transactions/wrong.csv', 'Colour\nJane Doe\n');
    const large = put(
      world,
      'transactions/large.csv',
      sales(Array.from({ length: 100 }, (_, i) => sale({ stock: `${i}` }))),
    );
    await take(world, small);
    await take(world, wrong);
    await take(world, large, { bulk: fakeSpark(1000) });
    await take(world, { key: 'inbox/transactions/gone.csv' });
    const files = said('a file was looked at');
    expect(files).toEqual([
      expect.objectContaining({ level: 'INFO', ...small, outcome: 'done', engine: 'stream', file: expect.any(String) }),
      expect.objectContaining({ level: 'WARN', ...wrong, outcome: 'refused', refusal: 'unknown_column' }),
      expect.objectContaining({
        ...large,
        outcome: 'running',
        engine: 'spark',
        run_id: 'run-1',
        batch_id: expect.any(String),
      }),
      expect.objectContaining({ key: 'inbox/transactions/gone.csv', outcome: 'gone' }),
    ]);
    expect(said('a batch is accepted')).toEqual([expect.objectContaining({ file: files[0]!.file, part: 1 })]);
    expect(log()).not.toContain('Jane Doe');
  });

  it('of a night has the night, what it waits for, and how it ended', async () => {
    put(world, 'transactions/waiting.csv', BODY);
    const night = { id: 'night-1', began_at: world.clock.now().toISOString() };
    await takeStep({ step: 'wait', night, within: 60 }, world);
    const failure = { step: 'load', error: 'NotInTime', cause: 'no' };
    await takeStep({ step: 'report', night: { ...night, failure } }, world);
    expect(lines()).toEqual([
      expect.objectContaining({
        level: 'INFO',
        message: 'a step of the night',
        night: 'night-1',
        step: 'wait',
        again: false,
      }),
      expect.objectContaining({
        level: 'ERROR',
        message: 'the night is over',
        night: 'night-1',
        status: 'failed',
        failure,
      }),
    ]);
  });

  it('of an upload has its key and who asked for it, and not the address', async () => {
    const body = Buffer.from('{"dataset": "events", "bytes": 7}');
    const url = 'https://lake.example/x?X-Amz-Signature=0e4d8a2c';
    const ports = { ...world, uploads: { sign: async () => ({ url, headers: {} }) } };
    const { key } = await announceUpload({ body, sent_by: 'shop', id: 'ab'.repeat(16) }, ports);
    expect(lines()).toEqual([
      expect.objectContaining({ message: 'an upload is announced', key, dataset: 'events', bytes: 7, sent_by: 'shop' }),
    ]);
    expect(log()).not.toContain('Signature');
  });
});

describe('the numbers', () => {
  const question = { resource: '/v1/metrics', path: {} };

  it('are told with their unit and what they mean', async () => {
    world.telemetry.measure({ MailsSent: 1 });
    const sent = { count: 1, sum: 1, max: 1, last: 1, last_at: '2026-03-01T12:00:00.000Z' };
    const about = { meter: 'MailsSent', unit: 'Count', meaning: 'mails that were handed over', dataset: null };
    expect(await metrics(question, world)).toEqual({ meters: [{ ...about, ...sent }] });
  });

  it('are not found where CloudWatch has them, and it is said where to look', async () => {
    const telemetry = { ...world.telemetry, read: async () => undefined };
    await expect(metrics(question, { telemetry })).rejects.toMatchObject({
      code: 'not_found',
      detail: expect.stringContaining('in CloudWatch: namespace ecomflow'),
    });
  });
});
