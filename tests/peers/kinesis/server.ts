import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  ListStreamsCommand,
} from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { freePort } from '../../support/processes';
import { packages } from '../support/install';
import { type Server, serve, until } from '../support/processes';

/** Keys that nobody checks; a stream belongs to the account that its region and key name. */
export const ACCOUNT = {
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: '000000000000',
  AWS_SECRET_ACCESS_KEY: 'none',
} as const;

/** kinesis-local on a port of its own. It keeps streams in memory: one that was stopped knows none. */
export interface KinesisLocal {
  readonly version: string;
  readonly endpoint: string;
  /** The peer's own client, patient: what it reads is what the stream holds. */
  readonly client: KinesisClient;
  start(): Promise<void>;
  stop(): Promise<void>;
  createStream(name: string, shards: number): Promise<void>;
  /** Waits until the stream's resharding, or its making, is through. */
  active(name: string): Promise<void>;
}

/** Installs it; nothing is started yet. */
export async function kinesisLocal(): Promise<KinesisLocal> {
  const folder = join(await packages('kinesis'), 'node_modules/kinesis-local');
  const [port, tls] = [await freePort(), await freePort()];
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new KinesisClient({
    endpoint,
    region: ACCOUNT.AWS_REGION,
    credentials: { accessKeyId: ACCOUNT.AWS_ACCESS_KEY_ID, secretAccessKey: ACCOUNT.AWS_SECRET_ACCESS_KEY },
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({ requestTimeout: 60_000, throwOnRequestTimeout: true }),
  });
  let server: Server | undefined;

  const active = async (name: string) => {
    await until(`stream ${name} is active`, 30, async () => {
      const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName: name }));
      return StreamDescriptionSummary?.StreamStatus === 'ACTIVE' || undefined;
    });
  };

  return {
    version: (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version,
    endpoint,
    client,
    async start() {
      const env = {
        ...ACCOUNT,
        KINESIS_MOCK_PLAIN_PORT: String(port),
        KINESIS_MOCK_TLS_PORT: String(tls),
        LOG_LEVEL: 'ERROR',
      };
      const args = ['--max-old-space-size=1024', '--require', join(__dirname, 'loopback.cjs'), join(folder, 'main.js')];
      const ready = async () => (await client.send(new ListStreamsCommand({}))).StreamNames !== undefined;
      server = await serve('kinesis', process.execPath, args, ready, { cwd: folder, env });
    },
    async stop() {
      await server?.stop('SIGKILL'); // it does not end when asked, and has nothing to save
      server = undefined;
    },
    async createStream(name, shards) {
      await client.send(new CreateStreamCommand({ StreamName: name, ShardCount: shards }));
      await active(name);
    },
    active,
  };
}
