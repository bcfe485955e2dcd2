import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { inflateRawSync } from 'node:zlib';
import { VARIABLES, type Variable } from '../../shared/adapters/aws/config';
import { median, number, type Report } from './report';

const run = promisify(execFile);
const RUNS = 9;
const KB = 1024;
/** Prints how long importing a module takes, in milliseconds. */
const IMPORT = 'const t = performance.now(); await import(process.argv[1]); console.log(performance.now() - t);';

/** Each function's zip as it would be deployed, and how long a fresh process takes to load it. */
export async function bundles(root: string, scratch: string): Promise<Report> {
  const folder = join(scratch, 'package');
  await pack(root, folder);
  const zips = readdirSync(join(folder, '.serverless')).filter((name) => name.endsWith('.zip'));
  const found = [];
  for (const name of zips.sort()) {
    const zip = readFileSync(join(folder, '.serverless', name));
    const module = join(scratch, name.replace('.zip', '.mjs'));
    const code = onlyFile(zip);
    writeFileSync(module, code);
    console.error(`bundles: ${basename(name, '.zip')}`);
    found.push({
      name: basename(name, '.zip'),
      zip: zip.length,
      code: code.length,
      milliseconds: await imports(module),
    });
  }
  return {
    title: 'Bundles',
    limits: [
      {
        what: 'largest zip',
        measured: Math.max(...found.map(({ zip }) => zip)) / KB,
        unit: 'KB',
        bound: 'at most',
        limit: 250,
      },
    ],
    tables: [
      {
        title: 'Functions of stage dev',
        head: ['function', 'zip (KB)', 'unpacked (KB)', `import, median of ${RUNS} (ms)`, 'slowest (ms)'],
        rows: found.map(({ name, zip, code, milliseconds }) => [
          name,
          number(zip / KB),
          number(code / KB),
          number(median(milliseconds)),
          number(Math.max(...milliseconds)),
        ]),
      },
    ],
    notes: [
      'Import is loading the module in a fresh Node process on this machine, configuration included: what a cold start does before the first event, without starting Node itself. Nothing is called.',
    ],
    figures: { functions: found.map((each) => ({ ...each, import_ms: median(each.milliseconds) })) },
  };
}

/** `sls package` in a folder of its own, so that the repository stays as it is. Needs no credentials. */
async function pack(root: string, folder: string): Promise<void> {
  mkdirSync(folder);
  for (const room of ['functions', 'shared', 'dashboard', 'node_modules'])
    symlinkSync(join(root, room), join(folder, room));
  for (const file of ['resources', 'serverless.yml', 'esbuild.config.js', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, file), join(folder, file), { recursive: true });
  }
  const sls = join(root, 'node_modules/serverless/bin/serverless.js');
  await run(process.execPath, [sls, 'package', '--stage', 'dev', '--region', 'us-east-1'], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, AWS_EC2_METADATA_DISABLED: 'true', SLS_TELEMETRY_DISABLED: '1' },
  });
}

/** Something in every variable that a function may need. */
function dummies(): Record<string, string> {
  const names = Object.entries<Variable>(VARIABLES).filter(([name]) => name !== 'AWS_ENDPOINT_URL');
  const values = Object.fromEntries(names.map(([name, { values }]) => [name, values?.[0] ?? 'dummy']));
  return { ...values, USER_POOL_ID: 'us-east-1_dummy', SIGN_IN_URL: 'https://dummy.example', AWS_REGION: 'us-east-1' };
}

async function imports(module: string): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n <= RUNS; n++) {
    const args = ['--input-type=module', '--eval', IMPORT, pathToFileURL(module).href];
    const { stdout } = await run(process.execPath, args, { env: { PATH: process.env.PATH, ...dummies() } });
    if (n > 0) times.push(Number(stdout)); // the first brings the file into the page cache
  }
  return times;
}

/** The one file of a zip, by its central directory (APPNOTE 4.3.12 and 4.3.16). */
function onlyFile(zip: Buffer): Buffer {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (zip.readUInt16LE(end + 10) !== 1) throw new Error('a function has more than one file');
  const entry = zip.readUInt32LE(end + 16);
  const local = zip.readUInt32LE(entry + 42);
  const data = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const bytes = zip.subarray(data, data + zip.readUInt32LE(entry + 20));
  return zip.readUInt16LE(entry + 10) === 0 ? bytes : inflateRawSync(bytes);
}
