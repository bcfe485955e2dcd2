import { LOADED, tableOf } from '../../domain/warehouse';
import type { Curation, Engine } from '../../pipeline/ports';
import { oneAtATime } from './alone';

/** A laptop's curated tables are the warehouse's, which is loaded: nothing is merged or noted. */
export const curationIn = (engine: Engine): Curation => ({
  lake: '', // nobody asks
  run: async () => Promise.reject(new Error('the tables of the warehouse are loaded, not merged')),
  async noted(dataset) {
    const landed = `(select coalesce(sum(rows), 0) from ${LOADED} where dataset = '${dataset}')`;
    const there = `(select count(*) from ${tableOf(dataset)})`;
    const { rows } = await engine.query(`select greatest(0, ${landed} - ${there})`);
    return JSON.stringify({ removed_duplicates: Number(rows[0]![0]) });
  },
  note: async () => undefined,
  alone: oneAtATime(),
});
