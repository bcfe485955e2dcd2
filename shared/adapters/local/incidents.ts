import type { Incident } from '../../domain/alert';
import type { Clock, Incidents } from '../../pipeline/ports';
import type { Database } from './database';

const HELD = `select body from incidents where state = 'hold' or (state = 'tell' and quiet_until <= ?) order by rowid`;

/**
 * Incidents of a data directory. One that was to be told at once and was not, by the end of the quiet time that it began,
 * is the digest's.
 */
export function incidentsIn(database: Database, clock: Clock): Incidents {
  const about = ({ kind, dataset = '' }: Incident) => `${kind} ${dataset}`;
  const isQuiet = (incident: Incident) =>
    database.get('select 1 from incidents where about = ? and quiet_until > ?', about(incident), now()) !== undefined;
  const now = () => clock.now().toISOString();
  return {
    async keep(incident, quiet_until) {
      return database.transaction(() => {
        const known = database.get<{ state: string }>('select state from incidents where id = ?', incident.id);
        if (known) return known.state === 'told' ? 'known' : (known.state as 'tell' | 'hold');
        const state = isQuiet(incident) ? 'hold' : 'tell';
        database.run(
          'insert into incidents (id, about, state, quiet_until, body) values (?, ?, ?, ?, ?)',
          incident.id,
          about(incident),
          state,
          state === 'tell' ? quiet_until : null,
          JSON.stringify(incident),
        );
        return state;
      });
    },
    async *held() {
      for (const { body } of database.all<{ body: string }>(HELD, now())) yield JSON.parse(body) as Incident;
    },
    async told(incidents) {
      database.transaction(() => {
        for (const { id } of incidents) database.run("update incidents set state = 'told' where id = ?", id);
      });
    },
  };
}
