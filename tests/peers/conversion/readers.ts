import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { jars, python, pythonEnvironment } from '../support/install';
import { execute } from '../support/processes';
import type { GlueColumn } from './deployed';

/** Records in a folder that become Parquet files in another. */
export interface Task {
  readonly columns: readonly GlueColumn[];
  readonly records: string;
  readonly out: string;
}

/** The SerDes' classes: OpenX's, that Firehose is told to use, and the two that come with Hive. */
const CLASSES = {
  openx: 'org.openx.data.jsonserde.JsonSerDe',
  hcatalog: 'org.apache.hive.hcatalog.data.JsonSerDe',
  hive: 'org.apache.hadoop.hive.serde2.JsonSerDe',
} as const;
export type SerDe = keyof typeof CLASSES;
export const SERDES = Object.keys(CLASSES) as SerDe[];

const MINUTE = 60_000;

/** Converts by Spark's JSON reader, with times as TIMESTAMP_MICROS. Spark's version. */
export async function bySpark(tasks: readonly Task[]): Promise<string> {
  const bin = await python('spark');
  const env: NodeJS.ProcessEnv = { ...pythonEnvironment(), TZ: 'UTC', SPARK_LOCAL_IP: '127.0.0.1' };
  // A Spark that the machine has must not stand in for the one that is pinned, nor lend its settings.
  for (const name of Object.keys(env)) if (/^(SPARK_(HOME|CONF_DIR)$|PYSPARK_)/.test(name)) delete env[name];
  const script = join(__dirname, 'read.py');
  const options = { env, timeout: 3 * MINUTE };
  const { stdout } = await execute(join(bin, 'python'), [script, JSON.stringify(tasks)], options);
  return stdout.trim();
}

/** A task for one of the SerDes. */
export type SerDeTask = Task & { readonly serde: SerDe };

/**
 * Converts by SerDes on a machine whose clock shows `zone`, UTC by default. The number of rows written, by task.
 * @throws what a SerDe threw at the first line that it refused
 */
export type ConvertBy = (tasks: readonly SerDeTask[], zone?: string) => Promise<number[]>;

/** Compiles what drives the SerDes. */
export async function serdes(scratch: string): Promise<{ versions: string; convertBy: ConvertBy }> {
  const libraries = await jars('serde');
  const classes = join(scratch, 'classes');
  const path = `${classes}:${join(libraries, '*')}`;
  mkdirSync(classes, { recursive: true });
  await execute('javac', ['-nowarn', '-cp', path, '-d', classes, join(__dirname, 'Convert.java')]);
  // Hive 3 reaches into java.net, which Java 17 closes.
  const options = ['-Xmx1g', '--add-opens', 'java.base/java.net=ALL-UNNAMED', '-cp', path];

  const shipped = readdirSync(libraries).join('\n');
  const versions = ['json-serde', 'hive-exec'].map(
    (jar) => shipped.match(new RegExp(`^${jar}-(\\d.*)\\.jar$`, 'm'))![1],
  );
  return {
    versions: versions.join(', '),
    async convertBy(tasks, zone = 'UTC') {
      const args = tasks.flatMap(({ serde, columns, records, out }) => {
        mkdirSync(out, { recursive: true });
        const [names, types] = [columns.map(({ Name }) => Name).join(','), columns.map(({ Type }) => Type).join(':')];
        return [CLASSES[serde], names, types, records, join(out, 'rows.parquet')];
      });
      const all = [`-Duser.timezone=${zone}`, ...options, 'Convert', ...args];
      const { stdout } = await execute('java', all, { timeout: 4 * MINUTE });
      return stdout.trim().split('\n').map(Number);
    },
  };
}
