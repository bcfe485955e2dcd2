import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalWorld } from '../../shared/adapters/local';
import { versionOf } from '../../shared/adapters/local/inbox';
import { type Arrival, INBOX } from '../../shared/domain/arrival';
import { buildInsights } from '../../shared/pipeline/insights';
import { type NightReport, runNight } from '../../shared/pipeline/nightly';
import type { Backlog } from '../../shared/pipeline/ports';
import { loadWarehouse } from '../../shared/pipeline/warehouse';
import { openHere } from '../here';
import { isUp } from './up';
import { stepInWords } from './words';

/** Seconds that a step may go on for, on one machine. */
const WITHIN = { wait: 3600, claim: 3600, load: 24 * 3600, build: 3600 };
const AT_ONCE = { ...WITHIN, wait: 0, claim: 0 };
const CLEAN = 'clean';

/** How a night on a data directory is told, and ended. */
export interface NightOptions {
  /** Whether somebody takes files in, so that there is something to wait for. */
  readonly isAwake: boolean;
  readonly say?: (line: string) => void;
  readonly onError?: (error: unknown) => void;
  readonly signal?: AbortSignal;
}

/** The nightly run on a data directory that is open, beside whatever else works on it. What it did; a failure is in it. */
export function nightIn(
  world: LocalWorld,
  directory: string,
  { isAwake, say = () => undefined, onError, signal }: NightOptions,
): Promise<NightReport> {
  const pause = async (seconds: number) => void (await sleep(seconds * 1000, undefined, signal && { signal }));
  let said = '';
  return runNight(
    idOf(world.clock.now()),
    {
      within: isAwake ? WITHIN : AT_ONCE,
      async load() {
        for (let n = 0; isAwake && world.log.backlog(CLEAN) > 0 && n < WITHIN.wait; n++) await pause(1);
        return loadWarehouse({}, world);
      },
      build: (began_at) => buildInsights({ began_at }, world),
      pause,
      tell(step, night) {
        const line = stepInWords(step, night);
        if (line !== said) say(line);
        said = line;
      },
      ...(onError && { onError }),
    },
    { ...world, backlog: withUnseen(world, directory) },
  );
}

/** Its own among the nights of a directory, and in their order. */
const idOf = (now: Date) => `${now.toISOString().replace(/[:.]/g, '-')}-${process.pid}`;

/** The nightly run of `npm run nightly` without a stage. @throws NoDirectory, DirectoryRefused */
export async function nightHere(directory: string, wait: boolean): Promise<NightReport> {
  const world = openHere(directory);
  try {
    const up = await isUp(directory);
    if (!up) console.error(`No npm start runs in ${directory}: files of the inbox are left as they are.`);
    return await nightIn(world, directory, {
      isAwake: up && wait,
      say: (line) => console.error(line),
      onError: (error) => console.error(error),
    });
  } finally {
    world.close();
  }
}

/** The backlog, with the files of the inbox that nobody has looked at: what AWS tells of each new object, a folder does not. */
function withUnseen({ arrivals, backlog }: Pick<LocalWorld, 'arrivals' | 'backlog'>, directory: string): Backlog {
  return {
    async unfinished() {
      const unseen: Arrival[] = [];
      for (const file of await filesOf(directory)) {
        const known = (await arrivals.of(file.key)).some(({ version }) => version === file.version);
        if (!known) unseen.push(unseenArrival(file));
      }
      return [...(await backlog.unfinished()), ...unseen];
    },
  };
}

interface Unseen extends Pick<Arrival, 'key' | 'version' | 'bytes' | 'arrived_at'> {
  /** When it came under its name, which is later than the content's time where that was kept. */
  readonly since: string;
}

const unseenArrival = ({ since, ...file }: Unseen): Arrival => ({
  ...file,
  checksum: '',
  state: 'waiting',
  sent_by: INBOX,
  lease: { holder: '', until: since },
});

async function filesOf(directory: string): Promise<Unseen[]> {
  const inbox = join(directory, INBOX);
  if (!existsSync(inbox)) return [];
  const found: Unseen[] = [];
  for (const entry of await readdir(inbox, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.startsWith('.')) continue;
    const path = join(entry.parentPath, entry.name);
    const facts = await stat(path).catch(() => undefined); // gone since
    if (!facts) continue;
    found.push({
      key: relative(directory, path).split(sep).join('/'),
      version: versionOf(facts),
      bytes: facts.size,
      arrived_at: facts.mtime.toISOString(),
      since: facts.ctime.toISOString(),
    });
  }
  return found;
}
