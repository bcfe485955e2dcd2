const { createHash } = require('node:crypto');
const { readdirSync, readFileSync } = require('node:fs');
const { extname, join } = require('node:path');
const { brotliCompressSync, constants } = require('node:zlib');
const { buildSync } = require('esbuild');

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/**
 * The dashboard as it is served: by path its media type, and its bytes compressed with Brotli, in base64. Assets are
 * named by their content, so that they never change; the page names them.
 */
exports.buildDashboard = () => {
  const { outputFiles, metafile } = buildSync({
    absWorkingDir: __dirname,
    entryPoints: ['main.ts', 'page.css'],
    outdir: 'out',
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    legalComments: 'inline', // what chart.js asks of whoever passes it on
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    tsconfig: join(__dirname, 'tsconfig.json'),
  });
  const built = Object.entries(metafile.outputs).map(([path, { entryPoint }]) => ({
    entryPoint,
    name: path.slice('out/'.length),
    bytes: outputFiles.find((file) => file.path === join(__dirname, path)).contents,
  }));
  const page = built
    .filter(({ entryPoint }) => entryPoint)
    .reduce(
      (html, { entryPoint, name }) => html.replace(`"${entryPoint}"`, `"/assets/${name}"`),
      readFileSync(join(__dirname, 'page.html'), 'utf8'),
    );
  return Object.fromEntries([
    ['/', file('.html', Buffer.from(page))],
    ...built.map(({ name, bytes }) => [`/assets/${name}`, file(extname(name), bytes)]),
  ]);
};

const file = (extension, bytes) => ({
  type: TYPES[extension],
  brotli: brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  }).toString('base64'),
});

/** What was built of what: another hash, another dashboard. */
exports.hashOfDashboard = () => {
  const hash = createHash('sha256');
  for (const name of readdirSync(__dirname).sort()) hash.update(name).update(readFileSync(join(__dirname, name)));
  return hash.digest('hex');
};
