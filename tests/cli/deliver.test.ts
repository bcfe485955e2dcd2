import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from '../../cli/client/api';
import { deliver, reportOnKey } from '../../cli/client/deliver';
import { main as ingest } from '../../cli/ingest';
import { main as status } from '../../cli/status';

const KEY = 'inbox/transactions/0123456789abcdef0123456789abcdef.csv';
const HEADERS = { 'content-type': 'text/csv; charset=iso-8859-1', 'if-none-match': '*' };
const REPORT = {
  dataset: 'transactions',
  status: 'complete',
  received: 4,
  kept: 3,
  duplicate: 0,
  rejected: { cancellation: 1 },
  pending: 0,
  balanced: true,
};
const DONE = { report: '/v1/files/f', refusal: null, kept_as: null, broken: null };
const MINUTE = 60_000;

const scratch = mkdtempSync(join(tmpdir(), 'ecomflow-deliver-'));
const PATH = join(scratch, 'Ventes 2025.csv');
const TEXT = `header\n${'row\n'.repeat(400_000)}`; // more than a connection holds while nobody reads
afterAll(() => rmSync(scratch, { recursive: true }));

/** A stage and its store in one. */
class Stage {
  url = '';
  readonly announced: unknown[] = [];
  readonly puts: { readonly headers: IncomingMessage['headers']; readonly body: Buffer }[] = [];
  /** How the next PUTs end; 200 when none is left. */
  store: (number | 'breaks' | 'refuses early' | 'says no first' | 'breaks after it' | 'never answers')[] = [];
  /** What the ledger says of the key, one answer after another; the last stays. */
  arrivals: { readonly state: string; readonly arrivals: readonly unknown[] }[] = [
    { state: 'announced', arrivals: [] },
    { state: 'reading', arrivals: [{ ...DONE, report: null }] },
    { state: 'done', arrivals: [DONE] },
  ];
  report: Readonly<Record<string, unknown>> = REPORT;
  readonly asked: string[] = [];
  /** Bytes that were sent after a no. */
  wasted = 0;
  private readonly server: Server = createServer((request, response) => void this.answer(request, response));
  /** Whether it knows the question that is asked before a file is sent. */
  asksBack = true;

  async start(): Promise<void> {
    this.server.on('checkContinue', (request, response) => {
      if (this.asksBack && this.store[0] !== 'says no first') response.writeContinue();
      void this.answer(request, response);
    });
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  api = (signal?: AbortSignal) =>
    new Api(this.url, { token: 't' }, { onRetry: () => undefined, tries: 1, ...(signal && { signal }) });

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const json = (code: number, body: unknown) =>
      void response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const { pathname, search } = new URL(request.url!, this.url);
    if (request.method === 'PUT') return this.put(request, response);
    const body = Buffer.concat(await request.toArray());
    if (request.method === 'POST') {
      this.announced.push(JSON.parse(body.toString()));
      const { bytes } = JSON.parse(body.toString());
      return json(201, {
        key: KEY,
        url: `${this.url}/store/x?signature=y`,
        headers: { ...HEADERS, 'content-length': String(bytes) },
      });
    }
    this.asked.push(pathname + search);
    if (pathname === '/v1/arrivals') {
      const said = this.arrivals.length > 1 ? this.arrivals.shift() : this.arrivals[0];
      return said ? json(200, { key: KEY, ...said }) : json(404, { code: 'not_found', detail: 'nothing' });
    }
    json(200, this.report);
  }

  private async put(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const how = this.store.shift() ?? 200;
    if (how === 'breaks') return void request.once('data', () => request.socket.destroy());
    if (how === 'never answers') return void request.resume();
    if (how === 'refuses early' || how === 'says no first') {
      response.writeHead(403).end('<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>');
      request.on('data', ({ length }) => {
        this.wasted += length;
      });
      return void setTimeout(() => request.destroy(), 200);
    }
    const body = Buffer.concat(await request.toArray());
    this.puts.push({ headers: request.headers, body });
    if (how === 'breaks after it') return void request.socket.destroy();
    response.writeHead(how).end(how === 200 ? '' : `told ${how}`);
  }
}

let stage: Stage;
let said: string[];
let printed: string[];
beforeEach(async () => {
  writeFileSync(PATH, TEXT);
  stage = new Stage();
  await stage.start();
  said = [];
  printed = [];
  jest.spyOn(console, 'error').mockImplementation((line) => void said.push(String(line)));
  jest.spyOn(console, 'log').mockImplementation((line) => void printed.push(String(line)));
  jest.spyOn(Api.prototype, 'pause').mockImplementation(async () => undefined);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await stage.stop();
});

