import { accessSync, constants, statSync } from 'node:fs';
import { type Charset, charsetNamed } from '../../shared/domain/charset';
import { datasets } from '../../shared/domain/dataset';
import { UsageError } from '../command';

/** The charset that --charset names. @throws UsageError */
export function charsetArgument(name: string): Charset {
  const charset = charsetNamed(name);
  if (!charset) throw new UsageError(`--charset: "${name}" is not known`);
  return charset;
}

/** The data set that --dataset names. @throws UsageError */
export function datasetArgument(name: string): string {
  if (!datasets.has(name)) throw new UsageError(`--dataset: there is no data set "${name}"`);
  return name;
}

/** The path of a file that can be read, twice if need be. `option` is what names it, if any. @throws UsageError */
export function fileArgument(path: string, option?: string): string {
  const no = (why: string) => new UsageError(option === undefined ? why : `${option}: ${why}`);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw no(`there is no file ${path}`);
  if (found.isDirectory()) throw no(`${path} is a folder; name a file`);
  if (!found.isFile()) throw no(`${path} is no plain file, which can be read twice; save it to one first`);
  try {
    accessSync(path, constants.R_OK);
  } catch {
    throw no(`${path} may not be read`); // that is all that there is to say
  }
  return path;
}

const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)?$/;

/** The day or moment, in UTC, that --since names; ISO. @throws UsageError */
export function sinceArgument(said: string): string {
  const time = TIME.test(said) ? new Date(said) : undefined;
  // 2026-02-30 is read as a day in March.
  if (!time || Number.isNaN(time.getTime()) || !time.toISOString().startsWith(said.slice(0, 10)))
    throw new UsageError(`--since: "${said}" is no time such as 2026-03-01 or 2026-03-01T12:00:00Z`);
  return time.toISOString();
}

/** The stage that --stage names; local is none that is deployed. @throws UsageError */
export function stageArgument(name: string): string {
  if (!/^[a-z][a-z0-9-]*$/.test(name) || name === 'local')
    throw new UsageError(`--stage: "${name}" is no stage that can be deployed`);
  return name;
}
