import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { inflateRawSync } from 'node:zlib';

export const ROOT = resolve(__dirname, '../..');
const SLS = join(ROOT, 'node_modules/serverless/bin/serverless.js');
const WORK = join(ROOT, '.build/package');

// biome-ignore lint/suspicious/noExplicitAny: a template has any shape
export type Json = any;

export interface Resource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Properties: Json;
}

/** A packaged stage. */
export interface Package {
  readonly folder: string;
  readonly template: {
    readonly Resources: Record<string, Resource>;
    readonly Outputs: Record<string, { Value: Json }>;
  };
}

/** Runs the framework without credentials: nothing of the caller's environment but the way to programs. */
export async function sls(args: readonly string[], cwd = ROOT) {
  const temporary = join(cwd === ROOT ? WORK : cwd, 'tmp'); // it leaves each zip there
  mkdirSync(temporary, { recursive: true });
  const env = { PATH: process.env.PATH, HOME: WORK, TMPDIR: temporary, AWS_EC2_METADATA_DISABLED: 'true' };
  return promisify(execFile)(process.execPath, [SLS, ...args], { cwd, env });
}

/**
 * Packages a stage in a folder of its own, so that several can be made at a time. `edit` changes the stage file that
 * the package is made from, which is a copy.
 */
export async function packaged(stage: string, name = stage, edit = (values: string) => values): Promise<Package> {
  const folder = join(WORK, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const room of ['functions', 'shared', 'dashboard', 'node_modules'])
    symlinkSync(join(ROOT, room), join(folder, room));
  for (const file of ['resources', 'serverless.yml', 'esbuild.config.js', 'package.json']) {
    cpSync(join(ROOT, file), join(folder, file), { recursive: true });
  }
  const values = join(folder, `resources/stages/${stage}.yml`);
  writeFileSync(values, edit(readFileSync(values, 'utf8')));
  await sls(['package', '--stage', stage, '--region', 'eu-central-1'], folder);
  return { folder, template: JSON.parse(readFileSync(templateOf(folder), 'utf8')) };
}

export const templateOf = (folder: string) => join(folder, '.serverless/cloudformation-template-update-stack.json');

/** Resources of a type by logical id. */
export const ofType = ({ template }: Package, type: string) =>
  Object.entries(template.Resources).filter(([, { Type }]) => Type === type);

/** The source map of a function's bundle. */
export const mapOf = (
  { folder }: Package,
  stage: string,
  name: string,
): { sources: string[]; sourcesContent: string[] } =>
  JSON.parse(readFileSync(join(folder, `.build/maps/${stage}/${name}.mjs.map`), 'utf8'));

/** A function's zip: its size in bytes, and the files in it. */
export function zipOf({ folder }: Package, name: string): { size: number; files: Map<string, Buffer> } {
  const zip = readFileSync(join(folder, `.serverless/${name}.zip`));
  const files = new Map<string, Buffer>();
  // The central directory, by its end record (APPNOTE 4.3.16): entries at 16, their number at 10.
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  let at = zip.readUInt32LE(end + 16);
  for (let n = zip.readUInt16LE(end + 10); n > 0; n--) {
    const length = zip.readUInt16LE(at + 28);
    const file = zip.subarray(at + 46, at + 46 + length).toString();
    const local = zip.readUInt32LE(at + 42);
    const data = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const packed = zip.subarray(data, data + zip.readUInt32LE(at + 20));
    files.set(file, zip.readUInt16LE(at + 10) === 0 ? packed : inflateRawSync(packed));
    at += 46 + length + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return { size: zip.length, files };
}
