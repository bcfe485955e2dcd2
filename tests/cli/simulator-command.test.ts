import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { main } from '../../cli/simulate';
import { simulate } from '../../cli/simulator/index';

const simulated = [...simulate({ dataset: 'events', rows: 2000, seed: 'spring', dirty: 0.5 })].join('');
const options = ['--rows', '2000', '--seed', 'spring', '--dataset', 'events', '--dirty', '.5'];

describe('the simulate command', () => {
  let folder: string;
  let output: string;
  let errors: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'simulate-'));
    output = '';
    errors = '';
    jest.spyOn(process.stdout, 'write').mockImplementation((piece) => {
      output += piece;
      return true;
    });
    jest.spyOn(console, 'log').mockImplementation((text) => {
      output += text;
    });
    jest.spyOn(console, 'error').mockImplementation((text) => {
      errors += text;
    });
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await rm(folder, { recursive: true });
  });

  it('writes to standard output', async () => {
    expect(await main(options)).toBe(0);
    expect(output).toBe(simulated);
    expect(errors).toBe('');
  });

  it('writes to a file', async () => {
    expect(await main([...options, '--out', join(folder, 'shop.csv')])).toBe(0);
    expect(await readFile(join(folder, 'shop.csv'), 'utf8')).toBe(simulated);
    expect(output).toBe('');
  });

  it('compresses a file that ends in .gz', async () => {
    expect(await main([...options, '--out', join(folder, 'shop.csv.gz')])).toBe(0);
    expect(gunzipSync(await readFile(join(folder, 'shop.csv.gz'))).toString()).toBe(simulated);
  });

  it.each(['--help', '-h'])('explains itself when asked with %s', async (option) => {
    expect(await main(['--rows', 'many', option])).toBe(0);
    for (const option of ['--rows', '--seed', '--dataset', '--dirty', '--out']) expect(output).toContain(option);
  });

  it.each([
    ['--rows', 'many'],
    ['--rows', '-5'],
    ['--rows', '1.5'],
    ['--rows', '1e3'],
    ['--dirty', '2'],
    ['--dirty', 'NaN'],
    ['--dirty', '-0.1'],
    ['--dataset', 'returns'],
    ['--seed', ''],
    ['--out', ''],
    ['--speed', '3'],
  ])('refuses %s %s and names the option', async (option, value) => {
    expect(await main([option, value])).toBe(2);
    expect(errors).toContain(option);
    expect(errors).toMatch(/\nSee --help\.$/);
    expect(output).toBe('');
  });

  it('refuses a file without --out', async () => {
    expect(await main(['shop.csv'])).toBe(2);
    expect(errors).toContain('a file is named with --out');
  });

  it('says when the file cannot be written', async () => {
    expect(await main([...options, '--out', join(folder, 'nowhere', 'shop.csv')])).toBe(1);
    expect(errors).toContain('--out');
  });

  it('ends quietly when nobody reads on', async () => {
    jest.spyOn(process.stdout, 'write').mockImplementation(() => {
      throw Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    });
    expect(await main(options)).toBe(0);
    expect(errors).toBe('');
  });
});
