import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** What a rule has against a resource of a template. */
export interface Finding {
  readonly rule: string;
  /** What of the resource it is about; empty where the rule does not say. */
  readonly finding: string;
  /** Logical id. */
  readonly resource: string;
}

interface Line {
  readonly rule: string;
  readonly finding?: string | readonly string[];
  readonly resource: string | readonly string[];
  /** Where it is found; everywhere if nothing is said. */
  readonly stages?: readonly string[];
  readonly why: string;
}

const listOf = (one: string | readonly string[] = ''): readonly string[] => (typeof one === 'string' ? [one] : one);

/** suppressions.yml: its lines, with the findings that each must meet on a stage. */
export function suppressions(stage: string): { readonly why: string; readonly findings: readonly Finding[] }[] {
  const lines = parse(readFileSync(join(__dirname, 'suppressions.yml'), 'utf8')) as Line[];
  return lines
    .filter(({ stages }) => stages === undefined || stages.includes(stage))
    .map(({ rule, finding, resource, why }) => ({
      why,
      findings: listOf(resource).flatMap((id) => listOf(finding).map((one) => ({ rule, finding: one, resource: id }))),
    }));
}
