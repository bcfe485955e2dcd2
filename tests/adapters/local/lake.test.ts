import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { LakeFolder, unfinishedAt } from '../../../shared/adapters/local/lake';
import { Unavailable } from '../../../shared/pipeline/ports';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ecomflow-lake-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const write = (path: string) => {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), path);
};
const files = () =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(directory.length + 1))
    .sort();

describe('the lake', () => {
  it('has an object under its key alone once it is put', async () => {
    const lake = new LakeFolder(directory);
    await lake.put('landing/a/dt=2026-03-01/x.parquet', 'first');
    await lake.put('landing/a/dt=2026-03-01/x.parquet', 'second');
    expect(files()).toEqual(['landing/a/dt=2026-03-01/x.parquet']);
    expect(await lake.get('landing/a/dt=2026-03-01/x.parquet')).toEqual(Buffer.from('second'));
  });

  it('leaves nothing of an object that could not be put', async () => {
    const inTheWay = 'raw/dt=2026-03-01/1.ecf/a folder where the object belongs';
    write(inTheWay);
    await expect(new LakeFolder(directory).put('raw/dt=2026-03-01/1.ecf', 'rows')).rejects.toThrow(Unavailable);
    expect(files()).toEqual([inTheWay]);
  });

  it('hides what is unfinished from those who read a whole folder: its name begins with a dot, and is never the same', () => {
    const [one, other] = [unfinishedAt('/lake/raw/1.ecf'), unfinishedAt('/lake/raw/1.ecf')];
    expect(one).toMatch(/^\/lake\/raw\/\.1\.ecf\.[^/]+\.tmp$/);
    expect(other).not.toBe(one);
  });

  it('has one of two objects that are put under one key at the same time, whole', async () => {
    const lake = new LakeFolder(directory);
    const written = Array.from({ length: 20 }, (_, i) => String(i).repeat(200_000));
    await Promise.all(written.map((text) => lake.put('rejected/a/x.ndjson.gz', text)));
    expect(files()).toEqual(['rejected/a/x.ndjson.gz']);
    expect(written).toContain((await lake.get('rejected/a/x.ndjson.gz'))!.toString());
  });

  it('loses what killed processes left unfinished, and nothing else', async () => {
    const whole = [
      'failed/discarded/1-2.json',
      'inbox/transactions/.mine.1.tmp',
      'landing/a/dt=2026-03-01/x.parquet',
      'raw/dt=2026-03-01/000000000001.ecf',
      'simulated/events.csv.tmp',
    ];
    const unfinished = [
      'failed/.x.chunk.1.tmp',
      'landing/a/dt=2026-03-01/.x.parquet.4711.tmp',
      'landing/a/dt=2026-03-01/y.parquet.4711.tmp', // as 0.1.0 named them
      'raw/dt=2026-03-01/.000000000065.ecf.4711.tmp',
      'rejected/a/dt=2026-03-01/.x.ndjson.gz.4711.tmp',
    ];
    for (const path of [...whole, ...unfinished]) write(path);
    await new LakeFolder(directory).removeUnfinished();
    expect(files()).toEqual(whole);
    for (const path of whole) expect(readFileSync(join(directory, path), 'utf8')).toBe(path);
  });

  it('has nothing unfinished where there are no zones yet', async () => {
    write('raw'); // a file where a folder belongs
    await new LakeFolder(directory).removeUnfinished();
    expect(files()).toEqual(['raw']);
  });
});
