import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PEERS_HOME } from './peer';
import { execute } from './processes';

/** Declarations of what is installed: python/NAME.txt, java/NAME.xml (a pom), node/NAME/ (package.json and its lock). */
const DECLARED = join(__dirname, '../install');

/** A registry that does not answer must not hold the peers up for ever. */
const INSTALL_MS = 540_000;
/** By version: Maven itself would take the one that it was built with, which differs. */
const MAVEN_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.11.0';

/** This process's environment, without what would have Python take modules or places of the machine. */
export function pythonEnvironment(): NodeJS.ProcessEnv {
  const { PYTHONPATH: _, PYTHONHOME: __, ...env } = process.env;
  return { ...env, PIP_USER: '0' };
}

/** A Python environment with the packages of install/python/NAME.txt, pinned by version and hash. The folder of its programs. */
export async function python(name: string): Promise<string> {
  const requirements = join(DECLARED, 'python', `${name}.txt`);
  const folder = await once('python', name, [requirements], async (into) => {
    const within = { env: pythonEnvironment(), timeout: INSTALL_MS };
    const pip = (...args: string[]) =>
      execute(join(into, 'bin/python'), ['-m', 'pip', '--disable-pip-version-check', '--no-input', ...args], within);
    await execute('python3', ['-m', 'venv', into], within);
    await pip('install', '--quiet', '--no-deps', '--require-hashes', '-r', requirements);
    await pip('check');
  });
  return join(folder, 'bin');
}

/** The jars of install/java/NAME.xml with all that they depend on. The folder that holds them. */
export function jars(name: string): Promise<string> {
  const pom = join(DECLARED, 'java', `${name}.xml`);
  return once('java', name, [pom], (into) => {
    const options = ['--batch-mode', '--quiet', '--strict-checksums', '--file', pom, `-DoutputDirectory=${into}`];
    return execute('mvn', [...options, `${MAVEN_PLUGIN}:copy-dependencies`], { timeout: INSTALL_MS });
  });
}

/** The packages of install/node/NAME/, by its lock file. The folder that holds its node_modules. */
export function packages(name: string): Promise<string> {
  const files = ['package.json', 'package-lock.json'].map((file) => join(DECLARED, 'node', name, file));
  return once('node', name, files, async (into) => {
    mkdirSync(into, { recursive: true });
    for (const file of files) writeFileSync(join(into, file.split('/').at(-1)!), readFileSync(file));
    const options = ['--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts'];
    await execute('npm', ['ci', '--prefix', into, ...options], { timeout: INSTALL_MS });
  });
}

/** Packages of Debian, which only root may install, onto the machine itself. @throws what to do, for who is not root */
export async function debian(...names: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error(`This needs Debian's ${names.join(', ')}: sudo apt-get install them.`);
  process.stderr.write(`  installing ${names.join(', ')} ...\n`);
  const started = Date.now();
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: INSTALL_MS };
  await execute('apt-get', ['update', '--quiet'], options);
  await execute('apt-get', ['install', '--quiet', '--yes', '--no-install-recommends', ...names], options);
  process.stderr.write(`  installed in ${((Date.now() - started) / 1000).toFixed(0)} s\n`);
}

/** Installs into a folder named by what is declared: changed pins install anew. */
async function once(
  kind: string,
  name: string,
  declared: readonly string[],
  install: (into: string) => Promise<unknown>,
): Promise<string> {
  const hash = createHash('sha256');
  for (const file of declared) hash.update(readFileSync(file));
  const folder = join(PEERS_HOME, kind, `${name}-${hash.digest('hex').slice(0, 12)}`);
  const mark = join(folder, '.installed');
  if (existsSync(mark)) return folder;
  process.stderr.write(`  installing ${kind} ${name} ...\n`);
  const started = Date.now();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(PEERS_HOME, kind), { recursive: true });
  await install(folder); // in place: a Python environment cannot be moved
  writeFileSync(mark, ''); // last: a try that was broken off is done again
  process.stderr.write(`  installed in ${((Date.now() - started) / 1000).toFixed(0)} s\n`);
  return folder;
}
