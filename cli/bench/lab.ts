import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import type { Run } from './subjects';

/** Runs of each subject by name, in order: the n-th runs of all subjects were made one after the other. */
export type Runs = ReadonlyMap<string, readonly Run[]>;

/**
 * Measures subjects against each other: each in a process of its own that keeps its input in memory, one at a time,
 * turn by turn, so that a machine that others use too is unfair to all alike. The first turn warms up and is dropped.
 */
export async function compare(
  bundle: string,
  path: string,
  subjects: readonly string[],
  rounds: number,
): Promise<Runs> {
  const children = new Map<string, ChildProcess>();
  const runs = new Map<string, Run[]>(subjects.map((name) => [name, []]));
  try {
    for (const name of subjects) children.set(name, await start(bundle, name, path));
    for (let round = 0; round <= rounds; round++) {
      for (const name of subjects) {
        const run = await turn(children.get(name)!, name);
        if (round > 0) runs.get(name)!.push(run);
      }
      console.error(round === 0 ? 'core: warm' : `core: round ${round} of ${rounds}`);
    }
  } finally {
    for (const child of children.values()) child.kill();
  }
  return runs;
}

async function start(bundle: string, name: string, path: string): Promise<ChildProcess> {
  const code = `(await import(${JSON.stringify(pathToFileURL(bundle).href)})).serveSubject(${JSON.stringify(name)}, ${JSON.stringify(path)})`;
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '--eval', code], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await answer(child, name);
  return child;
}

async function turn(child: ChildProcess, name: string): Promise<Run> {
  child.send('run');
  return (await answer(child, name)) as Run;
}

async function answer(child: ChildProcess, name: string): Promise<unknown> {
  const died = once(child, 'exit').then(([code]) => {
    throw new Error(`the process that measures "${name}" ended with code ${code}`);
  });
  died.catch(() => undefined); // it ends at last
  const [message] = await Promise.race([once(child, 'message'), died]);
  return message;
}
