// Runs a command of cli/: bundles cli/NAME.ts (a moment) and calls its main with the arguments behind the name.
const { readdirSync, readFileSync, rmSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const [name, ...args] = process.argv.slice(2);
const root = join(__dirname, '..');

/** What can be run: the files beside this one that have a main. */
const commands = readdirSync(__dirname)
  .filter((file) => file.endsWith('.ts') && /^export const main\b/m.test(readFileSync(join(__dirname, file), 'utf8')))
  .map((file) => file.slice(0, -'.ts'.length));
if (!commands.includes(name)) {
  const wrong = name === undefined ? 'Name a command' : `There is no command "${name}"`;
  console.error(`${wrong}: ${commands.join(', ')}.`);
  process.exit(2);
}

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(
    `This command needs Node 24; this is ${process.versions.node}. Use ${name === 'dev' ? 'npm start' : `npm run ${name}`}, which brings its own.`,
  );
  process.exit(1);
}

async function run() {
  const { build, stop } = require('esbuild');
  const outfile = join(root, '.build', 'cli', `${name}-${process.pid}.mjs`); // of its own: several may run at once
  const { define, banner } = require('../esbuild.config.js')({ service: { provider: { stage: 'local' } } });
  await build({
    entryPoints: [join(root, 'cli', `${name}.ts`)],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node24',
    format: 'esm',
    conditions: ['local'],
    loader: { '.sql': 'text' },
    define: { ...define, 'process.env.ECOMFLOW_ROOT': JSON.stringify(root) },
    banner,
    logLevel: 'warning',
    sourcemap: 'inline',
  });
  await stop();
  process.setSourceMapsEnabled(true);
  const { main } = await import(pathToFileURL(outfile).href);
  rmSync(outfile);
  process.exitCode = await main(args);
}

run().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
