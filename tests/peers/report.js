const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

/** What the peers proved, as text for people: peer, version, checks, figures, what it cannot prove. */
exports.report = (results, names) => {
  const lines = ['', '== Peers =='];
  let passed = true;
  for (const name of names) {
    const file = join(results, `${name}.json`);
    if (!existsSync(file)) {
      lines.push('', `${name}: did not run to its end`);
      passed = false;
      continue;
    }
    const { peers, checks, seconds, broken } = JSON.parse(readFileSync(file, 'utf8'));
    const held = checks.filter(({ status }) => status === 'passed').length;
    const whole = !broken && held > 0 && held === checks.length;
    if (!whole) passed = false;
    lines.push('', `${name}: ${held} of ${checks.length} checks hold, ${seconds.toFixed(0)} s`);
    for (const peer of peers) {
      lines.push(`  ${peer.name} ${peer.version}`);
      for (const proof of peer.proves) lines.push(`    ${whole ? 'proves       ' : 'NOT PROVEN   '} ${proof}`);
      for (const [what, value] of Object.entries(peer.figures)) lines.push(`    measured      ${what}: ${value}`);
      for (const gap of peer.cannot) lines.push(`    cannot prove  ${gap}`);
    }
    for (const { title, status } of checks)
      if (status !== 'passed') lines.push(`    ${status.toUpperCase()}  ${title}`);
  }
  return { text: lines.join('\n'), passed };
};
