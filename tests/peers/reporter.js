const { readFileSync, rmSync, writeFileSync, existsSync } = require('node:fs');
const { basename, join } = require('node:path');

/** A line per check as it ends, and what the peer said of itself left for the table of run.js. */
module.exports = class PeerReporter {
  onTestFileStart({ path }) {
    process.stderr.write(`\n${nameOf(path)}\n`);
  }

  onTestCaseResult(_, { status, title, ancestorTitles, duration, failureMessages }) {
    const mark = { passed: 'ok  ', failed: 'FAIL' }[status] ?? status;
    const seconds = duration == null ? '' : ` (${(duration / 1000).toFixed(1)} s)`;
    process.stderr.write(`  ${mark} ${[...ancestorTitles, title].join(' ')}${seconds}\n`);
    for (const message of failureMessages) process.stderr.write(`${message.replace(/^/gm, '       ')}\n`);
  }

  onTestFileResult({ path }, { testResults, testExecError, failureMessage, perfStats }) {
    const facts = join(process.env.PEERS_RESULTS, `${nameOf(path)}.facts`);
    const { peers = [] } = existsSync(facts) ? JSON.parse(readFileSync(facts, 'utf8')) : {};
    rmSync(facts, { force: true });
    if (testExecError) process.stderr.write(`  FAIL ${failureMessage}\n`);
    const checks = testResults.map(({ fullName, status }) => ({ title: fullName, status }));
    const seconds = (perfStats.end - perfStats.start) / 1000;
    const result = { peers, checks, seconds, broken: testExecError !== undefined };
    writeFileSync(join(process.env.PEERS_RESULTS, `${nameOf(path)}.json`), JSON.stringify(result));
  }
};

const nameOf = (path) => basename(path, '.peer.ts');
