// Behind `npm run test:peers`: runs the peers named, or all of them, one after another, and says what they proved.
const { spawn } = require('node:child_process');
const { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { report } = require('./report');

const ROOT = join(__dirname, '..', '..');
const HOME = join(ROOT, '.peers');
/** This run's own: whose processes are running, what came out, and the temporary files of everything it starts. */
const RUN = join(HOME, 'run');
const [RUNNING, RESULTS, TEMPORARY] = ['running', 'results', 'tmp'].map((name) => join(RUN, name));
const OWNER = join(HOME, 'owner');
const SUFFIX = '.peer.ts';

const peers = readdirSync(__dirname)
  .filter((name) => name.endsWith(SUFFIX))
  .map((name) => name.slice(0, -SUFFIX.length));

const USAGE = `Usage: npm run test:peers [-- NAME...]

Tries ecomflow against software that others wrote. NAME is any of ${peers.join(', ')};
by default all of them, one after another.

What a peer needs is installed at its first run, under .peers/ (remove the folder to install anew): from the registries
of npm, PyPI and Maven Central, with Python 3.11 (venv), a JDK 17, Maven and openssl, which have to be on the machine.
So has Debian's Chromium (/usr/bin/chromium), unless root runs this where there is apt-get: then it is installed.
Exit code 0 when every check holds, 1 when one fails, 2 when the call was wrong.`;

async function main(args) {
  if (args.includes('--help') || args.includes('-h')) {
    console.log(USAGE);
    return 0;
  }
  const unknown = args.find((name) => !peers.includes(name));
  if (unknown !== undefined) {
    console.error(`There is no peer "${unknown}". There are ${peers.join(', ')}.\nSee --help.`);
    return 2;
  }
  if (Number(process.versions.node.split('.')[0]) < 24) {
    console.error(`This needs Node 24; this is ${process.versions.node}. npm run test:peers brings its own.`);
    return 1;
  }
  const names = peers.filter((name) => args.length === 0 || args.includes(name));
  const other = takeOver();
  if (other !== undefined) {
    console.error(
      `Process ${other} runs test:peers here already: installations and built stages are shared. Wait for it.`,
    );
    return 1;
  }

  let jest;
  let interrupted = false;
  const stop = (signal) => {
    interrupted = true;
    jest?.kill(signal);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop);
  try {
    // A process for each: nothing of one reaches the next, and its memory is given back.
    for (const name of names) {
      if (interrupted) break;
      jest = start(name);
      await new Promise((done, fail) => jest.once('error', fail).once('close', done));
      stopAll();
    }
    const { text, passed } = report(RESULTS, names);
    console.log(text);
    return passed && !interrupted ? 0 : 1;
  } finally {
    stopAll();
    rmSync(RUN, { recursive: true, force: true });
    rmSync(OWNER, { force: true });
  }
}

/** Makes this run the only one; the process id of another that lives. What a killed run left of files is removed. */
function takeOver() {
  mkdirSync(HOME, { recursive: true });
  try {
    writeFileSync(OWNER, String(process.pid), { flag: 'wx' });
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    const owner = Number(readFileSync(OWNER, 'utf8'));
    if (owner > 0 && isAlive(owner)) return owner;
    writeFileSync(OWNER, String(process.pid));
  }
  // Its processes are not ended: by now their numbers may be others'.
  const left = existsSync(RUNNING) ? readdirSync(RUNNING).filter((group) => isAlive(-Number(group))) : [];
  if (left.length > 0)
    console.error(`A former run was killed. See whether the process groups ${left.join(', ')} are what it started.`);
  rmSync(RUN, { recursive: true, force: true });
  for (const folder of [RUNNING, RESULTS, TEMPORARY]) mkdirSync(folder, { recursive: true });
  return undefined;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function start(name) {
  const jest = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
  const config = join(__dirname, 'jest.config.js');
  const args = [jest, '--config', config, '--runTestsByPath', join(__dirname, `${name}${SUFFIX}`)];
  const env = { ...process.env, PEERS_HOME: HOME, PEERS_RUNNING: RUNNING, PEERS_RESULTS: RESULTS, TMPDIR: TEMPORARY };
  return spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Ends what a peer left running, however it ended itself: a file is named after each process group. */
function stopAll() {
  for (const group of readdirSync(RUNNING)) {
    try {
      process.kill(-Number(group), 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
    rmSync(join(RUNNING, group), { force: true });
  }
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
