import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { contentTypeFile } from '../../../shared/adapters/local/inbox';
import type { InboxFile } from '../../../shared/domain/arrival';
import { Unavailable } from '../../../shared/pipeline/ports';
import { put } from '../../support/inbox';
import { type TestWorld, testWorld } from '../../support/world';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

const pathOf = (key: string) => join(world.directory, key);
async function look(name: string, bytes = 'abc'): Promise<InboxFile> {
  const { key, version } = put(world, `transactions/${name}`, bytes);
  return (await world.inbox.look(key, version))!;
}
async function read(file: InboxFile, from = 0): Promise<string> {
  let text = '';
  for await (const bytes of world.inbox.read(file, from)) text += Buffer.from(bytes).toString();
  return text;
}
const openFiles = () => readdirSync('/dev/fd').length;
const NO = { code: 'empty_body', detail: 'The file is empty.', facts: {} } as const;

describe('a file of the inbox folder', () => {
  it.each(['plain.csv', 'a b+c%20.csv', 'übung 日本.csv', "o'hara;x.csv", `${'x'.repeat(251)}.csv`])(
    'is found, read and kept whatever it is called: %s',
    async (name) => {
      const file = await look(name);
      expect(file).toMatchObject({
        key: `inbox/transactions/${name}`,
        bytes: 3,
        checksum: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', // FIPS 180-2, appendix B.1
        arrived_at: expect.stringMatching(/^2026-03-01T11:/),
      });
      expect(file.contentType).toBeUndefined();
      expect([await read(file), await read(file, 1)]).toEqual(['abc', 'bc']);
      const kept = await world.inbox.keepRefused(file, 'transactions', NO);
      await world.inbox.remove(file);
      expect(existsSync(pathOf(file.key))).toBe(false);
      expect(readFileSync(pathOf(kept), 'utf8')).toBe('abc');
    },
  );

  it('has the content type that its upload had', async () => {
    const { key } = put(world, 'transactions/a.csv', 'abc');
    writeFileSync(contentTypeFile(pathOf(key)), 'text/csv; charset=iso-8859-1\n');
    const file = (await world.inbox.look(key))!;
    expect(file.contentType).toBe('text/csv; charset=iso-8859-1');
    await world.inbox.remove(file);
    expect(readdirSync(dirname(pathOf(key)))).toEqual([]);
  });

  it('is gone when it is not there, or not as it was, or a folder', async () => {
    const file = await look('a.csv');
    const again = put(world, 'transactions/a.csv', 'abd');
    expect(await world.inbox.look(file.key, file.version)).toBeUndefined();
    expect(await world.inbox.look(file.key)).toMatchObject({ version: again.version });
    expect(await world.inbox.look('inbox/transactions/b.csv')).toBeUndefined();
    expect(await world.inbox.look('inbox/transactions/a.csv/b.csv')).toBeUndefined();
    expect(await world.inbox.look('inbox/transactions')).toBeUndefined();
    expect(await world.inbox.look(`inbox/transactions/${'x'.repeat(300)}`)).toBeUndefined();
  });

  it.each(['inbox/../ecomflow.sqlite', 'inbox', 'landing/a', '/etc/passwd', 'inbox/transactions/../../../etc/passwd'])(
    'is never looked for elsewhere: %s',
    async (key) => {
      await expect(world.inbox.look(key)).rejects.toThrow('no key of the inbox');
      const file = { ...(await look('a.csv')), key };
      await expect(read(file)).rejects.toThrow('no key of the inbox');
      await expect(world.inbox.remove(file)).rejects.toThrow('no key of the inbox');
      await expect(world.inbox.keepRefused(file, 'transactions', NO)).rejects.toThrow(Unavailable);
    },
  );

  it('is none where it is a link, which somebody may have laid to what is not theirs', async () => {
    const secret = join(world.directory, 'secret.csv');
    writeFileSync(secret, 'abc');
    mkdirSync(pathOf('inbox/transactions'), { recursive: true });
    symlinkSync(secret, pathOf('inbox/transactions/link.csv'));
    symlinkSync('nowhere', pathOf('inbox/transactions/dangling.csv'));
    expect(await world.inbox.look('inbox/transactions/link.csv')).toBeUndefined();
    expect(await world.inbox.look('inbox/transactions/dangling.csv')).toBeUndefined();
  });
});

describe('reading a file', () => {
  it.each([
    ['replaced', (path: string) => writeFileSync(path, 'abcdef')],
    ['touched', (path: string) => utimesSync(path, 1, 1)],
    [
      'removed',
      (path: string) => world.inbox.remove({ key: 'inbox/transactions/a.csv', version: versionIn(path) } as never),
    ],
  ])('is unavailable once it was %s', async (_, change) => {
    const file = await look('a.csv');
    await change(pathOf(file.key));
    await expect(read(file)).rejects.toThrow(Unavailable);
  });
  const versionIn = (path: string) => `${statSync(path).mtimeMs}-${statSync(path).size}`;

  it.each([
    ['written to', (path: string) => appendFileSync(path, 'x')],
    ['cut short', (path: string) => truncateSync(path, 300_000)],
  ])('is unavailable when it is %s meanwhile', async (_, change) => {
    const file = await look('a.csv', 'x'.repeat(1_000_000));
    const walk = async () => {
      let first = true;
      for await (const _bytes of world.inbox.read(file, 0)) {
        if (first) change(pathOf(file.key));
        first = false;
      }
    };
    await expect(walk()).rejects.toThrow(Unavailable);
  });

  it('leaves no file open, however it ends', async () => {
    const file = await look('a.csv', 'x'.repeat(1_000_000));
    const before = openFiles();
    for (let i = 0; i < 20; i++) {
      for await (const _bytes of world.inbox.read(file, 0)) break;
      await read(file);
      await read({ ...file, version: 'another' }).catch(() => undefined);
    }
    expect(openFiles()).toBeLessThanOrEqual(before);
  });
});

describe('a file that is refused', () => {
  it('is kept once with its reason, also when it is kept again', async () => {
    const file = await look('no.csv');
    const first = await world.inbox.keepRefused(file, 'transactions', NO);
    expect(await world.inbox.keepRefused(file, 'transactions', NO)).toBe(first);
    const folder = dirname(pathOf(first));
    expect(readdirSync(folder)).toHaveLength(2);
    const reason = readdirSync(folder).find((name) => name.endsWith('.reason.json'))!;
    expect(JSON.parse(readFileSync(join(folder, reason), 'utf8'))).toEqual({
      ...NO,
      key: file.key,
      version: file.version,
    });
  });

  it('is not taken away with one that was put since', async () => {
    const file = await look('a.csv');
    put(world, 'transactions/a.csv', 'new');
    await world.inbox.remove(file);
    expect(readFileSync(pathOf(file.key), 'utf8')).toBe('new');
    await world.inbox.remove({ ...file, key: 'inbox/transactions/gone.csv' });
  });

  it('that went before it could be kept is a fault of the world', async () => {
    const file = await look('a.csv');
    await world.inbox.remove(file);
    await expect(world.inbox.keepRefused(file, 'transactions', NO)).rejects.toThrow(Unavailable);
  });
});
