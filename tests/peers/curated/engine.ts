import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { QueryAnswer } from '../../../shared/pipeline/ports';
import { jars, python, pythonEnvironment } from '../support/install';
import { execute } from '../support/processes';

/** An engine in a process of its own, which is asked one statement after another. */
export interface Asked {
  /** @throws with what the engine says against the statement, or when it ends */
  ask(schema: string, sql: string): Promise<QueryAnswer>;
  stop(): Promise<void>;
}

/** No statement of these checks takes longer. */
const ANSWER_MS = 180_000;

/** Starts a program that says a line when it is ready, and answers a line with a line. */
async function asked(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Asked> {
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const mark = process.env.PEERS_RUNNING === undefined ? undefined : join(process.env.PEERS_RUNNING, `${child.pid}`);
  if (mark !== undefined) writeFileSync(mark, '');
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-20_000)));
  child.stdin.on('error', () => undefined); // that it ended is told below
  const ended = new Promise<void>((done) => child.once('close', () => done()).once('error', () => done()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  const answer = async (what: string): Promise<QueryAnswer> => {
    let late: NodeJS.Timeout | undefined;
    const never = new Promise<'late'>((done) => {
      late = setTimeout(() => done('late'), ANSWER_MS);
    });
    const line = await Promise.race([lines.next(), never]);
    clearTimeout(late);
    if (line === 'late' || line.done)
      throw new Error(`${program} ${line === 'late' ? 'does not answer' : 'has ended'}: ${what}\n${said}`);
    const { error, ...rows } = JSON.parse(line.value) as QueryAnswer & { readonly error?: string };
    if (error !== undefined) throw new Error(error);
    return rows;
  };
  await answer('it is not ready');
  return {
    ask(schema, sql) {
      child.stdin.write(`${JSON.stringify({ schema, sql })}\n`);
      return answer(sql);
    },
    async stop() {
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
      await ended;
      if (mark !== undefined) rmSync(mark, { force: true });
    },
  };
}

/** Trino with Hive's and Iceberg's connectors, its tables in a folder. */
export async function trino(work: string): Promise<Asked> {
  const libraries = await jars('trino');
  const [classes, tables] = ['classes', 'trino'].map((name) => join(work, name)) as [string, string];
  for (const folder of [classes, tables]) mkdirSync(folder, { recursive: true });
  const path = `${classes}:${join(libraries, '*')}`;
  await execute('javac', ['-nowarn', '-cp', path, '-d', classes, join(__dirname, 'Trino.java')]);
  const options = ['-Xmx1500m', '-XX:+UseSerialGC', '-Duser.timezone=UTC', '-cp', path];
  return asked('java', [...options, 'Trino', tables], process.env);
}

/** Spark with Iceberg's tables in a folder. */
export async function spark(work: string): Promise<Asked> {
  const [bin, libraries] = [await python('spark'), await jars('iceberg')];
  const env: NodeJS.ProcessEnv = { ...pythonEnvironment(), TZ: 'UTC', SPARK_LOCAL_IP: '127.0.0.1' };
  for (const name of Object.keys(env)) if (/^(SPARK_(HOME|CONF_DIR)$|PYSPARK_)/.test(name)) delete env[name];
  const folder = mkdtempSync(join(work, 'spark-'));
  return asked(join(bin, 'python'), [join(__dirname, 'spark.py'), folder, libraries], env);
}
