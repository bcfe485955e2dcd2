import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';

const ROOT = resolve(__dirname, '..');

/** Every TypeScript file below a room, relative to the repository. */
const filesOf = (room: string): string[] =>
  readdirSync(join(ROOT, room), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));

const source = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** What a file imports: paths within the repository relative to it, packages by name. */
function importsOf(file: string): string[] {
  const statement = /^(?:import|export)\s(?:type\s)?(?:[\w*\s{},]+from\s)?'([^']+)';|\bimport\('([^']+)'\)/gm;
  const found = [...source(file).matchAll(statement)].map(([, name, late]) => (name ?? late)!);
  return found.map((name) => (name.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(file), name)) : name));
}

/** The rooms that each room may look into, itself included. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'shared/domain': ['shared/domain'],
  'shared/pipeline': ['shared/pipeline', 'shared/domain'],
  'shared/adapters/aws': ['shared/adapters/aws', 'shared/pipeline/ports', 'shared/domain'],
  'shared/adapters/local': ['shared/adapters/local', 'shared/pipeline/ports', 'shared/domain'],
  'shared/adapters/lambda': ['shared/adapters/lambda', 'shared/pipeline', 'shared/domain'],
  functions: ['functions', 'shared/adapters/lambda', 'shared/pipeline', 'shared/domain', 'dashboard/page.html'],
  dashboard: ['dashboard'],
  cli: ['cli', 'functions', 'shared'],
};

const within = (path: string, room: string) => path === room || path.startsWith(`${room}/`);
const isOurs = (name: string) => /^(shared|functions|cli|dashboard|tests|resources)\//.test(name);

describe('the rooms', () => {
  it.each(Object.entries(MAY_IMPORT))('%s imports only what it may', (room, allowed) => {
    const strays = filesOf(room).flatMap((file) =>
      importsOf(file)
        .filter((name) => isOurs(name) && !allowed.some((other) => within(name, other)))
        .map((name) => `${file} imports ${name}`),
    );
    expect(strays).toEqual([]);
  });

  it('keep the domain pure: of Node only bytes and arithmetic, no clock, no environment, no output', () => {
    const pure = [
      'node:crypto',
      'node:zlib',
      'node:buffer',
      '@cfworker/json-schema',
      'hyparquet-writer/src/write.js',
      'hyparquet/src/metadata.js',
      'hyparquet/src/read.js',
    ];
    const strays = filesOf('shared/domain').flatMap((file) => [
      ...importsOf(file)
        .filter((name) => !isOurs(name) && !pure.includes(name))
        .map((name) => `${file} imports ${name}`),
      ...[/\bDate\.now\(|new Date\(\)/, /\bprocess\./, /\bconsole\./, /Math\.random/, /\bfetch\(/]
        .filter((impure) => impure.test(source(file)))
        .map((impure) => `${file} has ${impure}`),
    ]);
    expect(strays).toEqual([]);
  });

  it('keep the pipeline free of vendors: ports are all that it knows of the world', () => {
    const strays = filesOf('shared/pipeline').flatMap((file) =>
      importsOf(file)
        .filter((name) => !isOurs(name))
        .map((name) => `${file} imports ${name}`),
    );
    expect(strays).toEqual([]);
  });

  it('know the AWS SDK in one place only', () => {
    const strays = ['functions', 'shared', 'cli']
      .flatMap(filesOf)
      .filter(
        (file) => !['shared/adapters/aws', 'cli/bench', 'cli/nightly', 'cli/smoke'].some((room) => within(file, room)),
      )
      .filter((file) => importsOf(file).some((name) => name.startsWith('@aws-sdk/') || name.startsWith('@smithy/')));
    expect(strays).toEqual([]);
  });

  it('let nothing that the dashboard shows be taken for markup or code, and bring it one library', () => {
    const strays = filesOf('dashboard').flatMap((file) => [
      ...importsOf(file)
        .filter((name) => !isOurs(name) && name !== 'chart.js')
        .map((name) => `${file} imports ${name}`),
      ...[/inner(HTML|Text)|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|'style'/]
        .filter((markup) => markup.test(source(file)))
        .map((markup) => `${file} has ${markup}`),
    ]);
    expect(strays).toEqual([]);
  });

  it('let no function import another', () => {
    const strays = filesOf('functions').flatMap((file) => {
      const own = file.split('/').slice(0, 2).join('/');
      return importsOf(file).filter((name) => within(name, 'functions') && !within(name, own));
    });
    expect(strays).toEqual([]);
  });

  it('bring no local code and no tool into a function, but through #adapters', () => {
    const tools = Object.keys(JSON.parse(source('package.json')).devDependencies as Record<string, string>);
    const rooms = ['functions', 'shared/domain', 'shared/pipeline', 'shared/adapters/aws', 'shared/adapters/lambda'];
    const strays = rooms.flatMap(filesOf).flatMap((file) =>
      importsOf(file)
        .filter((name) => !isOurs(name) && !name.startsWith('node:') && name !== '#adapters')
        .filter((name) => tools.some((tool) => within(name, tool)) || builtinModules.includes(name))
        .map((name) => `${file} imports ${name}`),
    );
    // Types only, erased when it is built.
    expect(strays.filter((stray) => !stray.endsWith('aws-lambda'))).toEqual([]);
  });

  it('keep entry points to wiring', () => {
    const long = filesOf('functions').filter((file) => source(file).split('\n').length > 50);
    expect(long).toEqual([]);
  });

  it('ask nowhere which stage this is', () => {
    const asking = ['functions', 'shared']
      .flatMap(filesOf)
      .filter((file) => /isLocal|stage\s*===|STAGE\b/.test(source(file)));
    expect(asking).toEqual([]);
  });
});