const send = (patience = MINUTE, signal?: AbortSignal) =>
  deliver(stage.api(signal), 'transactions', { path: PATH, charset: 'iso-8859-1', type: 'csv' }, patience);

describe('a file that is sent whole', () => {
  it('is announced as it is, put as it is with the headers that were signed, and followed to its report', async () => {
    const { report, rows, whole } = await send();
    expect(stage.announced).toEqual([
      { dataset: 'transactions', bytes: TEXT.length, name: 'Ventes 2025.csv', type: 'csv', charset: 'iso-8859-1' },
    ]);
    expect(stage.puts).toHaveLength(1);
    const { headers, body } = stage.puts[0]!;
    expect(body.equals(Buffer.from(TEXT))).toBe(true);
    expect(headers).toMatchObject({ ...HEADERS, 'content-length': String(TEXT.length) });
    expect(headers).not.toHaveProperty('authorization');
    expect(headers).not.toHaveProperty('transfer-encoding');
    expect({ report, rows, whole }).toEqual({ report: REPORT, rows: 4, whole: true });
    expect(stage.asked.slice(0, 4)).toEqual([
      ...Array(3).fill(`/v1/arrivals?key=${encodeURIComponent(KEY)}`),
      '/v1/files/f',
    ]);
    expect(said).toEqual(
      expect.arrayContaining(['The file has not been noticed yet ...', 'The file is being read ...']),
    );
  });

  it('is put again, to the same address, when the connection breaks or the store is busy', async () => {
    stage.store = ['breaks', 503];
    expect((await send()).whole).toBe(true);
    expect(stage.announced).toHaveLength(1);
    expect(said.filter((line) => line.includes('trying again'))).toEqual([
      expect.stringMatching(/^http:\/\/127.*the connection broke.*; trying again in 1 s$/),
      expect.stringMatching(/^127.*does not take the file: 503 told 503; trying again in 5 s$/),
    ]);
  });

  it('is taken for sent when the first try had come through, and only its answer was lost', async () => {
    stage.store = ['breaks after it', 412];
    expect((await send()).whole).toBe(true);
  });

  it('is not begun with when the store says no first', async () => {
    stage.store = ['says no first'];
    await expect(send()).rejects.toThrow('403');
    expect(stage.wasted).toBe(0);
  });

  it('is sent unasked to a store that does not know the question', async () => {
    stage.asksBack = false;
    expect((await send()).whole).toBe(true);
    expect(stage.puts[0]!.body.equals(Buffer.from(TEXT))).toBe(true);
  });

  it('is given up after four tries', async () => {
    stage.store = [503, 503, 503, 503];
    await expect(send()).rejects.toThrow('does not take the file: 503');
    expect(stage.store).toEqual([]);
  });

  it.each([
    ['refuses early' as const, 'does not take the file: 403 Request has expired'],
    ['says no first' as const, 'does not take the file: 403 Request has expired'],
    [412, 'does not take the file: 412 told 412'],
    [400, 'does not take the file: 400 told 400'],
  ])('is not put again when the store says no for good: %s', async (how, message) => {
    stage.store = [how];
    await expect(send()).rejects.toThrow(message);
    expect(stage.store).toEqual([]);
    expect(stage.asked).toEqual([]);
  });

  it('ends at once with the signal, while it is put and while it is waited for', async () => {
    stage.store = ['never answers'];
    const stopping = new AbortController();
    setTimeout(() => stopping.abort(), 200);
    await expect(send(MINUTE, stopping.signal)).rejects.toMatchObject({ name: 'AbortError' });
    stage.arrivals = [{ state: 'reading', arrivals: [DONE] }];
    const later = new AbortController();
    setTimeout(() => later.abort(), 500);
    await expect(send(MINUTE, later.signal)).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('is refused before anything is asked when it is empty', async () => {
    writeFileSync(PATH, '');
    await expect(send()).rejects.toThrow(/Ventes 2025\.csv: The file is empty\./);
    expect(stage.announced).toEqual([]);
  });

  it('is waited for as long as it is said, and then told where it lies', async () => {
    stage.arrivals = [{ state: 'running', arrivals: [{ ...DONE, report: null }] }];
    await expect(send(0)).rejects.toThrow(
      `is being read by Spark. It lies in the inbox; ask for it later: npm run status -- ${KEY}`,
    );
  });

  it('is not whole when its chunks are not balanced in time, or some cannot be cleaned', async () => {
    stage.report = { ...REPORT, status: 'failed', balanced: false, pending: 2, failed: ['c0ffee'] };
    expect(await send()).toMatchObject({ whole: false, report: { pending: 2 } });
  });

  it('is not whole when it broke off, and says where', async () => {
    const broken = { code: 'broken_compression', detail: 'The compressed file ends too soon.' };
    stage.arrivals = [{ state: 'done', arrivals: [{ ...DONE, broken }] }];
    expect(await send()).toMatchObject({ whole: false, report: REPORT });
    expect(said.at(-1)).toMatch(/Ventes 2025\.csv: The compressed file ends too soon\. The rows before are in\.$/);
  });
});

describe('npm run ingest -- FILE --upload', () => {
  beforeEach(() => {
    process.env.ECOMFLOW_TOKEN = 't';
  });
  afterEach(() => {
    delete process.env.ECOMFLOW_TOKEN;
  });

  it('prints the report, and ends with 0 when every row has its outcome', async () => {
    expect(await ingest([PATH, '--upload', '--url', stage.url])).toBe(0);
    expect(printed.join('\n')).toMatch(/received {2}\s+4 {2}transactions\n(.*\n)*.*1 {2}cancellation\n {2}balanced/);
    expect(stage.announced).toEqual([
      { dataset: 'transactions', bytes: TEXT.length, name: 'Ventes 2025.csv', charset: 'utf-8' },
    ]);
  });

  it('prints why a file was refused and where it is kept, and ends with 1', async () => {
    const refusal = { code: 'unknown_column', detail: 'The column "Colour" is not one of transactions.' };
    stage.arrivals = [
      { state: 'refused', arrivals: [{ ...DONE, report: null, refusal, kept_as: 'rejected/files/x' }] },
    ];
    expect(await ingest([PATH, '--upload', '--url', stage.url])).toBe(1);
    expect(said.at(-1)).toBe(
      `${PATH}: The column "Colour" is not one of transactions. It is kept as rejected/files/x.`,
    );
    expect(printed).toEqual([]);
  });

  it('says that Spark gave up, and ends with 1', async () => {
    stage.arrivals = [{ state: 'failed', arrivals: [{ ...DONE, report: null }] }];
    expect(await ingest([PATH, '--upload', '--url', stage.url])).toBe(1);
    expect(said.at(-1)).toBe(`${PATH}: Spark gave up on it. It lies where it was put, as ${KEY}.`);
  });
});

describe('the status of a key', () => {
  beforeEach(() => {
    process.env.ECOMFLOW_TOKEN = 't';
  });
  afterEach(() => {
    delete process.env.ECOMFLOW_TOKEN;
  });
  const ask = (key = KEY) => status([key, '--url', stage.url]);

  it('is the report on its file', async () => {
    stage.arrivals = [{ state: 'done', arrivals: [DONE] }];
    expect(await ask('inbox/transactions/Ventes 2025+.csv')).toBe(0);
    expect(printed.join()).toContain('balanced: every row is accounted for');
    expect(stage.asked[0]).toBe('/v1/arrivals?key=inbox%2Ftransactions%2FVentes%202025%2B.csv');
  });

  it('is how far it is, or why not, or that nothing is known, with 1', async () => {
    stage.arrivals = [{ state: 'claiming', arrivals: [DONE] }];
    expect(await ask()).toBe(1);
    const refusal = { code: 'empty_body', detail: 'The file is empty.' };
    stage.arrivals = [{ state: 'refused', arrivals: [{ ...DONE, refusal, kept_as: 'rejected/files/x' }] }];
    expect(await ask()).toBe(1);
    stage.arrivals = [];
    expect(await ask()).toBe(1);
    expect(said).toEqual([
      `${KEY} is being told from rows that came before.`,
      `${KEY}: The file is empty. It is kept as rejected/files/x.`,
      `Nothing is known of ${KEY}.`,
    ]);
  });

  it('says where the file broke off, too', async () => {
    stage.arrivals = [{ state: 'done', arrivals: [{ ...DONE, broken: { code: 'x', detail: 'It ends too soon.' } }] }];
    expect(await reportOnKey(stage.api(), KEY)).toEqual(REPORT);
    expect(said).toEqual([`${KEY}: It ends too soon. The rows before are in.`]);
  });
});
