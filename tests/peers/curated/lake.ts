import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Contract } from '../../../shared/domain/contract';
import { curatedColumns } from '../../../shared/domain/curated';
import { contracts } from '../../../shared/domain/warehouse';
import { drain, post, type TestWorld } from '../../support/world';
import { events } from '../conversion/rows';
import { realRows } from '../support/data';

/** All of UCI Online Retail, of which so many rows are left out behind each one taken: a year's days, few rows a day. */
const [TRANSACTIONS, STEP] = [541_909, 90];
/** Products all of whose rows are taken: prices that change are seen in many days of one product alone. */
const WHOLE = ['22423', '85123A', '22720'];
const DAY_S = 86_400;

/** Days of events whose rows are held back to the second day of arrival; by how the files write them. */
const LATE = { transactions: ['12/1/2010 ', '6/8/2011 '], events: ['2020-01-01 '] } as const;

/** What the shop sent: a body of the first day, and one of the second, with the late rows. */
export async function sendings(): Promise<Record<'transactions' | 'events', readonly [string, string]>> {
  const real = (await realRows(TRANSACTIONS)).trimEnd().split('\n');
  const header = real[0]!;
  const late = (line: string) => LATE.transactions.some((day) => line.includes(`,${day}`));
  const whole = (line: string) => WHOLE.includes(line.split(',', 2)[1]!);
  const taken = real.slice(1).filter((line, i) => i % STEP === 0 || (late(line) && i % 10 === 0) || whole(line));
  const shop = events().bodies.map((body) => body.trimEnd().split('\n'));
  const visits = shop.flatMap(([, ...lines]) => lines);
  const part = (head: string, lines: readonly string[], isLate: (line: string) => boolean, wanted: boolean) =>
    [head, ...lines.filter((line) => isLate(line) === wanted), ''].join('\n');
  const both = (head: string, lines: readonly string[], isLate: (line: string) => boolean) =>
    [part(head, lines, isLate, false), part(head, lines, isLate, true)] as const;
  return {
    transactions: both(header, taken, late),
    events: both(shop[0]![0]!, visits, (line) => LATE.events.some((day) => line.startsWith(day))),
  };
}

/** Lands what was sent on a day; the clock is moved to the next. */
export async function land(world: TestWorld, bodies: Readonly<Record<string, string>>): Promise<void> {
  for (const [dataset, body] of Object.entries(bodies)) await post(world, dataset, body);
  expect(await drain(world)).toEqual([]);
  world.clock.pass(DAY_S);
}

const landing = (world: TestWorld, dataset: string) => join(world.directory, 'landing', dataset);
const filesOf = (world: TestWorld, dataset: string, day: string) =>
  readdirSync(join(landing(world, dataset), `dt=${day}`)).filter((name) => name.endsWith('.parquet'));

/**
 * What landing gets besides: files delivered twice on their day, all of them once more on a later one, and rows of a file
 * once more under another batch.
 */
export async function repeat(world: TestWorld, duckdb: DuckDBConnection, from: string, to: string): Promise<void> {
  for (const { name } of contracts()) {
    const [first, second] = [from, to].map((day) => join(landing(world, name), `dt=${day}`)) as [string, string];
    mkdirSync(second, { recursive: true });
    const [file, ...others] = filesOf(world, name, from);
    copyFileSync(join(first, file!), join(first, `again-${file}`));
    for (const one of [file!, ...others]) copyFileSync(join(first, one), join(second, `later-${one}`));
    const rows = `select * replace ('zz another batch' as batch_id) from '${join(first, file!)}' limit 50`;
    await duckdb.run(`copy (${rows}) to '${join(second, 'another.parquet')}' (format parquet)`);
  }
}

/** A select of all that landed, the arrival's day as text, in times of DuckDB without zone. */
const landed = (world: TestWorld, { name, event_time }: Contract) =>
  `select * replace ("${event_time}" at time zone 'UTC' as "${event_time}")
   from read_parquet('${landing(world, name)}/dt=*/*.parquet', hive_partitioning = true, hive_types = {dt: varchar})`;

/** What is wrong with a curated table, counted over its data files by DuckDB; all 0 where it is right. */
export interface Faults {
  /** Different line_ids of landing less those of the table. */
  readonly missing: number;
  /** Rows beyond one for each line_id. */
  readonly twice: number;
  /** Rows that lie in another day than that of their event. */
  readonly astray: number;
  /** Rows with a cell that no landed row of theirs has, or another batch than the first. */
  readonly altered: number;
}

/** Compares a table's data files with what landed until a day. */
export async function faultsOf(
  duckdb: DuckDBConnection,
  world: TestWorld,
  contract: Contract,
  files: readonly string[],
): Promise<Faults> {
  const columns = curatedColumns(contract).map(({ name, type }) =>
    type === 'timestamp' ? `cast("${name}" as timestamp) as "${name}"` : `"${name}"`,
  );
  const all = contract.columns.map(({ name }) => `"${name}"`).join(', ');
  const curated = `select ${columns.join(', ')} from read_parquet([${files.map((file) => `'${file}'`).join(', ')}], hive_partitioning = false)`;
  const answer = await duckdb.runAndReadAll(
    `with landed as (${landed(world, contract)}), curated as (${curated})
     select
       (select count(distinct line_id) from landed) - (select count(distinct line_id) from curated),
       (select count(*) - count(distinct line_id) from curated),
       (select count(*) from curated where event_date <> cast("${contract.event_time}" as date)),
       (select count(*) from (select line_id, batch_id, ${all} from curated
         except select line_id, batch_id, ${all} from landed where batch_id not like 'zz%'))`,
  );
  const [missing, twice, astray, altered] = answer.getRows()[0]!.map(Number) as [number, number, number, number];
  return { missing, twice, astray, altered };
}

export const RIGHT: Faults = { missing: 0, twice: 0, astray: 0, altered: 0 };
