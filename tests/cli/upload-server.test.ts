import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startUploadServer } from '../../cli/dev/upload-server';
import { isSigned, uploadsIn } from '../../shared/adapters/local/uploads';
import type { Uploads } from '../../shared/pipeline/ports';
import { Unavailable } from '../../shared/pipeline/ports';
import { TestClock } from '../support/world';

const KEY = 'inbox/transactions/0123456789abcdef0123456789abcdef.csv';
const TYPE = 'text/csv; charset=iso-8859-1';
const BYTES = Buffer.from('InvoiceNo\n1\ncaf\xe9\n', 'latin1');

let directory: string;
let clock: TestClock;
let server: Awaited<ReturnType<typeof startUploadServer>>;
let uploads: Uploads;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ecomflow-uploads-'));
  clock = new TestClock();
  server = await startUploadServer(directory, clock);
  uploads = uploadsIn(directory, clock);
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

const address = (changes: Partial<Parameters<Uploads['sign']>[0]> = {}) =>
  uploads.sign({ key: KEY, bytes: BYTES.length, contentType: TYPE, seconds: 900, ...changes });
const put = async (url: string, headers: Readonly<Record<string, string>>, body: Buffer = BYTES, method = 'PUT') => {
  const answer = await fetch(url, { method, headers, ...(method !== 'GET' && { body: Uint8Array.from(body) }) });
  return { status: answer.status, said: await answer.text() };
};

