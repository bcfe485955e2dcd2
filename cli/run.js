// Runs a command of cli/: bundles cli/NAME.ts (a moment) and calls its main with the arguments behind the name.
const { rmSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const [name, ...args] = process.argv.slice(2);
const root = join(__dirname, '..');

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(
    `This command needs Node 24; this is ${process.versions.node}. Use npm run ${name}, which brings its own.`,
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
