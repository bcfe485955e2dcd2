import { isDay } from '../domain/day';
import { type Insight, insights, type Period, statementOf } from '../domain/insight';
import {
  type Built,
  builtBefore,
  type Cell,
  MOST_ROWS,
  nothingBuilt,
  OVERVIEW,
  type Overview,
  rowByColumn,
  rowsOf,
} from '../domain/overview';
import { Problem } from '../domain/problem';
import { csvOf } from '../domain/spreadsheet';
import { AnswerRoom, Csv } from './pages';
import { type Ports, StillRunning, TooMuch } from './ports';

/** What is asked of an insight, as it came. */
export interface InsightQuestion {
  readonly name: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit?: string | undefined;
  readonly format?: string | undefined;
  /** What the client would like to have. */
  readonly accept?: string | undefined;
}

/** How many rows an answer has when nothing is said, and at most. */
const ROWS = { json: { usual: 100, most: 1000 }, csv: { usual: MOST_ROWS, most: MOST_ROWS } };
type Format = keyof typeof ROWS;

/** Every insight, and what there is of each data set, as the last build found them. */
export async function insightList({ built }: Pick<Ports, 'built'>) {
  const kept = await built.find(OVERVIEW);
  const overview = kept === undefined ? undefined : (JSON.parse(kept) as Overview);
  const unbuilt = { rows: null, built_at: null, failed_at: null };
  return {
    built_at: overview?.built_at ?? null,
    datasets: overview?.datasets ?? [],
    insights: [...insights.values()].map((insight) => {
      const { name, question, grain, reads, range, columns, cannot } = insight;
      const { rows, built_at, failed_at } = overview?.insights[name] ?? unbuilt;
      return {
        name,
        question,
        grain,
        reads,
        range,
        columns: columnsOf({ columns }),
        cannot,
        rows,
        built_at,
        failed_at,
      };
    }),
  };
}

/**
 * The answer of an insight, as an object or as CSV: what was built where that is of the days asked for, else the
 * engine's, at once. @throws Problem not_found, invalid_parameter, too_much, try_later
 */
export async function insight(question: InsightQuestion, ports: Pick<Ports, 'built' | 'engine' | 'clock'>) {
  const asked = insights.get(question.name);
  if (!asked) throw new Problem('not_found', 'There is no such insight. GET /v1/insights names them.');
  const format = formatOf(question);
  const limit = limitOf(question, ROWS[format]);
  const from = dayOf(question, 'from');
  const to = dayOf(question, 'to');
  if (from !== undefined && to !== undefined && from > to)
    throw new Problem('invalid_parameter', 'from is the first day and to the last: from comes first.', {
      parameter: 'from',
    });

  const before = builtBefore(asked, await ports.built.find(asked.name));
  const period = periodAsked(from, to, before.period);
  const { built_at, failed_at, ...found } =
    period === null || isSame(period, before.period) ? before : await asOfNow(asked, period, limit, before, ports);
  const room = new AnswerRoom();
  const rows: Record<string, Cell>[] = [];
  for (const cells of found.rows) {
    const row = rowByColumn(asked.columns, cells);
    if (rows.length === limit || !room.take(row)) break;
    rows.push(row);
  }
  const truncated = found.truncated || rows.length < found.rows.length;
  if (format === 'csv') return new Csv(`${asked.name}.csv`, csvOf(asked.columns, rows), truncated);
  return {
    name: asked.name,
    question: asked.question,
    grain: asked.grain,
    from: period?.first_day ?? null,
    to: period?.last_day ?? null,
    built_at,
    failed_at,
    columns: columnsOf(asked),
    rows,
    truncated,
    cannot: asked.cannot,
  };
}

/** A unit that is none is null. */
const columnsOf = ({ columns }: Pick<Insight, 'columns'>) =>
  columns.map(({ name, type, unit, description }) => ({ name, type, unit: unit ?? null, description }));

/** What is left out is as far as there are rows; null while there are none, and not both days are said. */
function periodAsked(from: string | undefined, to: string | undefined, built: Period | null): Period | null {
  if (from !== undefined && to !== undefined) return { first_day: from, last_day: to };
  if (built === null) return null;
  const [first_day, last_day] = [from ?? built.first_day, to ?? built.last_day];
  // One of them is beyond all rows: the day itself, which has none.
  return first_day <= last_day ? { first_day, last_day } : { first_day: from ?? to!, last_day: to ?? from! };
}

const isSame = (one: Period, other: Period | null): boolean =>
  one.first_day === other?.first_day && one.last_day === other.last_day;

async function asOfNow(
  asked: Insight,
  period: Period,
  limit: number,
  before: Built,
  { engine, clock }: Pick<Ports, 'engine' | 'clock'>,
): Promise<Built> {
  const statement = statementOf(asked, period, await engine.tables(), limit + 1);
  try {
    const rows = rowsOf(asked, await engine.query(statement));
    const isEmpty = rows.length === 0 && before.built_at === null;
    return { ...nothingBuilt(asked), period, built_at: isEmpty ? null : clock.now().toISOString(), rows };
  } catch (error) {
    if (error instanceof StillRunning)
      throw new Problem(
        'try_later',
        'The answer takes longer than a request may. Ask the same again: it is on its way.',
      );
    if (error instanceof TooMuch)
      throw new Problem(
        'too_much',
        'So many days are too much to be read at once. Narrow the range: from and to.',
        {},
        { cause: error },
      );
    throw error;
  }
}

function dayOf(question: InsightQuestion, parameter: 'from' | 'to'): string | undefined {
  const day = question[parameter];
  if (day === undefined || isDay(day)) return day;
  throw new Problem('invalid_parameter', `${parameter} is a day, as 2011-01-31.`, { parameter });
}

function limitOf({ limit }: InsightQuestion, { usual, most }: { usual: number; most: number }): number {
  if (limit === undefined) return usual;
  const n = /^\d{1,5}$/.test(limit) ? Number(limit) : 0;
  if (n >= 1 && n <= most) return n;
  throw new Problem('invalid_parameter', `limit is a number from 1 to ${most}.`, { parameter: 'limit' });
}

/** What the address says, else what the client would like. */
function formatOf({ format, accept }: InsightQuestion): Format {
  if (format === 'json' || format === 'csv') return format;
  if (format !== undefined)
    throw new Problem('invalid_parameter', 'format is json or csv.', {
      parameter: 'format',
      accepted: ['json', 'csv'],
    });
  return prefersCsv(accept) ? 'csv' : 'json';
}

/** Whether CSV is named, and JSON not liked better (RFC 9110, 12.5.1). */
function prefersCsv(accept = ''): boolean {
  const weights = new Map(
    accept.split(',').map((range) => {
      const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice('q='.length);
      return [type!, Number(weight ?? 1)];
    }),
  );
  const csv = weights.get('text/csv') ?? 0;
  const json = weights.get('application/json') ?? weights.get('application/*') ?? weights.get('*/*') ?? 0;
  return csv > 0 && csv >= json;
}
