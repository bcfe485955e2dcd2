// Behind `npm run soak`: bundles soak.ts (a moment) and calls its main with the arguments.
const { rmSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..', '..');

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`This needs Node 24; this is ${process.versions.node}. npm run soak brings its own.`);
  process.exit(1);
}

async function run() {
  const { build, stop } = require('esbuild');
  const outfile = join(root, '.build', 'soak', `soak-${process.pid}.cjs`);
  await build({
    entryPoints: [join(__dirname, 'soak.ts')],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    conditions: ['local'],
    loader: { '.sql': 'text' },
    // What the modules of tests/support find the repository's root by; they are as deep in it as this folder.
    define: { __dirname: JSON.stringify(__dirname) },
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  await stop();
  process.setSourceMapsEnabled(true);
  const { main } = require(outfile);
  rmSync(outfile);
  process.exitCode = await main(process.argv.slice(2));
}

run().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
