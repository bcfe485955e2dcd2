import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CognitoIdentityProviderClient,
  DescribeUserPoolClientCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { LambdaClient, ListEventSourceMappingsCommand, UpdateEventSourceMappingCommand } from '@aws-sdk/client-lambda';
import { DeleteObjectCommand, GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import type { Stage } from '../../../cli/smoke/stage';
import { ROOT } from '../../support/processes';
import { execute } from '../support/processes';
import { type Emulator, REGION } from './emulator';

/** A shop's machine, and someone with a look at the bucket. */
export interface Client {
  /** Environment with which the commands of cli/ reach the stage. */
  readonly env: NodeJS.ProcessEnv;
  /** Runs `npm run ingest`. */
  ingest(path: string): Promise<{ stdout: string; stderr: string }>;
  /** The JSON of a 200. @throws whatever else comes */
  get<T>(path: string): Promise<T>;
  /** A token that is good for an hour. */
  token(): Promise<string>;
  /** Every object under a prefix. */
  objects(prefix: string): Promise<Buffer[]>;
  /** Deletes every object of the lake. */
  empty(): Promise<void>;
  /** Writes every object under a prefix into a folder. Their keys. */
  download(prefix: string, folder: string): Promise<string[]>;
}

/** Nothing waits longer than this for one answer, or for a load. */
const ANSWER_MS = 30_000;
const LOAD_MS = 240_000;

/** A client with the id and secret of the stage's machine `shop`. */
export async function clientOf(stage: Stage, platform: Emulator): Promise<Client> {
  const { UserPoolId, ShopMachineClientId, LakeBucket } = stage.outputs;
  const asked = new DescribeUserPoolClientCommand({ UserPoolId, ClientId: ShopMachineClientId });
  const { UserPoolClient } = await new CognitoIdentityProviderClient({ region: REGION }).send(asked);
  const secret = UserPoolClient!.ClientSecret!;
  const env = {
    ...platform.env,
    ECOMFLOW_TOKEN_URL: stage.tokens,
    ECOMFLOW_CLIENT_ID: ShopMachineClientId,
    ECOMFLOW_CLIENT_SECRET: secret,
  };
  const s3 = new S3Client({ region: REGION, forcePathStyle: true });
  const token = async () => {
    const basic = Buffer.from(`${ShopMachineClientId}:${secret}`).toString('base64');
    const headers = { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await fetch(stage.tokens, {
      method: 'POST',
      headers,
      body: 'grant_type=client_credentials',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return ((await answer.json()) as { access_token: string }).access_token;
  };
  const each = async (prefix: string) => {
    const found: { key: string; bytes: Buffer }[] = [];
    for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: LakeBucket, Prefix: prefix })) {
      for (const { Key } of page.Contents ?? []) {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: LakeBucket, Key }));
        found.push({ key: Key!, bytes: Buffer.from(await Body!.transformToByteArray()) });
      }
    }
    return found;
  };
  return {
    env,
    token,
    ingest: (path) =>
      execute(process.execPath, [join(ROOT, 'cli/run.js'), 'ingest', path, '--url', stage.api], {
        cwd: ROOT,
        env,
        timeout: LOAD_MS,
      }),
    async get<T>(path: string) {
      const headers = { authorization: `Bearer ${await token()}` };
      const answer = await fetch(`${stage.api}/v1${path}`, { headers, signal: AbortSignal.timeout(ANSWER_MS) });
      if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
      return (await answer.json()) as T;
    },
    objects: async (prefix) => (await each(prefix)).map(({ bytes }) => bytes),
    async empty() {
      for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket: LakeBucket }))
        for (const { Key } of Contents) await s3.send(new DeleteObjectCommand({ Bucket: LakeBucket, Key }));
    },
    async download(prefix, folder) {
      mkdirSync(folder, { recursive: true });
      const objects = await each(prefix);
      objects.forEach(({ bytes }, i) => {
        writeFileSync(join(folder, `${i}.parquet`), bytes);
      });
      return objects.map(({ key }) => key);
    },
  };
}

/** Ends the emulator's own reading of the stream in a function's name. */
export async function disableMapping(FunctionName: string): Promise<void> {
  const lambda = new LambdaClient({ region: REGION });
  const { EventSourceMappings = [] } = await lambda.send(new ListEventSourceMappingsCommand({ FunctionName }));
  if (EventSourceMappings.length !== 1) throw new Error(`${FunctionName} has ${EventSourceMappings.length} mappings`);
  const [{ UUID }] = EventSourceMappings as [{ UUID: string }];
  await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }));
}
