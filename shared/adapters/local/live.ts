import { decodeFigures, encodeFigures } from '../../domain/live';
import { liveDays, minuteOf, parentOf } from '../../domain/window';
import type { LiveFigures, Summed } from '../../pipeline/ports';
import type { Database } from './database';

/** Figures of the day in the embedded tables. What is older than they ask for goes when something newer comes. */
export const liveIn = (database: Database): LiveFigures => ({
  async put({ dataset, chunk_id, received_at }, figures) {
    const [oldest] = liveDays(new Date(received_at));
    database.transaction(() => {
      database.run(
        'insert or replace into live_pieces values (?, ?, ?, ?)',
        dataset,
        minuteOf(received_at),
        chunk_id,
        encodeFigures(figures),
      );
      database.run('delete from live_pieces where dataset = ? and minute < ?', dataset, oldest!);
    });
  },

  async touch({ dataset, at }) {
    database.run(
      `insert into live_sums (dataset, within, at, mark) values (?, ?, ?, 1)
       on conflict (dataset, within, at) do update set mark = mark + 1`,
      dataset,
      parentOf(at),
      at,
    );
  },

  async *pieces(dataset, first, last) {
    const found = database.all<{ minute: string; figures: Uint8Array }>(
      'select minute, figures from live_pieces where dataset = ? and minute between ? and ? order by minute',
      dataset,
      first,
      last,
    );
    for (const { minute, figures } of found) yield { minute, figures: decodeFigures(figures) };
  },

  async marks({ dataset, at: within }) {
    const found = database.all<{ at: string; mark: number }>(
      'select at, mark from live_sums where dataset = ? and within = ? and mark > 0',
      dataset,
      within,
    );
    return new Map(found.map(({ at, mark }) => [at, mark]));
  },

  async sums({ dataset, at: within }, first, last) {
    const found = database.all<{ at: string; kept: number; figures: Uint8Array }>(
      `select at, kept, figures from live_sums
       where dataset = ? and within = ? and at between ? and ? and figures is not null`,
      dataset,
      within,
      first,
      last,
    );
    return new Map(
      found.map(({ at, kept, figures }): [string, Summed] => [at, { mark: kept, figures: decodeFigures(figures) }]),
    );
  },

  async keep({ dataset, at }, { mark, figures }) {
    const [oldest] = liveDays(new Date(`${at.slice(0, 10)}T00:00:00Z`));
    database.transaction(() => {
      database.run(
        `insert into live_sums values (?, ?, ?, 0, ?, ?)
         on conflict (dataset, within, at) do update set kept = excluded.kept, figures = excluded.figures`,
        dataset,
        parentOf(at),
        at,
        mark,
        encodeFigures(figures),
      );
      database.run('delete from live_sums where dataset = ? and at < ?', dataset, oldest!);
    });
  },
});
