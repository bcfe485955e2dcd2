import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { HTTP, RETRIES } from '../../../shared/adapters/aws/http';
import { freePort } from '../../support/processes';
import { jars } from '../support/install';
import { type Server, serve } from '../support/processes';

/** A DynamoDB Local that runs. */
export interface Local extends Server {
  readonly endpoint: string;
  readonly port: number;
}

/**
 * Starts DynamoDB Local on 127.0.0.1. It runs on x86 and on Macs of either kind, not on Linux on ARM: its storage,
 * sqlite4java, is not published for that.
 * @param folder for tables that outlive the server; without one they are in memory
 * @param port to come back to after a stop; by default a free one
 */
export async function startLocal(folder?: string, port?: number): Promise<Local> {
  const lib = await jars('dynamodb');
  const at = port ?? (await freePort());
  const endpoint = `http://127.0.0.1:${at}`;
  const launcher = join(__dirname, 'Loopback.java');
  const java = ['-Xmx1g', `-Djava.library.path=${lib}`, '-cp', join(lib, '*'), launcher, String(at)];
  // No more of ours than what finds Java: where it is a shim it looks into the home folder, or at JAVA_HOME.
  const { PATH, HOME, JAVA_HOME } = process.env;
  const env = { PATH, HOME, ...(JAVA_HOME && { JAVA_HOME }), DDB_LOCAL_TELEMETRY: '0' };
  // Whatever it says to a request without a signature, it is there.
  const ready = async () => (await fetch(endpoint, { signal: AbortSignal.timeout(2000) })).status === 400;
  const server = await serve('dynamodb', 'java', folder ? [...java, folder] : java, ready, { env });
  return { ...server, endpoint, port: at };
}

/** Any key will do: tables belong to the key and the region. */
const ACCOUNT = { region: 'eu-central-1', credentials: { accessKeyId: 'peers', secretAccessKey: 'none' } };

type Times = Readonly<Record<keyof typeof HTTP, number | boolean>>;

/** A client with the settings of the functions' own. */
export function clientOf({ endpoint }: Local, requestHandler: Times = HTTP): DynamoDBClient {
  const client = new DynamoDBClient({ ...RETRIES, requestHandler, ...ACCOUNT, endpoint });
  // Jest keeps classes of its own beside Node's: to the SDK a network error would be no Error, and lose its code.
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        throw error instanceof Error ? error : asOwn(error as NodeJS.ErrnoException);
      }
    },
    { step: 'deserialize', priority: 'low', name: 'errors of this realm' },
  );
  return client;
}

const asOwn = ({ name, message, code }: NodeJS.ErrnoException) => Object.assign(new Error(message), { name, code });

/** The environment of a function whose account this is. */
export const environmentOf = ({ endpoint }: Local) => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: ACCOUNT.region,
  AWS_ACCESS_KEY_ID: ACCOUNT.credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: ACCOUNT.credentials.secretAccessKey,
});
