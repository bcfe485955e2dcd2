import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What the table at the end says of a peer. */
interface Facts {
  readonly name: string;
  version: string;
  readonly proves: readonly string[];
  readonly cannot: readonly string[];
  readonly figures: Record<string, string>;
}

export interface Peer {
  /** For peers that tell their version only once they run. */
  version(version: string): void;
  /** Puts a measurement into the table, and says it at once. */
  figure(what: string, value: string): void;
}

/** Where peers are installed and leave their results; git-ignored. */
export const PEERS_HOME = process.env.PEERS_HOME ?? join(__dirname, '../../../.peers');

const all: Facts[] = [];

/**
 * Announces software that others wrote, for the table at the end of `npm run test:peers`.
 * @param proves what holds once this file's checks hold, in a line each
 * @param cannot what it cannot do or does otherwise than AWS, in a line each
 */
export function peer({
  name,
  version = 'unknown',
  proves,
  cannot = [],
}: {
  readonly name: string;
  readonly version?: string;
  readonly proves: readonly string[];
  readonly cannot?: readonly string[];
}): Peer {
  const facts: Facts = { name, version, proves, cannot, figures: {} };
  all.push(facts);
  const save = () => {
    const file = basename(expect.getState().testPath!, '.peer.ts');
    writeFileSync(join(process.env.PEERS_RESULTS!, `${file}.facts`), JSON.stringify({ peers: all }));
  };
  save();
  return {
    version(text) {
      facts.version = text;
      save();
    },
    figure(what, value) {
      facts.figures[what] = value;
      process.stderr.write(`       ${what}: ${value}\n`);
      save();
    },
  };
}
