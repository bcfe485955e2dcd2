import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalSpark } from '../../../shared/adapters/local/bulk';
import { versionOf } from '../../../shared/adapters/local/inbox';
import type { BulkJob } from '../../../shared/domain/bulk';
import { landingKey } from '../../../shared/domain/lake';
import { Unavailable } from '../../../shared/pipeline/ports';
import { type TestWorld, testWorld } from '../../support/world';

const scratch = mkdtempSync(join(tmpdir(), 'ecomflow-bulk-'));
const python = join(scratch, 'python');
const BATCHES = ['a'.repeat(32), 'b'.repeat(32)] as const;

/** A Python that has pyspark or not, and writes down what it is to run until it is stopped. */
function install(has: boolean, work = 'sleep 60'): void {
  writeFileSync(
    python,
    `#!/bin/sh\n[ "$1" = -c ] && exit ${has ? 0 : 1}\nfor a in "$@"; do printf '%s\\n' "$a"; done\nexec ${work}\n`,
  );
  chmodSync(python, 0o755);
}

let world: TestWorld;
let spark: LocalSpark;
beforeEach(() => {
  world = testWorld();
  spark = new LocalSpark(world.directory, process.cwd(), python);
});
afterEach(() => {
  spark.stop();
  world.remove();
});
afterAll(() => rmSync(scratch, { recursive: true }));

function job(batch_id: string, changes: Partial<BulkJob> = {}): BulkJob {
  const key = 'inbox/transactions/a b+ü.csv';
  const path = join(world.directory, key);
  mkdirSync(join(path, '..'), { recursive: true });
  if (!existsSync(path)) writeFileSync(path, 'rows');
  return {
    batch_id,
    dataset: 'transactions',
    key,
    version: versionOf(statSync(path)),
    bytes: 4,
    format: 'csv',
    charset: 'utf-8',
    compression: 'none',
    columns: ['invoice_no', 'country'],
    header_lines: 1,
    received_at: '2026-03-01T10:00:00.000Z',
    sent_by: '--master evil',
    ...changes,
  };
}

async function until(met: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !met(); i++) await sleep(25);
  expect(met()).toBe(true);
}

describe('Spark on this machine', () => {
  it('is absent where Python has no pyspark', async () => {
    install(false);
    const said = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    expect(await spark.start(job(BATCHES[0]))).toBe('absent');
    expect(said).toHaveBeenCalledWith(expect.stringContaining('takes the small path'));
    said.mockRestore();
    expect(spark.isRunning(BATCHES[0])).toBe(false);
  });

  it('runs one batch at a time, and adopts the run that is under way', async () => {
    install(true);
    expect(await spark.start(job(BATCHES[0]))).toEqual({ run_id: BATCHES[0] });
    expect(await spark.start(job(BATCHES[0]))).toEqual({ run_id: BATCHES[0] });
    expect(await spark.start(job(BATCHES[1]))).toBe('busy');
    spark.stop();
    await until(() => !spark.isRunning(BATCHES[0]));
    expect(await spark.start(job(BATCHES[1]))).toEqual({ run_id: BATCHES[1] });
  });

  it('is told what to do in arguments that are what they are, and reads the file as it was', async () => {
    install(true, 'true');
    await spark.start(job(BATCHES[0]));
    const input = join(world.directory, `work/transactions/${BATCHES[0]}/input`);
    writeFileSync(join(world.directory, 'inbox/transactions/new'), 'other');
    rmSync(join(world.directory, job(BATCHES[0]).key));
    expect(readFileSync(input, 'utf8')).toBe('rows');
    await until(() => !spark.isRunning(BATCHES[0]));
    await until(() => readFileSync(spark.logOf(BATCHES[0]), 'utf8').includes('--sent-by'));
    const [script, ...said] = readFileSync(spark.logOf(BATCHES[0]), 'utf8').trim().split('\n');
    const given = Object.fromEntries(said.flatMap((name, i) => (i % 2 === 0 ? [[name, said[i + 1]]] : [])));
    expect(script).toBe(join(process.cwd(), 'functions/batch/job.py'));
    expect(given).toMatchObject({
      '--contract': `file://${process.cwd()}/shared/domain/contracts/transactions.json`,
      '--lake': `file://${world.directory}`,
      '--input': `file://${input}`,
      '--dataset': 'transactions',
      '--batch-id': BATCHES[0],
      '--key': 'inbox%2Ftransactions%2Fa%20b%2B%C3%BC.csv',
      '--version': expect.any(String),
      '--format': 'csv',
      '--charset': 'utf-8',
      '--compression': 'none',
      '--columns': 'invoice_no,country',
      '--header-lines': '1',
      '--received-at': '2026-03-01T10:00:00.000Z',
      '--sent-by': '%2D-master%20evil',
    });
  });

  it('does not read a file that went or was replaced since', async () => {
    install(true);
    const other = job(BATCHES[0], { version: 'another' });
    await expect(spark.start(other)).rejects.toThrow(Unavailable);
    await expect(spark.start(job(BATCHES[0], { key: 'inbox/transactions/gone' }))).rejects.toThrow(Unavailable);
    expect(spark.isRunning(BATCHES[0])).toBe(false);
  });

  it('leaves no listener of its own behind each run', async () => {
    install(true, 'true');
    const before = process.listenerCount('exit');
    for (let i = 0; i < 3; i++) {
      await spark.start(job(BATCHES[0]));
      await until(() => !spark.isRunning(BATCHES[0]));
    }
    await until(() => process.listenerCount('exit') === before);
  });
});

describe('what Spark left in the lake', () => {
  const chunk = {
    dataset: 'transactions',
    batch_id: BATCHES[0],
    chunk_id: `${BATCHES[0]}-s00001`,
    received_at: '2026-03-01T10:00:00.000Z',
  };
  const row = (line_id: string) => ({
    line_id: line_id.repeat(32),
    row: {
      invoice_no: '1',
      stock_code: 'a',
      description: null,
      quantity: 6,
      invoice_date: '2010-12-01T08:26:00Z',
      unit_price: '2.55',
      customer_id: 'Unknown',
      country: 'France',
    },
  });
  async function rows() {
    const found = [];
    for await (const some of world.bulkOutput.read(chunk)) found.push(...some);
    return found;
  }

  it('has a manifest once it is done', async () => {
    expect(await world.bulkOutput.manifest(chunk)).toBeUndefined();
    await world.lake.put(`work/transactions/${BATCHES[0]}/manifest.json`, '{"é":1}');
    expect(await world.bulkOutput.manifest(chunk)).toBe('{"é":1}');
  });

  it('is replaced by the rows that are left, or by none', async () => {
    for (const left of [[row('1'), row('2')], [row('2')], []]) {
      await world.bulkOutput.replace(chunk, left);
      expect(await rows()).toEqual(left.map((kept) => ({ ...kept, batch_id: BATCHES[0] })));
    }
    expect(existsSync(join(world.directory, landingKey(chunk)))).toBe(true);
  });

  it('is a fault, and no empty chunk, when it is gone', async () => {
    await expect(rows()).rejects.toThrow(Unavailable);
  });
});
