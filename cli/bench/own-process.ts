import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { claimOnce } from './claim-once';
import { csvToParquet } from './duckdb';
import { ownPeak } from './processes';
import { smallPath } from './small-path';

/** What is done once in a process of its own, by name. */
const TASKS = { smallPath, csvToParquet, claimOnce };
type Tasks = typeof TASKS;
export type Task = keyof Tasks;
type Argument<T extends Task> = Parameters<Tasks[T]>[0];
type Result<T extends Task> = Awaited<ReturnType<Tasks[T]>>;

/** A task that a process of its own has done. */
export interface Done<T> {
  readonly result: T;
  /** Of the process, its start and end included. */
  readonly seconds: number;
  /** The most memory that it had; undefined where that cannot be read. */
  readonly peakBytes: number | undefined;
}

/** As `npm start` has it. */
const MEMORY = ['--max-semi-space-size=4', '--max-old-space-size=192'];

/** Does a task in a fresh process. @throws Error when it does not get through */
export async function inOwnProcess<T extends Task>(
  bundle: string,
  task: T,
  argument: Argument<T>,
): Promise<Done<Result<T>>> {
  const called = [task, argument].map((value) => JSON.stringify(value)).join(', ');
  const code = `(await import(${JSON.stringify(pathToFileURL(bundle).href)})).doTask(${called})`;
  const started = performance.now();
  const child = spawn(process.execPath, [...MEMORY, '--input-type=module', '--eval', code], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  let done: Omit<Done<Result<T>>, 'seconds'> | undefined;
  child.on('message', (message: Omit<Done<Result<T>>, 'seconds'>) => {
    done = message;
  });
  const [exitCode] = await once(child, 'close');
  if (exitCode !== 0 || !done) throw new Error(`the process that measures ${task} ended with code ${exitCode}`);
  return { ...done, seconds: (performance.now() - started) / 1000 };
}

/** The process's side: does the task, and says what came of it. */
export async function doTask<T extends Task>(task: T, argument: Argument<T>): Promise<void> {
  const work = TASKS[task] as (argument: Argument<T>) => Promise<Result<T>>;
  const result = await work(argument);
  process.send!({ result, peakBytes: ownPeak() });
  process.disconnect();
}
