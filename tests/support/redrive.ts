import { hash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RAW, writeRaw } from '../../shared/adapters/local/raw';
import { type Contract, readContract } from '../../shared/domain/contract';
import { compile, type Dataset, datasets } from '../../shared/domain/dataset';
import { accountedFor, rejectedTotal } from '../../shared/domain/outcome';
import { claimantOf } from '../../shared/domain/redrive';
import type { TestWorld } from './world';

/** The data sets of this build, for tests that change a contract. */
const changeable = datasets as Map<string, Dataset>;
const asBuilt = new Map(datasets);

/** Puts a contract without some of its rules in the place of the one that was built. */
export function withoutRules(name: string, ...reasons: string[]): void {
  const { contract } = asBuilt.get(name)!;
  const reject = contract.reject.filter(({ reason }) => !reasons.includes(reason));
  changeContract(name, { ...contract, reject });
}

/** Puts another contract in the place of the one that was built. */
export function changeContract(name: string, contract: Contract): void {
  changeable.set(name, compile(readContract(structuredClone(contract))));
}

/** The contracts as they were built. */
export function asWasBuilt(): void {
  for (const [name, dataset] of asBuilt) changeable.set(name, dataset);
}

/** Fills raw/ from the stream, as its consumer does. */
export async function fillRaw(world: TestWorld): Promise<void> {
  while ((await writeRaw(world.log, world.lake)) > 0);
  if (world.log.backlog(RAW) > 0) throw new Error('raw/ is behind');
}

/** Every file of a data directory's lake with the hash of its bytes, and every row of its tables: two that are alike are one state. */
export function snapshot(world: TestWorld, but: readonly string[] = []): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of readdirSync(world.directory, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!/^(landing|rejected|raw|failed|redriven)\//.test(name) || but.some((one) => name.startsWith(one))) continue;
    const path = join(world.directory, name);
    if (statSync(path).isFile()) found[name] = hash('sha256', readFileSync(path));
  }
  for (const table of ['batches', 'invoices', 'customers', 'watch'])
    if (!but.includes(table))
      found[table] = world
        .inspect()
        .all(`select * from ${table} order by 1, 2`)
        .map((row) => ({ ...(row as object) }));
  return found;
}

interface StoredLine {
  readonly line_id: string;
  readonly chunk_id: string;
}

/** Every stored line of every invoice, doubles included. */
export const storedLines = (world: TestWorld): StoredLine[] =>
  world
    .inspect()
    .all<{ lines: string }>('select lines from invoices order by invoice_no, part')
    .flatMap(({ lines }) => JSON.parse(lines) as StoredLine[]);

/**
 * Whether ledger and stores agree of batches that are through: counts add up, refused rows are those counted, and of a
 * data set that claims the stored lines are those kept, each once.
 */
export async function expectConserved(world: TestWorld, batch_ids: readonly string[]): Promise<void> {
  const lines = storedLines(world);
  expect(new Set(lines.map(({ line_id }) => line_id)).size).toBe(lines.length);
  for (const id of batch_ids) {
    const { head, entries } = (await world.batches.find(id))!;
    expect(entries.reduce((sum, entry) => sum + accountedFor(entry), 0)).toBe(head.received);
    for (const entry of entries) {
      const refused = await world.rejects.read(head, entry.chunk_id);
      const reasons: Record<string, number> = {};
      for (const { reason } of refused) reasons[reason] = (reasons[reason] ?? 0) + 1;
      expect(reasons).toEqual(entry.rejected);
      expect(refused).toHaveLength(rejectedTotal(entry));
      if (head.dataset !== 'transactions') continue;
      const names = new Set([entry.chunk_id]);
      for (let revision = 1; revision <= entry.revision; revision++) names.add(claimantOf({ ...entry, revision }));
      expect(lines.filter(({ chunk_id }) => names.has(chunk_id))).toHaveLength(entry.kept);
    }
  }
}

/** Names of the files in a folder of the data directory, however deep. */
export function filesBelow(world: TestWorld, folder: string): string[] {
  const path = join(world.directory, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(world.directory.length + 1))
    .sort();
}

/** All that comes, in its order. */
export async function listed<T>(coming: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of coming) all.push(one);
  return all;
}
