import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type FileOptions, hashOf, partsOf, survey } from '../../cli/client/parts';
import { simulate } from '../../cli/simulator';
import { rowsOf } from '../../shared/domain/cutting';
import type { Part } from '../../shared/domain/parts';

const folder = mkdtempSync(join(tmpdir(), 'ecomflow-parts-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: string | Uint8Array): FileOptions {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return { path, charset: 'utf-8' };
}

async function all(options: FileOptions): Promise<Part[]> {
  const parts: Part[] = [];
  for await (const part of partsOf(options)) parts.push(part);
  return parts;
}

const CSV = [...simulate({ dataset: 'transactions', rows: 3000, seed: 3, dirty: 0.05 })].join('');
const HEADER = CSV.slice(0, CSV.indexOf('\n') + 1);

describe('a file cut into parts', () => {
  it.each([
    ['plain', (text: string) => Buffer.from(text)],
    ['gzip', (text: string) => gzipSync(text)],
    ['zstd', (text: string) => zstdCompressSync(text)],
    [
      'several zstd frames',
      (text: string) => Buffer.concat([zstdCompressSync(text.slice(0, 70_000)), zstdCompressSync(text.slice(70_000))]),
    ],
  ])('has every row once, with its line in the file, when it is %s', async (name, compressed) => {
    const parts = await all({ ...file(`${name}.csv`, compressed(CSV)), partBytes: 50_000 });
    expect(parts.length).toBeGreaterThan(4);
    const rows = parts.flatMap(({ text, line }) => [...rowsOf(text.slice(HEADER.length), 'csv', line)]);
    expect(rows).toEqual([...rowsOf(CSV.slice(HEADER.length), 'csv', 2)]);
    expect(parts.every(({ text }) => text.startsWith(HEADER) && text.length < 60_000)).toBe(true);
    expect(parts.map(({ number }) => number)).toEqual(parts.map((_, i) => i + 1));
  });

  it('is named by its decompressed bytes, and counted', async () => {
    const hash = createHash('sha256').update(CSV).digest('hex');
    const facts = { hash, textBytes: Buffer.byteLength(CSV), parts: 1, rows: 3000, format: 'csv' };
    expect(await survey(file('a.csv', CSV))).toEqual(facts);
    expect(await survey(file('b.csv.gz', gzipSync(CSV)))).toEqual(facts);
    for (const [name, bytes] of [
      ['c.csv', CSV],
      ['c.csv.gz', gzipSync(CSV)],
      ['c.csv.zst', zstdCompressSync(CSV)],
    ] as const)
      expect(await hashOf(file(name, bytes).path)).toBe(hash);
  });

  it('is read in the charset that is named, and drops a byte order mark', async () => {
    const [latin] = await all({ ...file('latin.csv', Buffer.from('h\nprice £5\n', 'latin1')), charset: 'iso-8859-1' });
    expect(latin!.text).toBe('h\nprice £5\n');
    const [marked] = await all(file('bom.csv', '\ufeffh\r\n1\r\n'));
    expect(marked).toEqual({ number: 1, text: 'h\n1\n', rows: 1, line: 2 });
  });

  it('may be a JSON array, which is sent as NDJSON, or NDJSON', async () => {
    const rows = [{ a: '"[,]"' }, { a: 'x\ny' }, { a: 1.5 }];
    const [array] = await all(file('rows.json', JSON.stringify(rows, null, 2)));
    expect(
      array!.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(rows);
    expect((await survey(file('rows.json', JSON.stringify(rows)))).format).toBe('ndjson');
    const [lines] = await all(file('rows.ndjson', '{"a":"it\\"s"}\n\n{"a":2}'));
    expect(lines).toEqual({ number: 1, text: '{"a":"it\\"s"}\n\n{"a":2}\n', rows: 2, line: 1 });
  });

  it.each([
    ['never.csv', 'h\n1\n"2\n3', 'A quote that opens in line 3 is never closed'],
    ['empty.csv', '', 'is empty'],
    ['header.csv', 'h\n', 'has no rows'],
    ['cut.json', '[{"a":1},', 'The text ends within the array'],
    ['cut.csv.gz', gzipSync(CSV).subarray(0, 500), 'ends too soon'],
    ['latin.csv', Buffer.from([104, 10, 0xe9, 10]), 'Name its charset with --charset'],
    ['long.csv', `h\n"${'x'.repeat(8_000_000)}`, 'line 2 is longer than'],
  ])('is refused as %s in words that help', async (name, bytes, message) => {
    await expect(survey(file(name, bytes))).rejects.toThrow(message);
  });
});
