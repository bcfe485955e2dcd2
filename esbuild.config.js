const { execFileSync } = require('node:child_process');
const { mkdirSync, renameSync } = require('node:fs');
const { isBuiltin } = require('node:module');
const { basename, dirname, join } = require('node:path');
const { buildDashboard } = require('./dashboard/build');
const { version } = require('./package.json');

/**
 * How a function becomes one file. serverless-esbuild calls this with osls's instance; anything that has
 * `service.provider.stage` will do. While offline starts, the stage of the command line is not there yet.
 */
module.exports = ({ service, processedInput }) => {
  const stage = processedInput?.options.stage ?? service.provider.stage;
  const local = stage === 'local';
  return {
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    outputFileExtension: '.mjs',
    mainFields: ['module', 'main'],
    // What stands behind `#adapters`: on stage local the embedded default, in everything that is deployed AWS.
    // `module` is esbuild's own as long as none are given; without it the SDK comes as CommonJS, a quarter larger and
    // in want of a require that an ES module has not.
    conditions: local ? ['local', 'module'] : ['module'],
    // The AWS SDK comes along: the runtime's own is one that no test has seen.
    exclude: [],
    define: {
      'process.env.ECOMFLOW_VERSION': JSON.stringify(version),
      'process.env.ECOMFLOW_COMMIT': JSON.stringify(commit()),
    },
    loader: { '.sql': 'text' },
    minify: !local,
    sourcemap: local ? false : 'external',
    plugins: [
      builtinsOfNode(),
      dashboard(),
      mapsTo(join(__dirname, '.build', 'maps', stage)),
      ...(local ? [leave(/^@duckdb\//)] : []),
    ],
    concurrency: 2,
    watch: { pattern: ['functions/**/*.ts', 'shared/**/*.{ts,json,sql}', 'dashboard/*'], ignore: [] },
    // Beside the folder that a package of another stage is being made in.
    outputWorkFolder: join('.esbuild', stage),
  };
};

/** The commit that is built; `unknown` outside a checkout. */
function commit() {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: __dirname, stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return 'unknown';
  }
}

/** Who imports the dashboard's page gets the dashboard, built. */
function dashboard() {
  return {
    name: 'dashboard',
    setup: (build) =>
      build.onLoad({ filter: /[\\/]dashboard[\\/]page\.html$/ }, () => ({
        contents: JSON.stringify(buildDashboard()),
        loader: 'json',
      })),
  };
}

/** Leaves packages to be found where they are installed: what has native parts cannot be bundled. */
function leave(filter) {
  return { name: 'leave', setup: (build) => build.onResolve({ filter }, ({ path }) => ({ path, external: true })) };
}

/**
 * What CommonJS packages (pg) require of Node. In an ES module there is no require, and esbuild would put one in its
 * place that throws. pg's native twin, which nobody installs, is asked for and not found.
 */
function builtinsOfNode() {
  const contents = {
    builtin: (name) => `module.exports = process.getBuiltinModule('node:${name}');`,
    absent: (name) => `throw Object.assign(new Error('there is no ${name}'), { code: 'MODULE_NOT_FOUND' });`,
  };
  return {
    name: 'builtins-of-node',
    setup(build) {
      build.onResolve({ filter: /^[\w:/-]+$/ }, ({ kind, path, namespace }) => {
        if (kind !== 'require-call' || namespace !== 'file') return undefined;
        if (path === 'pg-native') return { path, namespace: 'absent' };
        return isBuiltin(path) ? { path: path.replace(/^node:/, ''), namespace: 'builtin' } : undefined;
      });
      for (const [namespace, content] of Object.entries(contents))
        build.onLoad({ filter: /.*/, namespace }, ({ path }) => ({ contents: content(path) }));
    },
  };
}

/** Takes source maps out of the way of the zip, which they would double: they are found as `folder/<function>.mjs.map`. */
function mapsTo(folder) {
  return {
    name: 'maps-to',
    setup(build) {
      build.initialOptions.metafile = true;
      build.onEnd(({ metafile }) => {
        for (const file of Object.keys(metafile?.outputs ?? {}).filter((name) => name.endsWith('.map'))) {
          mkdirSync(folder, { recursive: true });
          renameSync(file, join(folder, `${basename(dirname(file))}.mjs.map`));
        }
      });
    },
  };
}
