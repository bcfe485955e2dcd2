import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileOptions } from '../../cli/client/parts';
import { describe as inWords, transfer } from '../../cli/client/transfer';
import { Stage } from './stage';

const folder = mkdtempSync(join(tmpdir(), 'ecomflow-transfer-'));
const FILE: FileOptions = { path: join(folder, 'rows.csv'), charset: 'utf-8', partBytes: 20 };
const MINUTE = 60_000;

describe('a transfer', () => {
  let stage: Stage;
  beforeAll(() => writeFileSync(FILE.path, 'header\nrow 1\nrow 2\nrow 3\nrow 4\n'));
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeEach(async () => {
    stage = new Stage();
    await stage.start();
    jest.spyOn(console, 'error').mockImplementation(() => undefined);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await stage.stop();
  });

  it('is whole when the ledger balances over the rows that the file has', async () => {
    const { report, rows, whole } = await transfer(stage.api(), 'transactions', FILE, MINUTE);
    expect({ received: report.received, rows, whole }).toEqual({ received: 4, rows: 4, whole: true });
    expect(inWords(report, rows)).toContain('balanced: every row is accounted for');
  });

  it('is not whole when the ledger balances over other rows, and says both numbers', async () => {
    stage.report = { received: 3 };
    const { report, rows, whole } = await transfer(stage.api(), 'transactions', FILE, MINUTE);
    expect(whole).toBe(false);
    expect(inWords(report, rows)).toContain('not whole: the file has 4 rows, the ledger 3');
  });

  it('stops waiting when a chunk has failed, and names it', async () => {
    stage.report = { status: 'failed', balanced: false, pending: 2, failed: ['c0ffee', 'decade'] };
    const { report, rows, whole } = await transfer(stage.api(), 'transactions', FILE, MINUTE);
    expect(whole).toBe(false);
    expect(inWords(report, rows)).toMatch(
      /2 rows have no outcome yet \(failed\)\n.*failed\/<id>\.error\.json says why.*\n {4}c0ffee\n {4}decade$/,
    );
  });

  it('ends its waiting with the signal', async () => {
    stage.report = { status: 'accepted', balanced: false };
    const stopping = new AbortController();
    setTimeout(() => stopping.abort(), 300);
    const started = performance.now();
    const waiting = transfer(stage.api({ signal: stopping.signal }), 'transactions', FILE, MINUTE);
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
