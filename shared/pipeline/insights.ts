import { datasets } from '../domain/dataset';
import { type Insight, insights, type Period, SOURCES, type Source, statementOf, type Tables } from '../domain/insight';
import {
  type Built,
  builtBefore,
  type InsightState,
  type LedgerSum,
  MOST_ROWS,
  NO_BATCHES,
  nothingBuilt,
  OVERVIEW,
  type Overview,
  periodOf,
  rowByColumn,
  rowsOf,
  type Spans,
  withBatch,
} from '../domain/overview';
import { type Profile, sharesOf } from '../domain/profile';
import { daysBefore } from '../domain/warehouse';
import { type Ports, type QueryAnswer, StillRunning, Unavailable } from './ports';

/*
 * The building of insights, every night and behind each load of a laptop's warehouse: every insight over all the days
 * that there are, the customers' profiles, and one page over everything. What is built replaces what was built before,
 * object by object, so two builds at the same time leave what either of them would have left.
 */
export type BuildPorts = Pick<Ports, 'engine' | 'built' | 'profiles' | 'history' | 'curation' | 'clock' | 'telemetry'>;

/** What to build. */
export interface BuildRequest {
  /** ISO; what the answer of a build said that time broke off: it goes on there. By default one begins anew. */
  readonly began_at?: string | undefined;
}

export interface BuildAnswer {
  /** False when time ran out: called again with this `began_at`, the build goes on where it stopped. */
  readonly done: boolean;
  readonly began_at: string;
  /** Insights that are built, or have no rows to be built of. */
  readonly insights: number;
  /** Customers whose profile is kept. */
  readonly profiles: number;
}

/** Some insights could not be built; everything else is. Its message names them. */
export class BuildFailed extends Error {
  override readonly name = 'BuildFailed';
}

/**
 * So many profiles go through memory at a time, about; and with a share that came out larger, at most. A customer lies
 * in one of 256 objects: with more than 12 million customers the profiles are given up, and that is said.
 */
const PROFILES = { about: 25_000, most: 50_000 };
const PROFILES_INSIGHT = 'customer_profiles';
const LONGEST_REASON = 300;

/** Beside the overview a name in the store that is no insight's. */
const PROGRESS = 'building';

/** How far a build is that time broke off. */
interface Progress {
  readonly began_at: string;
  readonly states: Record<string, InsightState>;
  readonly failures: string[];
  /** Customers whose profiles are kept, and the first byte of the hash of those whose are not. */
  profiles: number;
  nextByte: number;
}

/** Ended by time. */
const BROKEN_OFF = Symbol('broken off');

/**
 * Builds all insights. May be broken off anywhere and called again. `timeLeft` is asked before each statement, in
 * milliseconds: at 0 the call ends by itself. An insight that fails keeps the answer that it had and does not keep the
 * others out. @throws BuildFailed at the end, when one did; Unavailable
 */
export async function buildInsights(
  { began_at }: BuildRequest,
  ports: BuildPorts,
  timeLeft: () => number = () => Number.POSITIVE_INFINITY,
): Promise<BuildAnswer> {
  const { built, clock, telemetry } = ports;
  const progress = await progressOf(began_at, ports);
  const answer = (done: boolean): BuildAnswer => ({
    done,
    began_at: progress.began_at,
    insights: Object.keys(progress.states).length - progress.failures.length,
    profiles: progress.profiles,
  });
  try {
    const work = new Work(ports, timeLeft, progress);
    await work.build();
  } catch (error) {
    if (error !== BROKEN_OFF) throw error;
    await built.keep(PROGRESS, JSON.stringify(progress));
    return answer(false);
  }
  if (began_at !== undefined) await built.keep(PROGRESS, '{}');
  const { failures, profiles, began_at: began } = progress;
  const seconds = (clock.now().getTime() - Date.parse(began)) / 1000;
  telemetry.log('info', 'the insights are built', { insights: insights.size, profiles, seconds, failed: failures });
  if (failures.length > 0) throw new BuildFailed(`not built, and kept as they were: ${failures.join('; ')}`);
  return answer(true);
}

async function progressOf(
  began_at: string | undefined,
  { built, clock }: Pick<Ports, 'built' | 'clock'>,
): Promise<Progress> {
  const kept = began_at === undefined ? undefined : await built.find(PROGRESS);
  const found = kept === undefined ? undefined : (JSON.parse(kept) as Partial<Progress>);
  return found?.began_at !== undefined && found.began_at === began_at
    ? (found as Progress)
    : { began_at: began_at ?? clock.now().toISOString(), states: {}, failures: [], profiles: 0, nextByte: 0 };
}

/** One call of a build. */
class Work {
  constructor(
    private readonly ports: BuildPorts,
    private readonly timeLeft: () => number,
    private readonly progress: Progress,
  ) {}

  async build(): Promise<void> {
    const tables = await this.ports.engine.tables();
    const spans = spansIn(await this.ask(spansStatement(tables, this.tomorrow())));
    for (const insight of insights.values()) {
      const { name } = insight;
      if (this.progress.states[name] === undefined)
        await this.orFailed(name, async () => this.note(name, await this.buildOne(insight, spans, tables)));
    }
    await this.buildProfiles(spans, tables);
    await this.ports.built.keep(OVERVIEW, JSON.stringify(await this.overview(spans)));
  }

  /** Of the world's first clocks: in some place it is that day already. */
  private tomorrow(): string {
    return daysBefore(this.ports.clock.now().toISOString().slice(0, 10), -1);
  }

