import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { python, pythonEnvironment } from '../support/install';

/** A statement, and how it is spelled. */
export interface Statement {
  readonly dialect: 'athena' | 'trino' | 'duckdb';
  readonly sql: string;
}

/** What sqlglot makes of it. */
export interface Parsed {
  readonly refused?: string;
  /** As select, merge; `command` where sqlglot knows no more than the first word. */
  readonly kind?: string;
  /** Functions that it has no name for. */
  readonly unknown?: readonly string[];
}

export async function parsed(statements: readonly Statement[]): Promise<{ version: string; parsed: Parsed[] }> {
  const program = join(await python('sqlglot'), 'python');
  const { status, stdout, stderr } = spawnSync(program, [join(__dirname, 'parse.py')], {
    env: pythonEnvironment(),
    input: JSON.stringify(statements),
    encoding: 'utf8',
    timeout: 120_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`sqlglot ended with ${status}:\n${stderr.slice(-4000)}`);
  return JSON.parse(stdout);
}
