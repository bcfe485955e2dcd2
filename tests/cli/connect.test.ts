import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from '../../cli/client/api';
import { connect, connectionFile } from '../../cli/client/connect';
import { main as ingest } from '../../cli/ingest';
import { main as status } from '../../cli/status';
import { Stage } from './stage';

const folder = mkdtempSync(join(tmpdir(), 'ecomflow-connect-'));
const stopped = join(folder, 'stopped');
const FILE = join(folder, 'rows.csv');
const MACHINE = { ECOMFLOW_CLIENT_ID: 'shop', ECOMFLOW_CLIENT_SECRET: 's' };

let stage: Stage;
let errors: string[];
beforeAll(() => writeFileSync(FILE, 'header\nrow 1\n'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  stage = new Stage();
  await stage.start();
  writeFileSync(
    connectionFile(folder),
    JSON.stringify({ url: stage.url, tokenUrl: `${stage.url}/oauth2/token`, id: 'shop', secret: 's' }),
  );
  errors = [];
  jest.spyOn(console, 'error').mockImplementation((line) => void errors.push(String(line)));
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await stage.stop();
});

describe('a client', () => {
  it('finds the npm start of its directory, also as localhost, and drops /v1 and slashes', () => {
    const here = stage.url.replace('127.0.0.1', 'localhost');
    for (const url of [undefined, stage.url, `${stage.url}/v1/`, here, `${here}/`])
      expect(connect({ url, dir: folder, env: {} }).url).toBe(url?.includes('localhost') ? here : stage.url);
  });

  it('has no credentials for a stage that nobody named any for', () => {
    expect(() => connect({ url: 'https://api.example.com', dir: folder, env: {} })).toThrow('No credentials');
  });

  it.each(['localhost:3000', 'ftp://example.com', 'api', ''])('refuses "%s" as an address', (url) => {
    const env = { ECOMFLOW_TOKEN: 't' };
    expect(() => connect({ url, dir: folder, env })).toThrow(
      `--url: "${url}" is no address that begins with http:// or https://`,
    );
    const tokens = { ...MACHINE, ECOMFLOW_TOKEN_URL: url || 'x' };
    expect(() => connect({ url: stage.url, dir: stopped, env: tokens })).toThrow('ECOMFLOW_TOKEN_URL: "');
  });

  it('names the token endpoint and the variables when the secret is wrong, and asks once', async () => {
    stage.tokenAnswer = { status: 400, body: { error: 'invalid_client' } };
    await expect(stage.api().get('/v1/health')).rejects.toThrow(
      `${stage.url}/oauth2/token gives the client "shop" no token: it answers 400 invalid_client. ` +
        'Look at ECOMFLOW_TOKEN_URL, ECOMFLOW_CLIENT_ID and ECOMFLOW_CLIENT_SECRET.',
    );
    expect(stage.tokens).toBe(1);
  });

  it('says in words that nothing listens, as often as it is allowed to try', async () => {
    const said: string[] = [];
    await stage.stop();
    const api = new Api(stage.url, { token: 't' }, { tries: 3, onRetry: (why) => said.push(why) });
    await expect(api.get('/v1/health')).rejects.toThrow(`${stage.url}: nothing listens there (ECONNREFUSED)`);
    expect(said).toHaveLength(2);
    await stage.start(); // for the end of the test
  });
});

describe('commands', () => {
  it.each([
    ['status', status, '0123456789abcdef0123456789abcdef'],
    ['ingest', ingest, FILE],
  ] as const)('%s refuses a wrong address with exit code 2', async (_, main, what) => {
    expect(await main([what, '--url', 'localhost:3000', '--dir', stopped])).toBe(2);
    expect(errors).toEqual([expect.stringContaining('--url: "localhost:3000" is no address')]);
  });

  it.each([
    [join(folder, 'nofile.csv'), `there is no file ${join(folder, 'nofile.csv')}`],
    [folder, `${folder} is a folder; name a file`],
  ])('ingest looks at the file before anything else: %s', async (path, message) => {
    expect(await ingest([path, '--dir', stopped])).toBe(2);
    expect(errors).toEqual([`${message}\nSee --help.`]);
  });

  it('status asks for a file by its hash alone, whatever its rows are like', async () => {
    const odd = join(folder, 'odd.csv');
    writeFileSync(odd, Buffer.from([0xe9, 10, 0x22]));
    expect(await status([odd, '--dir', folder])).toBe(1);
    expect(errors).toEqual([`Nothing is known of ${odd}.`]);
  });

  it('status gives up after three tries and says each', async () => {
    stage.misbehave = (response) => {
      response.writeHead(503).end('{"detail":"come later"}');
      return true;
    };
    expect(await status(['0'.repeat(64), '--dir', folder])).toBe(1);
    expect(stage.asked).toBe(3);
    expect(errors.slice(0, 2).every((line) => line.startsWith(`${stage.url}: come later; trying again`))).toBe(true);
    expect(errors.at(-1)).toBe('come later');
  });

  it('ingest ends with 1 when the ledger has not all of the file', async () => {
    expect(await ingest([FILE, '--dir', folder])).toBe(0);
    stage.report = { received: 0 };
    expect(await ingest([FILE, '--dir', folder])).toBe(1);
  });
});
