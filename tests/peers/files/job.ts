import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../../support/processes';
import { python, pythonEnvironment } from '../support/install';
import { execute } from '../support/processes';

/** Runs the Spark job of functions/batch on this machine, with the arguments that Glue was given; paths become addresses. */
export async function runJob(args: Readonly<Record<string, string>>): Promise<void> {
  const bin = await python('spark');
  const options = Object.entries(args).flatMap(([name, value]) => [
    name,
    value.startsWith('/') && existsSync(value) ? pathToFileURL(value).href : value,
  ]);
  await execute(join(bin, 'python'), [join(ROOT, 'functions/batch/job.py'), ...options], {
    env: { ...pythonEnvironment(), SPARK_LOCAL_IP: '127.0.0.1' },
  });
}

/** Every file below a folder, relative to it; not the hidden ones, in which Hadoop keeps checksums. */
export const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
