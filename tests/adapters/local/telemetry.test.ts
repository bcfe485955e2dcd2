import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openWorld } from '../../../shared/adapters/local';
import { aloud } from '../../../shared/adapters/local/telemetry';
import { type TestWorld, testWorld } from '../../support/world';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => {
  jest.restoreAllMocks();
  world.remove();
});

const linesOf = (file = 'log.ndjson'): string[] => {
  const path = join(world.directory, file);
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
};

describe('the log', () => {
  test('has a line of JSON for each call, in their order', () => {
    world.telemetry.log('info', 'a chunk is clean', { batch_id: 'b1', chunk_id: 'c1', rows: 3, dataset: undefined });
    world.clock.pass(1);
    const cause = new Error('disk');
    world.telemetry.log('error', 'trouble', { error: new Error('no\nroom', { cause }) });
    expect(linesOf().map((line) => JSON.parse(line))).toEqual([
      {
        level: 'INFO',
        message: 'a chunk is clean',
        timestamp: '2026-03-01T12:00:00.000Z',
        service: 'ecomflow-local',
        batch_id: 'b1',
        chunk_id: 'c1',
        rows: 3,
      },
      {
        level: 'ERROR',
        message: 'trouble',
        timestamp: '2026-03-01T12:00:01.000Z',
        service: 'ecomflow-local',
        error: {
          name: 'Error',
          message: 'no\nroom',
          stack: expect.any(String),
          cause: { name: 'Error', message: 'disk', stack: expect.any(String) },
        },
      },
    ]);
  });

  test('is put away at 10 MB, in the place of what was put away before', () => {
    const file = join(world.directory, 'log.ndjson');
    writeFileSync(join(world.directory, 'log.1.ndjson'), '"oldest"\n');
    writeFileSync(file, `"${'o'.repeat(10 * 1024 * 1024 - 400)}"\n`);
    world.telemetry.log('info', 'still in it', {});
    expect(linesOf()).toHaveLength(2);
    world.telemetry.log('info', 'the last one in it', { text: 't'.repeat(500) });
    expect(existsSync(file)).toBe(false);
    expect(linesOf('log.1.ndjson').map((line) => JSON.parse(line).message)).toEqual([
      undefined,
      'still in it',
      'the last one in it',
    ]);
    world.telemetry.log('info', 'the first of the next', {});
    expect(linesOf()).toHaveLength(1);
    expect(statSync(join(world.directory, 'log.1.ndjson')).size).toBeGreaterThan(10 * 1024 * 1024);
  });

  test('is written to by several processes at a time, a line never within another', async () => {
    const writer = `
      const { openSync, writeSync, closeSync } = require('node:fs');
      for (let i = 0; i < 2000; i++) {
        const file = openSync(process.argv[1], 'a');
        writeSync(file, JSON.stringify({ from: 'other', i, text: 'x'.repeat(i) }) + '\\n');
        closeSync(file);
      }`;
    const other = promisify(execFile)(process.execPath, ['-e', writer, join(world.directory, 'log.ndjson')]);
    let done = false;
    void other.finally(() => {
      done = true;
    });
    let mine = 0;
    while (!done && mine < 3000) {
      for (let n = 0; n < 20; n++) world.telemetry.log('info', 'mine', { i: mine++, text: 'y'.repeat(1000) });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await other;
    const found = linesOf().map((line) => JSON.parse(line));
    expect(found.filter(({ from }) => from === 'other').map(({ i }) => i)).toEqual(
      Array.from({ length: 2000 }, (_, i) => i),
    );
    expect(found.filter(({ message }) => message === 'mine').map(({ i }) => i)).toEqual(
      Array.from({ length: mine }, (_, i) => i),
    );
  });

  test('that cannot be written stops nothing, and is complained of once', () => {
    const said = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    mkdirSync(join(world.directory, 'log.ndjson'));
    world.telemetry.log('info', 'one', {});
    world.telemetry.log('info', 'two', {});
    expect(said).toHaveBeenCalledTimes(1);
    expect(said.mock.calls[0]).toEqual([
      expect.stringContaining(world.directory),
      expect.objectContaining({ code: 'EISDIR' }),
    ]);
    rmSync(join(world.directory, 'log.ndjson'), { recursive: true });
    world.telemetry.log('info', 'three', {});
    expect(linesOf()).toHaveLength(1);
  });

  test('says errors to people too where a function writes it, with the id of what it is about', () => {
    const said = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const telemetry = aloud(world.telemetry);
    const error = new Error('broken');
    telemetry.log('info', 'a chunk is clean', { chunk_id: 'c1' });
    telemetry.log('warn', 'a file was looked at', { key: 'k' });
    telemetry.log('error', 'a chunk cannot be cleaned', { batch_id: 'b1', chunk_id: 'c1', error });
    telemetry.log('error', 'the night is over', { night: 'n' });
    expect(said.mock.calls).toEqual([['a chunk cannot be cleaned', 'c1', error], ['the night is over']]);
    expect(linesOf()).toHaveLength(4);
  });
});

describe('counters', () => {
  const of = (meter: string, dataset: string | null, values: object) => ({ meter, dataset, ...values });

  test('add up the values of a meter and data set', async () => {
    expect(await world.telemetry.read()).toEqual([]);
    world.telemetry.measure({ PostToLedger: 300, RowsKept: 5 }, 'transactions');
    world.clock.pass(60);
    world.telemetry.measure({ PostToLedger: 100.5, RowsKept: 7 }, 'transactions');
    world.telemetry.measure({ RowsKept: 1 }, 'events');
    world.telemetry.measure({ MailsSent: 1 });
    world.telemetry.measure({});
    world.telemetry.measure({ RowsKept: Number.NaN, NoMeter: 1 } as never, 'events');
    const last_at = '2026-03-01T12:01:00.000Z';
    expect(await world.telemetry.read()).toEqual([
      of('RowsKept', 'events', { count: 1, sum: 1, max: 1, last: 1, last_at }),
      of('RowsKept', 'transactions', { count: 2, sum: 12, max: 7, last: 7, last_at }),
      of('PostToLedger', 'transactions', { count: 2, sum: 400.5, max: 300, last: 100.5, last_at }),
      of('MailsSent', null, { count: 1, sum: 1, max: 1, last: 1, last_at }),
    ]);
  });

  test('are those of the data directory, whoever counted', async () => {
    const other = openWorld(world.directory, world.clock);
    other.telemetry.measure({ RowsKept: 2 }, 'events');
    other.close();
    world.telemetry.measure({ RowsKept: 3 }, 'events');
    expect(await world.telemetry.read()).toMatchObject([{ count: 2, sum: 5 }]);
  });

  test('come to a directory that was made before there were any', async () => {
    const { Database } = await import('../../../shared/adapters/local/database');
    const older = new Database(world.directory);
    older.run('drop table meters');
    older.close();
    const again = openWorld(world.directory, world.clock);
    again.telemetry.measure({ RowsKept: 2 }, 'events');
    expect(await again.telemetry.read()).toHaveLength(1);
    again.close();
  });
});