/** Files of the inbox, hidden ones too. */
const inInbox = () =>
  existsSync(join(directory, 'inbox'))
    ? readdirSync(join(directory, 'inbox'), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .sort()
    : [];
const TAKEN = ['.0123456789abcdef0123456789abcdef.csv.content-type', '0123456789abcdef0123456789abcdef.csv'];

/** Sends bytes as they are over a connection of their own; what came back. */
function raw(text: string, then: 'end' | 'break' | 'wait' = 'wait'): Promise<string> {
  return new Promise((done, fail) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    let said = '';
    socket.on('data', (piece) => (said += piece));
    socket.on('close', () => done(said));
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? done(said) : fail(error)));
    socket.write(text, () => {
      if (then === 'end') socket.end();
      if (then === 'break') setTimeout(() => socket.destroy(), 50);
    });
  });
}
const headOf = (url: string, headers: Readonly<Record<string, string>>) => {
  const { pathname, search } = new URL(url);
  const lines = Object.entries({ host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `PUT ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`;
};

describe('a signed address', () => {
  it('takes its file, byte by byte, and keeps its type beside it', async () => {
    const { url, headers } = await address();
    expect(headers).toEqual({ 'content-length': String(BYTES.length), 'content-type': TYPE, 'if-none-match': '*' });
    expect(await put(url, headers)).toEqual({ status: 200, said: '' });
    expect(readFileSync(join(directory, KEY))).toEqual(BYTES);
    expect(readFileSync(join(directory, 'inbox/transactions', TAKEN[0]!), 'utf8')).toBe(TYPE);
    expect(inInbox()).toEqual(TAKEN);
  });

  it('takes a file of many pieces', async () => {
    const body = Buffer.alloc(5_000_000, 'abcdefg');
    const { url, headers } = await address({ bytes: body.length });
    expect((await put(url, headers, body)).status).toBe(200);
    expect(readFileSync(join(directory, KEY)).equals(body)).toBe(true);
  });

  it('takes one file and no second, be it the same', async () => {
    const { url, headers } = await address();
    await put(url, headers);
    for (const body of [BYTES, Buffer.alloc(BYTES.length, 'x')]) {
      expect(await put(url, headers, body)).toEqual({ status: 412, said: expect.stringContaining('has been used') });
    }
    expect(readFileSync(join(directory, KEY))).toEqual(BYTES);
  });

  it('takes one of two that come at once', async () => {
    const { url, headers } = await address();
    const first = raw(headOf(url, headers) + BYTES.subarray(0, 5).toString('latin1'), 'break');
    while (inInbox().length === 0) await new Promise((wake) => setTimeout(wake, 5));
    expect(await put(url, headers)).toEqual({ status: 409, said: expect.stringContaining('on its way') });
    await first;
    while (inInbox().length > 0) await new Promise((wake) => setTimeout(wake, 5));
    expect((await put(url, headers)).status).toBe(200);
  });

  it('takes nothing after its time', async () => {
    const { url, headers } = await address({ seconds: 60 });
    clock.pass(60);
    expect(await put(url, headers)).toEqual({
      status: 403,
      said: expect.stringContaining('time of the address is over'),
    });
    expect(inInbox()).toEqual([]);
  });

  it('is good to the last second', async () => {
    const { url, headers } = await address({ seconds: 60 });
    clock.pass(59);
    expect((await put(url, headers)).status).toBe(200);
  });

  it('is good after a restart, at the same place', async () => {
    const { url, headers } = await address();
    await server.close();
    server = await startUploadServer(directory, clock);
    expect((await put(url, headers)).status).toBe(200);
  });
});

describe('an address that somebody changed', () => {
  it.each<[string, (url: URL) => void]>([
    ['its key', (url) => (url.pathname = url.pathname.replace('0123', '1123'))],
    ['its data set', (url) => (url.pathname = url.pathname.replace('transactions', 'events'))],
    ['its size', (url) => url.searchParams.set('bytes', '1')],
    ['its time', (url) => url.searchParams.set('expires', String(Number(url.searchParams.get('expires')) + 1))],
    ['its signature', (url) => url.searchParams.set('signature', 'f'.repeat(64))],
    ['its signature, cut', (url) => url.searchParams.set('signature', url.searchParams.get('signature')!.slice(2))],
    ['its signature, gone', (url) => url.searchParams.delete('signature')],
    ['everything behind the question mark', (url) => (url.search = '')],
  ])('%s is forged', async (_, change) => {
    const { url, headers } = await address();
    const forged = new URL(url);
    change(forged);
    expect(forged.href).not.toBe(url);
    expect(await put(forged.href, headers)).toMatchObject({ status: 403 });
    expect(inInbox()).toEqual([]);
  });

  it.each([
    ['another type', { 'content-type': 'text/csv' }],
    ['no type', { 'content-type': '' }],
    ['no promise that nothing is overwritten', { 'if-none-match': '' }],
  ])('needs the headers that were signed: %s', async (_, changes) => {
    const { url, headers } = await address();
    expect(await put(url, { ...headers, ...changes })).toMatchObject({ status: 403 });
    expect(inInbox()).toEqual([]);
  });

  it("needs this directory's secret", async () => {
    const other = mkdtempSync(join(tmpdir(), 'ecomflow-uploads-'));
    const there = await startUploadServer(other, clock);
    const { url, headers } = await uploadsIn(other, clock).sign({
      key: KEY,
      bytes: BYTES.length,
      contentType: TYPE,
      seconds: 900,
    });
    const { pathname, search } = new URL(url);
    expect(await put(new URL(pathname + search, server.url).href, headers)).toMatchObject({ status: 403 });
    await there.close();
    rmSync(other, { recursive: true });
  });

  it('cannot pass one part of what is signed for another', () => {
    const ticket = { key: KEY, bytes: 1, contentType: '2', expires: 3 };
    for (const signature of ['', 'zz', 'é', '0'.repeat(64)]) expect(isSigned(directory, ticket, signature)).toBe(false);
  });
});

describe('a key that leads out of the inbox', () => {
  it.each([
    'inbox/../keys.json',
    '../outside.csv',
    'inbox/transactions/../../ecomflow.sqlite',
    'inbox',
    'landing/x',
    '/etc/x',
    'inbox/..',
  ])('is not written, though it is signed: %s', async (key) => {
    const before = readdirSync(directory).sort();
    const { url, headers } = await address({ key });
    // As an address has it, and with its slashes hidden from whoever takes `..` out.
    const [path, query] = url.split('?') as [string, string];
    const hidden = `${path.slice(0, server.url.length)}${encodeURIComponent(key)}?${query}`;
    for (const one of [url, hidden]) expect([403, 404]).toContain((await put(one, headers)).status);
    expect((await put(hidden, headers)).status).toBe(403);
    expect(readdirSync(directory).sort()).toEqual(before);
  });
});

describe('a body of another length', () => {
  it('is refused by its header before it is read', async () => {
    const { url, headers } = await address();
    for (const body of [BYTES.subarray(1), Buffer.concat([BYTES, BYTES])]) {
      const answer = await put(url, { ...headers, 'content-length': String(body.length) }, body);
      expect(answer).toEqual({
        status: 400,
        said: `The address takes a file of ${BYTES.length} bytes, and this one has ${body.length}.\n`,
      });
    }
    expect(inInbox()).toEqual([]);
  });

  it('is refused when it does not say how long it is', async () => {
    const { url, headers } = await address();
    const { 'content-length': _, ...rest } = headers;
    const status = await new Promise<number | undefined>((done) => {
      const asked = request(url, { method: 'PUT', headers: rest }, (answer) => {
        answer.resume();
        done(answer.statusCode);
      });
      asked.write(BYTES);
      asked.end(BYTES);
    });
    expect(status).toBe(411);
    expect(inInbox()).toEqual([]);
  });

  it('is cut off where it said that it ends', async () => {
    const { url, headers } = await address();
    const said = await raw(`${headOf(url, headers)}${BYTES.toString('latin1')}${'x'.repeat(100_000)}`);
    expect(said).toMatch(/^HTTP\/1\.1 (200|400)/);
    for (const file of inInbox().filter((name) => !name.startsWith('.'))) {
      expect(readFileSync(join(directory, 'inbox/transactions', file)).length).toBe(BYTES.length);
    }
  });

  it('leaves nothing when it ends too soon, and can come again', async () => {
    const { url, headers } = await address();
    await raw(headOf(url, headers) + BYTES.subarray(0, 5).toString('latin1'), 'break');
    while (inInbox().length > 0) await new Promise((wake) => setTimeout(wake, 5));
    expect((await put(url, headers)).status).toBe(200);
  });

  it('is not asked for, by who asks first, when it would be refused', async () => {
    const { url, headers } = await address();
    clock.pass(900);
    const said = await raw(headOf(url, { ...headers, expect: '100-continue' }));
    expect(said).toMatch(/^HTTP\/1\.1 403/);
  });

  it('is asked for by who asks first', async () => {
    const { url, headers } = await address();
    const said = await raw(
      headOf(url, { ...headers, expect: '100-continue', connection: 'close' }) + BYTES.toString('latin1'),
    );
    expect(said).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200/);
  });

  it('may be none, where nothing is what was signed', async () => {
    const { url, headers } = await address({ bytes: 0 });
    expect((await put(url, headers, Buffer.alloc(0))).status).toBe(200);
    expect(readFileSync(join(directory, KEY)).length).toBe(0);
  });
});

describe('the upload server', () => {
  it('has nothing but PUT', async () => {
    const { url, headers } = await address();
    for (const method of ['GET', 'POST', 'DELETE']) expect((await put(url, {}, BYTES, method)).status).toBe(404);
    expect((await put(new URL('/', url).href, headers)).status).toBe(404);
    expect((await put(new URL('/uploads/../keys.json', url).href, headers)).status).toBe(404);
    expect((await put(`${server.url}%zz`, headers)).status).toBe(400);
  });

  it('says where to look when the disk does not take the file, and takes the next one', async () => {
    const logged = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const { url, headers } = await address();
    writeFileSync(join(directory, 'inbox'), 'a file where a folder belongs');
    expect(await put(url, headers)).toEqual({ status: 500, said: expect.stringContaining('npm start says why') });
    expect(logged).toHaveBeenCalledWith(expect.objectContaining({ code: expect.stringMatching(/EEXIST|ENOTDIR/) }));
    logged.mockRestore();
    rmSync(join(directory, 'inbox'));
    expect((await put(url, headers)).status).toBe(200);
  });

  it('tells a sender whose file fills the disk, leaves nothing of it, and takes it when there is room', async () => {
    const logged = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    await using handle = await open(join(directory, 'upload-port'));
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    jest.spyOn(Object.getPrototypeOf(handle), 'writeFile').mockRejectedValueOnce(full);
    const body = Buffer.alloc(2_000_000, 'x');
    const { url, headers } = await address({ bytes: body.length });
    expect((await put(url, headers, body)).status).toBe(500);
    expect(logged).toHaveBeenCalledWith(full);
    jest.restoreAllMocks();
    expect(inInbox()).toEqual([]);
    expect((await put(url, headers, body)).status).toBe(200);
  });

  it('removes what a killed one left, and nothing else', async () => {
    await server.close();
    const folder = join(directory, 'inbox/transactions');
    mkdirSync(folder, { recursive: true });
    for (const name of ['.x.csv.0f8fad5b.upload', '.x.csv.content-type', 'x.upload', 'x.csv'])
      writeFileSync(join(folder, name), '');
    server = await startUploadServer(directory, clock);
    expect(inInbox()).toEqual(['.x.csv.content-type', 'x.csv', 'x.upload']);
  });

  it('is missed where none has run', async () => {
    const nowhere = mkdtempSync(join(tmpdir(), 'ecomflow-uploads-'));
    const signing = uploadsIn(nowhere, clock).sign({ key: KEY, bytes: 1, contentType: TYPE, seconds: 900 });
    await expect(signing).rejects.toThrow(Unavailable);
    rmSync(nowhere, { recursive: true });
  });
});
