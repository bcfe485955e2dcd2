import { mkdtempSync, rmSync } from 'node:fs';
import { release, tmpdir, type } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../cli/simulator/random';
import { Audit, CHECKS, countRows } from './kills/audit';
import { fileToLoad, newPlace } from './kills/files';
import { KILLS_PER_LOAD, loadWithKills } from './kills/kills';
import { killEverything } from './kills/server';
import { whatIsTested } from './support/data';
import { peer } from './support/peer';

const { figure } = peer({
  name: 'SIGKILL of the operating system',
  version: `${type()} ${release()}`,
  proves: [
    `npm start, killed ${KILLS_PER_LOAD} times while a file is loaded, starts again each time in the same directory`,
    'in the end no row is lost and none is there twice: ledger, invoices, customers, landing and rejected',
    'raw has every line, and each record of the stream once: chunks of a request that was sent again are two records',
  ],
  cannot: ['take back what the system has taken for written: what a power cut does to the disk is not tried'],
});

describe('npm start', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ecomflow-kills-'));
  let audit: Audit | undefined;
  afterAll(async () => {
    audit?.close();
    await killEverything();
    rmSync(scratch, { recursive: true, force: true });
  });

  it(`that is killed ${KILLS_PER_LOAD} times starts again each time, and its client goes on to the end of the file`, async () => {
    const csv = await fileToLoad(scratch);
    const rows = await countRows(csv);
    figure('file', whatIsTested(rows));
    const seed = process.env.KILLS_SEED ?? String(Date.now());
    figure('seed', `${seed} (KILLS_SEED=${seed} aims the same way)`);
    const place = await newPlace(join(scratch, 'server'));
    const hits = await loadWithKills({
      file: csv,
      rows,
      place,
      random: new Random(seed, 'kills'),
      kills: KILLS_PER_LOAD,
      say: (line) => process.stderr.write(`       ${line}\n`),
    });
    const server = hits.filter(({ moment }) => moment !== 'the client');
    expect(server).toHaveLength(KILLS_PER_LOAD);
    // Where a kill comes is chance, and the odd one may be too late; most must have broken into open work.
    const interrupting = server.filter(({ processes, open }) => processes > 0 && open).length;
    figure('kills that broke into open work', `${interrupting} of ${KILLS_PER_LOAD}`);
    expect(interrupting).toBeGreaterThanOrEqual(3);
    expect(hits.filter(({ moment, processes }) => moment === 'the client' && processes > 0)).toHaveLength(1);

    audit = await Audit.open(csv, place.directory);
    figure('chunks in the stream again, of requests sent again', String(audit.repeats()));
  }, 600_000);

  it.each(Object.entries(CHECKS))('%s after the kills', async (_, check) => {
    const { found, expected } = await check(audit!);
    expect(found).toEqual(expected);
  });
});
