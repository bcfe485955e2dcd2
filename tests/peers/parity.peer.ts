import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { Charset } from '../../shared/domain/charset';
import { readContract } from '../../shared/domain/contract';
import { compile } from '../../shared/domain/dataset';
import { ROOT } from '../support/processes';
import { type Case, caseOf, disagreement } from './parity/agree';
import { linesOf } from './parity/reference';
import { runJobs } from './parity/spark';
import { WIDE, wideCsv, wideNdjson } from './parity/wide';
import { peer } from './support/peer';

const spark = peer({
  name: 'Spark (the bulk job)',
  proves: ['x'],
});

let work: string;
let duckdb: DuckDBConnection;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'ecomflow-parity-'));
  duckdb = await (await DuckDBInstance.create(':memory:')).connect();
});

afterAll(() => {
  duckdb?.closeSync();
  if (work) rmSync(work, { recursive: true, force: true });
});

async function agree(cases: Case[]) {
  const { version, errors } = await runJobs(cases.map((one) => one.spark));
  spark.version(version);
  const found: Record<string, unknown> = {};
  for (const [i, one] of cases.entries()) {
    const differing = errors[i] ? { error: errors[i] } : await disagreement(duckdb, one);
    if (Object.keys(differing).length > 0) found[one.name] = differing;
  }
  for (const one of cases) console.error(one.name, JSON.stringify(require('./parity/spark').manifestOf(one.spark).chunks));
  expect(found).toEqual({});
}

test('wide', async () => {
  const file = join(work, 'wide.json');
  writeFileSync(file, JSON.stringify(WIDE));
  const contract = { file, compiled: compile(readContract(WIDE)) };
  await agree([
    caseOf(work, 'wide csv', 'wide', 'csv', wideCsv(), { contract }),
    caseOf(work, 'wide ndjson', 'wide', 'ndjson', wideNdjson(), { contract }),
  ]);
});
