/*
 * What the Spark job is made of: job.py, the modules beside it and the contracts. They lie in the deployment bucket
 * in a folder that is named by their content, so that a run that is under way keeps its own when a stage is deployed
 * again, and a change of them is a change of the template. As a plugin, this brings them there.
 */
const { createHash } = require('node:crypto');
const { readdirSync, readFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { PutObjectCommand, S3Client } = require('@aws-sdk/client-s3');

const JOB = join(__dirname, '..', 'functions', 'batch');
const CONTRACTS = join(__dirname, '..', 'shared', 'domain', 'contracts');
const ENTRY = 'job.py';

const named = (folder, isOne) =>
  readdirSync(folder)
    .filter(isOne)
    .sort()
    .map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));

/** The job's files by their names in the folder. */
function files() {
  const python = named(JOB, (name) => name.endsWith('.py'));
  const contracts = named(CONTRACTS, (name) => name.endsWith('.json') && !name.endsWith('.schema.json'));
  return [...python, ...contracts.map(({ name, bytes }) => ({ name: `contracts/${name}`, bytes }))];
}

/** The folder within the stage's part of the deployment bucket, which goes with the stage. */
function folderOf(service, stage) {
  const hash = createHash('sha256');
  for (const { name, bytes } of files()) hash.update(`${name}\n${bytes.length}\n`).update(bytes);
  return `serverless/${service}/${stage}/bulk/${hash.digest('hex').slice(0, 16)}`;
}

module.exports = class BulkFiles {
  constructor(serverless) {
    this.serverless = serverless;
    this.hooks = { 'before:aws:deploy:deploy:uploadArtifacts': () => this.upload() };
  }

  async upload() {
    const provider = this.serverless.getProvider('aws');
    const Bucket = await provider.getServerlessDeploymentBucketName();
    const client = new S3Client(await provider.getAwsSdkV3Config());
    const folder = folderOf(this.serverless.service.service, provider.getStage());
    for (const { name, bytes } of files())
      await client.send(new PutObjectCommand({ Bucket, Key: `${folder}/${name}`, Body: bytes }));
  }
};

/** Where the job's files are, as values of the template. */
module.exports.places = async ({ resolveVariable }) => {
  const folder = folderOf(await resolveVariable('self:service'), await resolveVariable('sls:stage'));
  if ((await resolveVariable('sls:stage')) === 'local') return { job: '', modules: '', contracts: '', objects: '' };
  const at = (path) => ({ 'Fn::Sub': `s3://\${ServerlessDeploymentBucket}/${folder}/${path}` });
  const modules = files()
    .map(({ name }) => name)
    .filter((name) => name.endsWith('.py') && name !== ENTRY);
  return {
    job: at(ENTRY),
    modules: {
      'Fn::Sub': modules.map((name) => `s3://\${ServerlessDeploymentBucket}/${folder}/${name}`).join(','),
    },
    contracts: at('contracts/'),
    // Of all contents, so that runs that are under way may go on reading theirs.
    objects: { 'Fn::Sub': `\${ServerlessDeploymentBucket.Arn}/${dirname(folder)}/*` },
  };
};
