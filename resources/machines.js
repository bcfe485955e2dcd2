/*
 * Clients of the user pool: one per machine of the stage file, and what the functions and the gateway must know of
 * them. On stage local, where no user pool is, text that nobody reads stands for them.
 */
const stageOf = async (resolveVariable) => ({
  ...(await resolveVariable('self:custom.stage')),
  local: (await resolveVariable('sls:stage')) === 'local',
});

/** Logical id of a machine's client: web-shop is WebShopMachineClient. */
const clientOf = ({ name }) => {
  const words = name.split(/[^A-Za-z0-9]+/).filter(Boolean);
  return `${words.map((word) => word[0].toUpperCase() + word.slice(1)).join('')}MachineClient`;
};

exports.resources = async ({ resolveVariable }) => {
  const { machines } = await stageOf(resolveVariable);
  const Resources = {};
  const Outputs = {};
  for (const machine of machines) {
    const id = clientOf(machine);
    Resources[id] = {
      Type: 'AWS::Cognito::UserPoolClient',
      DependsOn: 'Scopes',
      Properties: {
        UserPoolId: { Ref: 'UserPool' },
        ClientName: machine.name,
        GenerateSecret: true,
        AllowedOAuthFlowsUserPoolClient: true,
        AllowedOAuthFlows: ['client_credentials'],
        AllowedOAuthScopes: machine.scopes.map((scope) => `ecomflow/${scope}`),
        ExplicitAuthFlows: ['ALLOW_REFRESH_TOKEN_AUTH'], // left out, Cognito would let people sign in with it
        EnableTokenRevocation: true,
        AccessTokenValidity: 1,
        TokenValidityUnits: { AccessToken: 'hours' },
      },
    };
    Outputs[`${id}Id`] = { Description: `Client id of machine ${machine.name}`, Value: { Ref: id } };
  }
  return { Resources, Outputs };
};

exports.users = async ({ resolveVariable }) => {
  const { machines, signIn, local } = await stageOf(resolveVariable);
  const clients = ['PeopleClient', ...machines.map(clientOf)].map((id) => (local ? id : { Ref: id }));
  return {
    pool: local ? 'local' : { Ref: 'UserPool' },
    clients,
    clientIds: local ? clients.join(',') : { 'Fn::Join': [',', clients] },
    // Where people come back to: the dashboard, and what the stage names besides.
    pages: [{ 'Fn::Sub': `https://\${HttpApi}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}/` }, ...signIn.callbacks],
    byAdminOnly: !signIn.selfSignUp,
  };
};