  /** Over all its days. */
  private async buildOne(insight: Insight, spans: Spans, tables: Tables): Promise<Built> {
    const period = periodOf(insight, spans);
    const found = period && rowsOf(insight, await this.ask(statementOf(insight, period, tables, MOST_ROWS + 1)));
    const now = this.ports.clock.now().toISOString();
    const made: Built = {
      ...nothingBuilt(insight),
      ...(found && {
        period: period!,
        built_at: now,
        rows: found.slice(0, MOST_ROWS),
        truncated: found.length > MOST_ROWS,
      }),
    };
    await this.ports.built.keep(insight.name, JSON.stringify(made));
    return made;
  }

  /** Share by share, so that many customers take no more memory than some. */
  private async buildProfiles(spans: Spans, tables: Tables): Promise<void> {
    const insight = insights.get(PROFILES_INSIGHT);
    const { progress } = this;
    if (insight === undefined || progress.states[PROFILES_INSIGHT]?.failed_at) return;
    const period = periodOf(insight, spans);
    await this.orFailed(PROFILES_INSIGHT, async () => {
      for (const share of sharesOf(spans.transactions.customers, PROFILES.about)) {
        if (share.first < progress.nextByte) continue;
        const profiles = period ? await this.profilesIn(share, insight, period, tables) : [];
        await this.ports.profiles.keep(share, profiles);
        progress.profiles += profiles.length;
        progress.nextByte = share.last + 1;
      }
    });
  }

  private async profilesIn(
    { first, last }: { readonly first: number; readonly last: number },
    insight: Insight,
    period: Period,
    tables: Tables,
  ): Promise<Profile[]> {
    const digits = (byte: number) => `'${byte.toString(16).padStart(2, '0')}'`;
    const where = `${tables.hashByte('customer_id')} between ${digits(first)} and ${digits(last)}`;
    const found = rowsOf(insight, await this.ask(statementOf(insight, period, tables, PROFILES.most + 1, where)));
    if (found.length > PROFILES.most) throw new Error('there are more customers than profiles are made for');
    return found.map((row) => rowByColumn(insight.columns, row) as Profile);
  }

  private async overview(spans: Spans): Promise<Overview> {
    const { curation, history, clock } = this.ports;
    const sums = new Map<string, LedgerSum>();
    for await (const batch of history.batches()) {
      const { dataset } = batch.head;
      sums.set(dataset, withBatch(sums.get(dataset) ?? NO_BATCHES, batch));
      this.checkTime();
    }
    const of: Overview['datasets'][number][] = [];
    for (const dataset of datasets.keys()) {
      const { first_day, last_day, rows } = spans[dataset as Source];
      const noted = JSON.parse((await curation.noted(dataset)) ?? '{}') as { removed_duplicates?: number };
      const removed_duplicates = noted.removed_duplicates ?? 0;
      of.push({ dataset, first_day, last_day, rows, removed_duplicates, ...(sums.get(dataset) ?? NO_BATCHES) });
    }
    return { built_at: clock.now().toISOString(), datasets: of, insights: this.progress.states };
  }

  /** What ends the build is thrown; what is about this insight is noted, and its answer stays. */
  private async orFailed(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error === BROKEN_OFF || error instanceof Unavailable || !(error instanceof Error)) throw error;
      const { built, clock, telemetry } = this.ports;
      telemetry.log('error', 'an insight could not be built', { insight: name, error });
      const before = builtBefore(insights.get(name)!, await built.find(name));
      const after = { ...before, failed_at: clock.now().toISOString() };
      await built.keep(name, JSON.stringify(after));
      this.note(name, after);
      this.progress.failures.push(`${name} (${`${error.name}: ${error.message}`.slice(0, LONGEST_REASON)})`);
    }
  }

  private note(name: string, { rows, period, built_at, failed_at }: Built): void {
    this.progress.states[name] = { rows: period && rows.length, built_at, failed_at };
  }

  private checkTime(): void {
    if (this.timeLeft() <= 0) throw BROKEN_OFF;
  }

  /** Asks until the engine has the answer, which is of this build and none of before. */
  private async ask(statement: string): Promise<QueryAnswer> {
    for (;;) {
      this.checkTime();
      try {
        return await this.ports.engine.query(statement, this.progress.began_at);
      } catch (error) {
        if (!(error instanceof StillRunning)) throw error;
      }
    }
  }
}

const LAST_DAY = '9999-12-31';

/** Asks for the first and last day of each source, its rows and its customers, as text, in the order of SOURCES. */
const spansStatement = (tables: Tables, tomorrow: string): string =>
  SOURCES.map((source, i) => {
    const customers = source === 'transactions' ? 'count(distinct customer_id)' : '0';
    // A row dated 9999 must not make everybody a customer who left: days to come count only where there are no others.
    const lastDay = `coalesce(max(case when day <= date '${tomorrow}' then day end), max(day))`;
    return `select ${i} as source, cast(min(day) as varchar) as first_day, cast(${lastDay} as varchar) as last_day, count(*) as "rows", ${customers} as customers
from (
${tables[source](undefined, LAST_DAY)}
) as ${source}_rows`;
  })
    .join('\nunion all\n')
    .concat('\norder by source');

function spansIn({ rows }: QueryAnswer): Spans {
  const spans = SOURCES.map((source, i) => {
    const [, first_day = null, last_day = null, count, customers] = rows[i]!;
    return [source, { first_day, last_day, rows: Number(count), customers: Number(customers) }];
  });
  return Object.fromEntries(spans) as Spans;
}
