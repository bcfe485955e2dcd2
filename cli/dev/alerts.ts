import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalWorld } from '../../shared/adapters/local';
import { mailsSince, type Sent } from '../../shared/adapters/local/outbox';
import type { Arrival } from '../../shared/domain/arrival';
import { type AlertPorts, type AlertSettings, type AlertTask, alertOn } from '../../shared/pipeline/alert';
import { Unavailable } from '../../shared/pipeline/ports';
import { inOneLine } from './persist';

/** Where objects tell that something went wrong. What nights leave in a process of their own is found here, too. */
const FOLDERS = ['failed', 'rejected/files', 'reports'];
/** How often they are looked through. */
const LOOK_MS = 2_000;
/** So many objects that cannot be told are the world, not the objects. */
const MOST_BROKEN = 10;

/** What tells the owner of a data directory what happens in it. */
export interface Alerts {
  /** Looks around and sums up, now. What cannot be told is said, and tried again at the next look. */
  tell(): Promise<void>;
  /** Tells of a file that Spark gave up, at the next look. */
  gaveUp(arrival: Arrival): void;
  /** Mails since this start. */
  mails(): Promise<readonly Sent[]>;
  /** Says mails from now on as they are sent. */
  announce(): void;
  /** Resolves when what is in hand is done with. */
  stop(): Promise<void>;
}

/** What is set, and the minutes of a digest's window. */
export interface AlertsHere extends Omit<AlertSettings, 'quietMinutes'> {
  readonly every: number;
}

/** Tells what happens in a data directory, as the function `alert` does of a deployed stage. */
export function startAlerts(
  world: LocalWorld,
  directory: string,
  { every, ...rest }: AlertsHere,
  pollMs = LOOK_MS,
): Alerts {
  const settings: AlertSettings = { ...rest, quietMinutes: every };
  const stopping = new AbortController();
  const { signal } = stopping;
  const began = world.clock.now();
  const known = new Set<string>();
  let givenUp: Arrival[] = [];
  /** Those of the start are listed at its end; later ones are said as they come. */
  let isAnnounced = false;
  const post: AlertPorts['post'] = {
    async send(mail) {
      await world.post.send(mail);
      if (isAnnounced) console.error(`Mail: ${mail.subject}`);
    },
  };
  const ports = { ...world, post };
  let last: Promise<void> = Promise.resolve();

  const look = async () => {
    const broken: Unavailable[] = [];
    for (const { key, at } of await objectsOf(directory)) {
      if (known.has(key) || signal.aborted) continue;
      try {
        await orSay({ task: 'object', key, at });
        known.add(key);
      } catch (error) {
        broken.push(error as Unavailable); // it may be this object only, which comes again
        if (broken.length === MOST_BROKEN) break;
      }
    }
    for (const arrival of givenUp) {
      const { run_id = '', refusal, finished_at } = arrival;
      const run = { run_id, state: 'FAILED', message: refusal?.detail ?? '', at: finished_at ?? arrival.arrived_at };
      await orSay({ task: 'run', ...run });
      givenUp = givenUp.filter((other) => other !== arrival);
    }
    if (broken[0]) throw broken[0];
  };
  /** A defect of ours must not keep the others from being told. @throws Unavailable */
  const orSay = async (task: AlertTask) => {
    try {
      await alertOn(task, ports, settings);
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      console.error(error);
    }
  };
  const digest = () => alertOn({ task: 'digest', at: world.clock.now().toISOString() }, ports, settings);
  /** One behind the other; what fails is said, and comes again. */
  const inTurn = (work: () => Promise<void>) => {
    last = last.then(work).catch((error: unknown) => {
      console.error(error instanceof Unavailable ? `alerts: ${inOneLine(error)}` : error);
    });
    return last;
  };
  const watch = async () => {
    let due = began.getTime() + every * 60_000;
    while (!signal.aborted) {
      await inTurn(look);
      const now = world.clock.now().getTime();
      if (now >= due) {
        due = now + every * 60_000;
        await inTurn(digest);
      }
      await sleep(pollMs, undefined, { signal }).catch(() => undefined); // woken to stop
    }
  };
  const watching = watch();
  return {
    async tell() {
      await inTurn(look);
      await inTurn(digest);
    },
    gaveUp: (arrival) => void givenUp.push(arrival),
    mails: () => mailsSince(directory, began),
    announce() {
      isAnnounced = true;
    },
    async stop() {
      stopping.abort();
      await watching;
      await last;
    },
  };
}

/** What lies in the folders, the oldest first. What begins with a dot is not whole yet. */
async function objectsOf(directory: string): Promise<{ key: string; at: string }[]> {
  const found: { key: string; at: string }[] = [];
  for (const folder of FOLDERS) {
    for (const entry of await entriesOf(join(directory, folder))) {
      if (!entry.isFile() || entry.name.startsWith('.')) continue;
      const path = join(entry.parentPath, entry.name);
      const facts = await stat(path).catch(() => undefined); // gone since
      if (facts) found.push({ key: relative(directory, path).split(sep).join('/'), at: facts.mtime.toISOString() });
    }
  }
  return found.sort((a, b) => (a.at < b.at ? -1 : 1));
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { recursive: true, withFileTypes: true });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new Unavailable(`${folder} cannot be read`, { cause });
  }
}
