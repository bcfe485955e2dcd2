import type { Told } from '../../domain/alert';
import type { Untold, Watch } from '../../pipeline/ports';
import { oneAtATime } from './alone';
import type { Database } from './database';

const UNTOLD = 'select batch_id, received_at, mark from watch where untold = 1 order by received_at, batch_id';

/**
 * Makes a batch untold, within the transaction that opens it. The mark counts the times; a batch of a directory that was
 * made before there were mails is not in the table until it is redriven.
 */
export function makeUntold(database: Database, batch_id: string, received_at: string): void {
  database.run(
    `insert into watch (batch_id, received_at, mark, untold) values (?, ?, 1, 1)
     on conflict (batch_id) do update set mark = mark + 1, untold = 1`,
    batch_id,
    received_at,
  );
}

/** Untold batches of a data directory. Only its one owner tells, so a turn is a matter of this process. */
export function watchIn(database: Database): Watch {
  return {
    async *untold() {
      const batches = database.all<Omit<Untold, 'mark'> & { mark: number }>(UNTOLD);
      for (const { batch_id, received_at, mark } of batches) yield { batch_id, received_at, mark: String(mark) };
    },
    async told(batch_id) {
      const row = database.get<{ told: string | null }>('select told from watch where batch_id = ?', batch_id);
      return row?.told ? (JSON.parse(row.told) as Told) : undefined;
    },
    async tell({ batch_id, mark }, told) {
      database.run(
        'update watch set told = ?, untold = case when mark = ? then 0 else untold end where batch_id = ?',
        JSON.stringify(told),
        Number(mark),
        batch_id,
      );
    },
    async again(batch_id, at) {
      makeUntold(database, batch_id, at);
    },
    alone: oneAtATime(),
  };
}
