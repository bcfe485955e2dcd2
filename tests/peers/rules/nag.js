/*
 * Runs cdk-nag's AwsSolutions pack over templates and prints, as JSON, what it judged and what it found. Runs in the
 * folder that cdk-nag is installed in:  node nag.js SCRATCH TEMPLATE...
 * SCRATCH is a folder for what CDK writes.
 */
const { createRequire } = require('node:module');
const { join } = require('node:path');

const installed = createRequire(join(process.cwd(), 'package.json'));
const { App, Aspects, Stack } = installed('aws-cdk-lib');
const { CfnInclude } = installed('aws-cdk-lib/cloudformation-include');
const { AwsSolutionsChecks } = installed('cdk-nag');

/** Keeps what the rules say instead of printing it. */
class Notes {
  visited = new Set(); // logical ids
  judged = new Set(); // types that some rule has something to say of
  findings = [];
  errors = [];
  at({ resource }) {
    this.visited.add(logicalIdOf(resource));
  }
  onNotApplicable(data) {
    this.at(data);
  }
  onCompliance(data) {
    this.at(data);
    this.judged.add(data.resource.cfnResourceType);
  }
  onNonCompliance(data) {
    this.onCompliance(data);
    const { ruleId, ruleInfo, findingId, resource } = data;
    this.findings.push({ rule: ruleId, finding: findingId, resource: logicalIdOf(resource), info: ruleInfo });
  }
  onError(data) {
    this.at(data);
    this.errors.push({ rule: data.ruleId, resource: logicalIdOf(data.resource), message: data.errorMessage });
  }
  // Nothing is suppressed here: the peer has a list of its own.
  onSuppressed(data) {
    this.onNonCompliance(data);
  }
  onSuppressedError(data) {
    this.onError(data);
  }
}

const logicalIdOf = (resource) => resource.stack.resolve(resource.logicalId);

function judge(templateFile, outdir) {
  const app = new App({ analyticsReporting: false, outdir });
  const stack = new Stack(app, 'Packaged');
  new CfnInclude(stack, 'Template', { templateFile });
  const notes = new Notes();
  Aspects.of(app).add(new AwsSolutionsChecks({ reports: false, additionalLoggers: [notes] }));
  app.synth();
  return {
    visited: [...notes.visited].sort(),
    judged: [...notes.judged].sort(),
    findings: notes.findings,
    errors: notes.errors,
  };
}

const [scratch, ...templates] = process.argv.slice(2);
console.log(JSON.stringify(templates.map((template, i) => judge(template, join(scratch, String(i))))));
