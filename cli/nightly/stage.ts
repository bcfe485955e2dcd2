import { setTimeout as sleep } from 'node:timers/promises';
import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  type HistoryEvent,
  paginateGetExecutionHistory,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { Night, NightReport, Step } from '../../shared/pipeline/nightly';
import { findStage, NoStage } from '../smoke/stage';
import { stepInWords } from './words';

const LOOK_MS = 2000;
const LOOKS_BEHIND_THE_END = 3;
/** What a shell reports of a process that SIGINT ended. */
const INTERRUPTED = 130;

/** The state machine of a stage cannot be started or followed, or ended without a report. The message is meant for people. */
export class NoNight extends Error {
  override readonly name = 'NoNight';
}

/**
 * Starts the nightly run of a stage and, if so wished, follows it to its end. Its report; undefined when it is not
 * followed. @throws NoStage, NoNight
 */
export async function nightOf(name: string, region: string, follow: boolean): Promise<NightReport | undefined> {
  const { stack, outputs } = await findStage(name, region);
  const machine = outputs.NightlyMachineArn;
  if (!machine) throw new NoStage(`Stack ${stack} has no nightly run: deploy this version of ecomflow first.`);
  const client = new SFNClient({ region });
  const start = new StartExecutionCommand({ stateMachineArn: machine });
  const { executionArn: run } = await said(`The nightly run of ${stack} cannot be started`, () => client.send(start));
  console.error(`Started ${run}`);
  if (!follow) return undefined;

  const leave = () => {
    console.error(`\nThe run goes on without this command: ${run}`);
    process.exit(INTERRUPTED);
  };
  process.once('SIGINT', leave).once('SIGTERM', leave);
  try {
    return await said(`${run} goes on, but cannot be followed`, () => followed(client, run!));
  } finally {
    process.off('SIGINT', leave).off('SIGTERM', leave);
  }
}

/** @throws NoNight with what AWS says */
async function said<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof NoNight) throw cause;
    throw new NoNight(`${what}: ${(cause as Error).message}`, { cause });
  }
}

async function followed(client: SFNClient, executionArn: string): Promise<NightReport> {
  const telling = new Telling();
  for (let looksBehindTheEnd = 0; ; await sleep(LOOK_MS)) {
    const execution = await client.send(new DescribeExecutionCommand({ executionArn }));
    const events = await eventsAfter(client, executionArn, telling.last);
    for (const event of events) telling.hear(event);
    if (execution.status === 'RUNNING') continue;
    // The history may be a moment behind.
    if (execution.status === 'SUCCEEDED' || telling.report || looksBehindTheEnd++ === LOOKS_BEHIND_THE_END)
      return reportOf(execution, telling.report);
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

/** The states of which something is said when they end. */
const STEPS: Readonly<Record<string, Step>> = { 'Wait for files': 'wait', Claim: 'claim', Count: 'load' };
const REPORT = 'Report';

/** Says how a run gets on: a line when that changes. */
class Telling {
  last = 0;
  report: NightReport | undefined;
  private said = '';

  hear({ id, type, stateEnteredEventDetails: entered, stateExitedEventDetails: exited, ...event }: HistoryEvent): void {
    this.last = id!;
    if (type === 'WaitStateEntered' && !entered!.name!.startsWith('Pause')) this.say(`${entered!.name} ...`);
    if (type === 'TaskFailed' || type === 'TaskTimedOut') {
      const { error, cause } = event.taskFailedEventDetails ?? event.taskTimedOutEventDetails ?? {};
      this.say(`a step failed: ${error} ${(cause ?? '').slice(0, 300)}`);
    }
    if (type !== 'TaskStateExited' || exited?.output === undefined) return;
    const step = STEPS[exited.name!];
    const output = JSON.parse(exited.output) as Night & NightReport;
    if (exited.name === REPORT && output.status) this.report = output;
    // A step that failed leaves without an answer.
    else if (step && !output.failure) this.say(stepInWords(step, output));
  }

  private say(line: string): void {
    if (line !== this.said) console.error(line);
    this.said = line;
  }
}

/** What an execution that is over came to. A failed one has its report in its history. @throws NoNight */
function reportOf(
  { status, output, error, cause }: DescribeExecutionOutput,
  reported: NightReport | undefined,
): NightReport {
  if (status === 'SUCCEEDED') return JSON.parse(output!) as NightReport;
  if (reported) return reported;
  throw new NoNight(`The run ended as ${status}, without a report: ${error ?? 'no error'}: ${cause ?? 'no cause'}`);
}
