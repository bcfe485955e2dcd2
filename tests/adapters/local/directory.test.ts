import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { buildSync } from 'esbuild';
import { openWorld } from '../../../shared/adapters/local';
import { DirectoryRefused, lockDirectory } from '../../../shared/adapters/local/database';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ecomflow-directory-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('a data directory', () => {
  const tables = () => join(directory, 'ecomflow.sqlite');

  /** What is in the tables, and which there are. */
  const content = () => {
    const sqlite = new DatabaseSync(tables());
    try {
      const ask = (sql: string) => sqlite.prepare(sql).all();
      return [ask('pragma user_version'), ask('select * from sqlite_master'), ask('select * from stream')];
    } finally {
      sqlite.close();
    }
  };

  it('has what an earlier process left in it', async () => {
    const first = openWorld(directory);
    await first.stream.append([{ chunk_id: 'a', data: Buffer.from('rows') }]);
    first.close();
    const second = openWorld(directory);
    expect(second.log.backlog('clean')).toBe(1);
    second.close();
  });

  it.each([[99], [-1]])('of another schema (%i) is refused and left as it was', async (schema) => {
    const earlier = openWorld(directory);
    await earlier.stream.append([{ chunk_id: 'a', data: Buffer.from('rows') }]);
    earlier.close();
    const other = new DatabaseSync(tables());
    other.exec(`pragma user_version = ${schema}; create table of_theirs (x);`);
    other.close();
    const before = content();

    expect(() => openWorld(directory)).toThrow(DirectoryRefused);
    expect(() => openWorld(directory)).toThrow(`its schema is ${schema}`);
    expect(content()).toEqual(before);
  });
});

describe('the lock of a data directory', () => {
  it('refuses a second holder and says who the first one is', () => {
    const lock = lockDirectory(directory);
    expect(() => lockDirectory(directory)).toThrow(DirectoryRefused);
    expect(() => lockDirectory(directory)).toThrow(`(process ${process.pid})`);
    lock.release();
  });

  it('is free again after release, as often as one likes', () => {
    lockDirectory(directory).release();
    lockDirectory(directory).release();
    const lock = lockDirectory(directory);
    expect(() => lockDirectory(directory)).toThrow(DirectoryRefused);
    lock.release();
  });

  it('is held against other processes, and lifted with its holder when that is killed', async () => {
    const holder = spawn(process.execPath, [holderScript()], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(holder, 'exit');
    try {
      await once(holder.stdout, 'data');
      expect(() => lockDirectory(directory)).toThrow(`(process ${holder.pid})`);
    } finally {
      holder.kill('SIGKILL');
      await ended;
    }
    lockDirectory(directory).release();
  });

  /** A program that takes the lock, says so and stays. */
  function holderScript(): string {
    const outfile = join(directory, 'holder.mjs');
    buildSync({
      stdin: {
        contents: `import { lockDirectory } from './database';
          lockDirectory(${JSON.stringify(directory)});
          console.log('held');
          setInterval(() => undefined, 1000);`,
        resolveDir: resolve(__dirname, '../../../shared/adapters/local'),
        loader: 'ts',
      },
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
    });
    return outfile;
  }
});
