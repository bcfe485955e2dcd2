import { type Schema, Validator } from '@cfworker/json-schema';
import schema from './contracts/contract.schema.json';

/** A contract as its JSON file has it; `contracts/contract.schema.json` says what each field means. */
export interface Contract {
  readonly name: string;
  readonly version: number;
  readonly grain: string;
  readonly timezone?: string;
  readonly event_time: string;
  readonly columns: readonly Column[];
  readonly reject: readonly Rule[];
  readonly identity: readonly string[];
  readonly claim?: { readonly by: string; readonly customer: string };
}

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly from: readonly string[];
  readonly formats?: readonly TimestampFormat[];
  readonly nullable?: boolean;
  readonly default?: string;
  readonly enum?: readonly string[];
  readonly stripDecimalZeros?: boolean;
  readonly maxLength?: number;
  readonly description: string;
}

export type TimestampFormat =
  | 'M/D/YYYY H:MM'
  | 'M/D/YYYY H:MM:SS'
  | 'YYYY-MM-DD HH:MM:SS'
  | 'YYYY-MM-DD HH:MM:SS UTC'
  | 'ISO 8601';

/** One line of the ordered list of reasons to refuse a row; exactly one predicate each. */
export interface Rule {
  readonly reason: string;
  readonly column: string;
  readonly startsWith?: string;
  readonly matches?: string;
  readonly lessThan?: number;
  readonly lessThanOrEqual?: number;
  readonly notIn?: 'enum' | readonly string[];
}

/** A contract that contradicts its schema or itself. Thrown while loading, never because of a row. */
export class ContractError extends Error {
  override readonly name = 'ContractError';
}

const shape = new Validator(schema as Schema, '2020-12', false);

/**
 * Checks a parsed JSON document against the contract schema and against itself.
 * @throws ContractError naming every fault found
 */
export function readContract(document: unknown): Contract {
  const { valid, errors } = shape.validate(document);
  if (!valid) {
    // What contains a fault is reported too: "Property ... does not match schema".
    const faults = errors.filter((fault) => !fault.error.includes('does not match schema'));
    throw new ContractError(faults.map((e) => `${e.instanceLocation}: ${e.error}`).join('\n'));
  }
  const contract = document as Contract;
  const faults = contradictions(contract);
  if (faults.length > 0) throw new ContractError(`${contract.name}: ${faults.join('; ')}`);
  return contract;
}

function contradictions(contract: Contract): string[] {
  const faults: string[] = [];
  const columns = new Map<string, Column>();
  const spellings = new Map<string, string>();
  for (const column of contract.columns) {
    if (columns.has(column.name)) faults.push(`column ${column.name} stands twice`);
    columns.set(column.name, column);
    for (const spelling of new Set([column.name, ...column.from].map(normalizeHeader))) {
      const other = spellings.get(spelling);
      if (other) faults.push(`header "${spelling}" could be ${other} or ${column.name}`);
      spellings.set(spelling, column.name);
    }
    if (column.type.startsWith('decimal')) {
      const { precision, scale } = decimalShape(column.type);
      if (scale > precision) faults.push(`${column.name}: scale over precision`);
    }
    if (column.enum && !contract.reject.some((rule) => rule.column === column.name && rule.notIn === 'enum')) {
      faults.push(`${column.name} has an enum that no rule keeps (notIn: enum)`);
    }
  }
  for (const name of contract.claim ? [contract.claim.by, contract.claim.customer] : []) {
    if (columns.get(name)?.nullable) faults.push(`${name} may be empty and cannot be claimed by`);
  }
  for (const name of [...contract.identity, ...(contract.claim ? [contract.claim.by, contract.claim.customer] : [])]) {
    if (!columns.has(name)) faults.push(`there is no column ${name}`);
  }
  if (columns.get(contract.event_time)?.type !== 'timestamp') faults.push('event_time is not a timestamp column');
  if (contract.timezone !== undefined && !isZone(contract.timezone))
    faults.push(`there is no zone ${contract.timezone}`);
  for (const rule of contract.reject) {
    const column = columns.get(rule.column);
    const numeric = rule.lessThan !== undefined || rule.lessThanOrEqual !== undefined;
    if (!column) faults.push(`rule ${rule.reason} names no column`);
    else if (numeric !== (column.type === 'int' || column.type.startsWith('decimal'))) {
      faults.push(`rule ${rule.reason} does not fit type ${column.type}`);
    } else if (rule.notIn === 'enum' && !column.enum) faults.push(`rule ${rule.reason}: the column has no enum`);
  }
  for (const column of contract.columns) {
    if (!contract.identity.includes(column.name) && !column.nullable) {
      faults.push(`${column.name} came after the first version and is not nullable`);
    }
  }
  return faults;
}

function isZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone });
    return true;
  } catch {
    return false;
  }
}

/** Header spellings are compared without case, space and underscore. */
export function normalizeHeader(text: string): string {
  return text.replace(/[\s_]+/g, '').toLowerCase();
}

/** `decimal(12,4)` has at most 12 digits, 4 of them behind the point. */
export function decimalShape(type: string): { precision: number; scale: number } {
  const [precision, scale] = type.slice('decimal('.length, -1).split(',').map(Number);
  return { precision: precision!, scale: scale! };
}
