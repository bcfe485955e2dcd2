import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Api, Refused } from '../../cli/client/api';
import type { FileOptions } from '../../cli/client/parts';
import { upload, type Watcher } from '../../cli/client/upload';
import { Stage } from './stage';

const ROWS = Array.from({ length: 90 }, (_, i) => `row ${i}`);
const folder = mkdtempSync(join(tmpdir(), 'ecomflow-upload-'));
const FILE: FileOptions = { path: join(folder, 'rows.csv'), charset: 'utf-8', partBytes: 100 };
const QUIET: Watcher = { surveyed: () => undefined, sent: () => undefined };

describe('an upload', () => {
  let stage: Stage;
  let api: Api;

  beforeAll(() => writeFileSync(FILE.path, `header\n${ROWS.join('\n')}\n`));
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeEach(async () => {
    stage = new Stage();
    await stage.start();
    api = stage.api();
  });
  afterEach(() => stage.stop());

  it('sends every row once, two parts at a time at most, with one token', async () => {
    await upload(api, 'transactions', FILE, QUIET);
    expect(stage.rows()).toEqual(ROWS);
    expect(stage.mostAtOnce).toBe(2);
    expect(stage.tokens).toBe(1);
  });

  it('sends a part again when the connection breaks, or the stage is busy, and says so with the address', async () => {
    const broken = new Set([2, 5]);
    stage.misbehave = (response, part) => {
      if (!broken.delete(part)) return false;
      if (part === 2) response.socket!.destroy();
      else response.writeHead(503, { 'content-type': 'application/problem+json' }).end('{"detail":"come later"}');
      return true;
    };
    await upload(api, 'transactions', FILE, QUIET);
    expect(stage.rows()).toEqual(ROWS);
    expect(stage.posts.filter((part) => part === 2)).toHaveLength(2);
    expect(stage.said).toEqual([
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+: the connection broke \(.+\); trying again in 0\.\d s$/),
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+: come later; trying again in 0\.\d s$/),
    ]);
  });

  it('goes on where it was when it is run again, and sends nothing when all was sent', async () => {
    stage.misbehave = (response, part) => {
      if (part < 6) return false;
      response
        .writeHead(400, { 'content-type': 'application/problem+json' })
        .end('{"code":"unknown_column","detail":"no such column"}');
      return true;
    };
    await expect(upload(api, 'transactions', FILE, QUIET)).rejects.toThrow('no such column');
    const before = new Set(stage.accepted.keys());
    expect(before.size).toBeGreaterThanOrEqual(4);

    stage.misbehave = () => false;
    stage.posts.length = 0;
    await upload(api, 'transactions', FILE, QUIET);
    expect(stage.posts.some((part) => before.has(part))).toBe(false);
    expect(stage.rows()).toEqual(ROWS);

    stage.posts.length = 0;
    await upload(api, 'transactions', FILE, QUIET);
    expect(stage.posts).toEqual([]);
  });

  it('asks for a new token when the old one is refused, once', async () => {
    let refused = 0;
    stage.misbehave = (response, part) => {
      if (part === 0 || refused++ > 0) return false;
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"message":"Unauthorized"}');
      return true;
    };
    await upload(api, 'transactions', FILE, QUIET);
    expect(stage.tokens).toBe(2);
    expect(stage.rows()).toEqual(ROWS);
  });

  it('sends a part whose number is taken by other rows, so that the stage can say so', async () => {
    await upload(stage.api(), 'transactions', FILE, QUIET);
    stage.accepted.set(3, 'header\nforged');
    stage.posts.length = 0;
    await upload(stage.api(), 'transactions', FILE, QUIET);
    expect(stage.posts).toEqual([3]);
    expect(stage.rows()).toEqual(ROWS);
  });

  it('does not repeat what is refused for good', async () => {
    stage.misbehave = (response, part) => {
      if (part === 0) return false;
      response
        .writeHead(403, { 'content-type': 'application/problem+json' })
        .end('{"code":"forbidden","detail":"needs a scope"}');
      return true;
    };
    await expect(upload(api, 'transactions', FILE, QUIET)).rejects.toThrow(Refused);
    expect(stage.posts.length).toBeLessThanOrEqual(2);
  });

  it.each([
    ['of another data set', { dataset: 'events' }, /was sent before, as events; the same file cannot be transactions/],
    [
      'in another number of parts',
      { parts: { total: 3, accepted: [1] } },
      /was sent before in 3 parts, and would be cut into \d+ now/,
    ],
  ])('sends nothing when the ledger knows the file as one %s', async (_, report, message) => {
    await upload(api, 'transactions', FILE, QUIET);
    stage.posts.length = 0;
    stage.report = report;
    await expect(upload(api, 'transactions', FILE, QUIET)).rejects.toThrow(message);
    expect(stage.posts).toEqual([]);
  });

  it('ends at once with the signal, while it sends and while it waits for a second try', async () => {
    const stopping = new AbortController();
    stage.misbehave = (response, part) => {
      if (part === 3) response.writeHead(503).end('{"detail":"busy"}');
      if (part === 4) setTimeout(() => stopping.abort(), 50);
      return part >= 3; // the fourth never gets an answer
    };
    const started = performance.now();
    const failed = upload(stage.api({ signal: stopping.signal }), 'transactions', FILE, QUIET);
    await expect(failed).rejects.toMatchObject({ name: 'AbortError' });
    expect(performance.now() - started).toBeLessThan(2000);
    const posts = stage.posts.length;
    await new Promise((wake) => setTimeout(wake, 700));
    expect(stage.posts.length).toBe(posts);
  });
});
