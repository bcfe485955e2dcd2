/* Roles and their statements, for the files here that are JavaScript. */
const arnOf = (id) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const below = (id, path) => ({ 'Fn::Sub': `\${${id}.Arn}/${path}` });
const allow = (Action, Resource, more) => ({ Effect: 'Allow', Action, Resource, ...more });
/** Nobody acts for another account. */
const ACCOUNT = { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } };
const ANY = '*';

const role = (service, name, statements) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: `${service}.amazonaws.com` },
          Action: 'sts:AssumeRole',
          ...(service !== 'lambda' && { Condition: ACCOUNT }),
        },
      ],
    },
    Policies: [{ PolicyName: name, PolicyDocument: { Version: '2012-10-17', Statement: statements } }],
  },
});

module.exports = { ANY, allow, arnOf, below, role };
