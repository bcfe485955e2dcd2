import { setTimeout as sleep } from 'node:timers/promises';
import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  type HistoryEvent,
  paginateGetExecutionHistory,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { findStage, NoStage, type Stage } from '../smoke/stage';

export type { HistoryEvent };

const LOOK_MS = 2000;
const LOOKS_BEHIND_THE_END = 3;
/** What a shell reports of a process that SIGINT ended. */
const INTERRUPTED = 130;

/** A state machine of a stage cannot be started or followed, or ended without a report. The message is meant for people. */
export class NoRun extends Error {
  override readonly name = 'NoRun';
}

/** A state machine of a stage. */
export interface Machine {
  /** The output of the stack that has its ARN. */
  readonly output: string;
  /** What it runs: `nightly run`. */
  readonly called: string;
}

/** Listens to a run, and knows its report when that was made. */
export interface Listener<Report> {
  hear(event: HistoryEvent): void;
  readonly report: Report | undefined;
}

/** How a run was started. */
export interface Started {
  readonly stage: Stage;
  readonly client: SFNClient;
  readonly run: string;
}

/** Starts a state machine of a stage. @throws NoStage, NoRun */
export async function start({ output, called }: Machine, name: string, region: string, input = {}): Promise<Started> {
  const stage = await findStage(name, region);
  const machine = stage.outputs[output];
  if (!machine) throw new NoStage(`Stack ${stage.stack} has no ${called}: deploy this version of ecomflow first.`);
  const client = new SFNClient({ region });
  const command = new StartExecutionCommand({ stateMachineArn: machine, input: JSON.stringify(input) });
  const { executionArn: run } = await said(`The ${called} of ${stage.stack} cannot be started`, () =>
    client.send(command),
  );
  console.error(`Started ${run}`);
  return { stage, client, run: run! };
}

/** Follows a run to its end: its report. Ctrl-C leaves it going on. @throws NoRun */
export async function follow<Report>({ client, run }: Started, listener: Listener<Report>): Promise<Report> {
  const leave = () => {
    console.error(`\nThe run goes on without this command: ${run}`);
    process.exit(INTERRUPTED);
  };
  process.once('SIGINT', leave).once('SIGTERM', leave);
  try {
    return await said(`${run} goes on, but cannot be followed`, () => followed(client, run, listener));
  } finally {
    process.off('SIGINT', leave).off('SIGTERM', leave);
  }
}

/** @throws NoRun with what AWS says */
async function said<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof NoRun) throw cause;
    throw new NoRun(`${what}: ${(cause as Error).message}`, { cause });
  }
}

async function followed<Report>(client: SFNClient, executionArn: string, listener: Listener<Report>): Promise<Report> {
  let last = 0;
  for (let looksBehindTheEnd = 0; ; await sleep(LOOK_MS)) {
    const execution = await client.send(new DescribeExecutionCommand({ executionArn }));
    for (const event of await eventsAfter(client, executionArn, last)) {
      last = event.id!;
      listener.hear(event);
    }
    if (execution.status === 'RUNNING') continue;
    // The history may be a moment behind.
    if (execution.status === 'SUCCEEDED' || listener.report || looksBehindTheEnd++ === LOOKS_BEHIND_THE_END)
      return reportOf(execution, listener.report);
  }
}

/** Events of an execution's history behind one, in their order. */
async function eventsAfter(client: SFNClient, executionArn: string, last: number): Promise<HistoryEvent[]> {
  const found: HistoryEvent[] = [];
  const pages = paginateGetExecutionHistory({ client, pageSize: 100 }, { executionArn, reverseOrder: true });
  for await (const { events = [] } of pages) {
    const fresh = events.filter(({ id }) => id! > last);
    found.push(...fresh);
    if (fresh.length < events.length) break;
  }
  return found.reverse();
}

/** What an execution that is over came to. A failed one has its report, if any, in its history. @throws NoRun */
function reportOf<Report>(
  { status, output, error, cause }: DescribeExecutionOutput,
  reported: Report | undefined,
): Report {
  if (status === 'SUCCEEDED') return JSON.parse(output!) as Report;
  if (reported) return reported;
  throw new NoRun(`The run ended as ${status}, without a report: ${error ?? 'no error'}: ${cause ?? 'no cause'}`);
}

/** What a step says that failed; undefined of another event. */
export function failureIn({ type, ...event }: HistoryEvent): string | undefined {
  if (type !== 'TaskFailed' && type !== 'TaskTimedOut') return undefined;
  const { error, cause } = event.taskFailedEventDetails ?? event.taskTimedOutEventDetails ?? {};
  return `a step failed: ${error} ${(cause ?? '').slice(0, 300)}`;
}
