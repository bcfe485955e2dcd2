import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What schemathesis writes down of a run (--report ndjson), as far as it is read here. */
interface Event {
  readonly NonFatalError?: { readonly label: string; readonly value: { readonly message: string } };
  readonly ScenarioFinished?: {
    readonly recorder: {
      readonly cases?: Record<string, { readonly value: { readonly method: string; readonly path: string } }>;
      readonly interactions?: Record<
        string,
        { readonly response?: { readonly status_code: number; readonly content?: { readonly $base64: string } } }
      >;
      readonly checks?: Record<string, readonly { readonly name: string; readonly status: string }[]>;
    };
  };
}

/** What became of the cases of one operation. */
export interface Fuzzed {
  readonly cases: number;
  /** How often each status was answered. */
  readonly statuses: ReadonlyMap<number, number>;
}

export interface FuzzReport {
  /** By `GET /v1/batches/{batch_id}`; also methods that the API does not have. */
  readonly operations: ReadonlyMap<string, Fuzzed>;
  /** How often each check was made, and how often it failed. */
  readonly checks: ReadonlyMap<string, { readonly made: number; readonly failed: number }>;
  /** What schemathesis could not do. */
  readonly errors: readonly string[];
  /** Ids of the batches that were accepted. */
  readonly accepted: ReadonlySet<string>;
}

/** Reads the one report in a folder. */
export async function readReport(folder: string): Promise<FuzzReport> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.ndjson'));
  if (files.length !== 1) throw new Error(`${folder} has ${files.length} reports`);
  const operations = new Map<string, { cases: number; statuses: Map<number, number> }>();
  const checks = new Map<string, { made: number; failed: number }>();
  const errors: string[] = [];
  const accepted = new Set<string>();
  for await (const line of createInterface({ input: createReadStream(join(folder, files[0]!)) })) {
    const { NonFatalError: error, ScenarioFinished: scenario } = JSON.parse(line) as Event;
    if (error) errors.push(`${error.label}: ${error.value.message}`);
    const { cases = {}, interactions = {}, checks: made = {} } = scenario?.recorder ?? {};
    for (const [id, { value }] of Object.entries(cases)) {
      const operation = `${value.method} ${value.path}`;
      const counts = operations.get(operation) ?? { cases: 0, statuses: new Map<number, number>() };
      operations.set(operation, counts);
      const response = interactions[id]?.response;
      if (!response) continue; // made and not sent
      counts.cases++;
      counts.statuses.set(response.status_code, (counts.statuses.get(response.status_code) ?? 0) + 1);
      if (response.status_code === 202) accepted.add(batchOf(response.content!.$base64));
    }
    for (const { name, status } of Object.values(made).flat()) {
      const { made = 0, failed = 0 } = checks.get(name) ?? {};
      checks.set(name, { made: made + 1, failed: failed + (status === 'success' ? 0 : 1) });
    }
  }
  return { operations, checks, errors, accepted };
}

const batchOf = (base64: string): string =>
  (JSON.parse(Buffer.from(base64, 'base64').toString()) as { batch_id: string }).batch_id;
