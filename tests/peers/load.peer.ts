import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Loaded, type LoadTarget, load } from '../../cli/bench/load';
import { findStage } from '../../cli/smoke/stage';
import { packaged } from '../package/packaged';
import { clientOf, disableMapping } from './stack/client';
import { deployable, type Emulator, emulator, REGION, sls } from './stack/emulator';
import { type Mapping, mapByHand } from './stack/mapping';
import { embedded } from './support/embedded';
import { type Peer, peer } from './support/peer';

const autocannon = peer({
  name: 'autocannon, against the embedded default',
  proves: ['500-row posts, one-invoice posts and look-ups under load: no request fails, no row is lost'],
});
autocannon.version((require('autocannon/package.json') as { version: string }).version);
const ministack = peer({
  name: 'autocannon, against the stack deployed to ministack',
  proves: ['the same through the deployed functions, the emulated gateway, stream and tables'],
  cannot: ['how fast AWS is: an emulator in one process answers here'],
});

/** Fires a load, puts its figures into the table, and checks that nothing failed and nothing is missing. */
async function holds(about: Peer, target: LoadTarget): Promise<void> {
  const loaded: Loaded = await load(target, 1);
  for (const { what, requests, perSecond, p50, p99 } of loaded.fired) {
    about.figure(what, `${requests} requests, ${perSecond.toFixed(0)} per second, p50 ${p50} ms, p99 ${p99} ms`);
  }
  const { posts, invoices, gets } = target.requests;
  expect(loaded.fired.map(({ requests, errors }) => ({ requests, errors }))).toEqual(
    [posts, invoices, gets, gets].map((requests) => ({ requests, errors: 0 })),
  );
  expect(loaded.received).toBe(posts * 500 + invoices * 20);
  expect(loaded).toMatchObject({ taken: loaded.received, accountedFor: loaded.received });
  about.figure('rows taken, cleaned and accounted for', String(loaded.accountedFor));
}

describe('under load', () => {
  it('the embedded default answers every request and accounts for every row', async () => {
    const server = await embedded('load', 1000);
    try {
      const { url, token } = server;
      const requests = { posts: 300, invoices: 1000, gets: 3000 };
      await holds(autocannon, { url, credentials: { token }, requests, connections: 8 });
    } finally {
      await server.stop();
    }
  });

  describe('the deployed stack', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ecomflow-load-'));
    let platform: Emulator;
    let mapping: Mapping;
    beforeAll(async () => {
      platform = await emulator(folder);
      ministack.version(platform.version);
      Object.assign(process.env, platform.env); // the AWS clients of this process
      const direct = (values: string) => deployable(values).replace('landing: firehose', 'landing: direct');
      const { folder: built } = await packaged('dev', 'peers-load', direct);
      await sls(platform, built, 'deploy', '--stage', 'dev', '--package', join(built, '.serverless'));
      await disableMapping('ecomflow-dev-clean');
      mapping = await mapByHand('ecomflow-dev-chunks', 'ecomflow-dev-clean');
    });
    afterAll(async () => {
      await mapping?.stop();
      await platform?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    it('answers every request and accounts for every row', async () => {
      const stage = await findStage('dev', REGION);
      const credentials = { token: await (await clientOf(stage, platform)).token() };
      const requests = { posts: 40, invoices: 100, gets: 300 };
      await holds(ministack, { url: stage.api, credentials, requests, connections: 4 });
      expect(mapping.discarded).toEqual([]);
    });
  });
});
