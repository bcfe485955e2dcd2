import { HEAD_ENTRY } from '../../domain/ledger';
import type { History } from '../../pipeline/ports';
import type { Database } from './database';
import { Ledger } from './tables';

/** Heads that are looked up at a time. */
const PAGE = 500;

/** The embedded ledger from end to end, in the order of its keys. */
export function historyIn(database: Database): History {
  const ledger = new Ledger(database);
  return {
    async *batches(since = '') {
      for (let after = ''; ; ) {
        const page = database.all<{ batch_id: string }>(
          `select batch_id from batches where entry = '${HEAD_ENTRY}' and batch_id > ?
           and json_extract(body, '$.received_at') >= ? order by batch_id limit ${PAGE}`,
          after,
          since,
        );
        for (const { batch_id } of page) {
          const batch = await ledger.find(batch_id);
          if (batch) yield batch;
          after = batch_id;
        }
        if (page.length < PAGE) return;
      }
    },
  };
}
