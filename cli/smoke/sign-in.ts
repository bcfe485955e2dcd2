import { randomBytes } from 'node:crypto';
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  DescribeUserPoolClientCommand,
  InitiateAuthCommand,
  paginateListUserPoolClients,
  RespondToAuthChallengeCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { createSrpSession, signSrpSession, wrapAuthChallenge, wrapInitiateAuth } from 'cognito-srp-helper';
import type { Stage } from './stage';
import { Broken, type Walk } from './walk';

/** Makes a person who is gone at the end of the run, in a group or in none, and signs in as they would, by SRP. */
export async function signInAs(walk: Walk, group: string | undefined): Promise<string> {
  const { UserPoolId } = walk.stage.outputs;
  const cognito = new CognitoIdentityProviderClient({ region: walk.stage.region });
  const Username = `smoke-${walk.rows.run}-${group ?? 'nobody'}@example.com`; // a domain that nobody can own
  const password = `${randomBytes(24).toString('base64url')}aA1!`;
  await cognito.send(
    new AdminCreateUserCommand({
      UserPoolId,
      Username,
      MessageAction: 'SUPPRESS',
      UserAttributes: [
        { Name: 'email', Value: Username },
        { Name: 'email_verified', Value: 'true' },
      ],
    }),
  );
  walk.leaves(`user ${Username}`, () => cognito.send(new AdminDeleteUserCommand({ UserPoolId, Username })));
  await cognito.send(new AdminSetUserPasswordCommand({ UserPoolId, Username, Password: password, Permanent: true }));
  if (group) await cognito.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName: group }));

  return signIn(walk.stage, Username, password);
}

/** Signs a person in as their own client does: by SRP, so that the password goes nowhere. Their access token. */
export async function signIn(stage: Stage, Username: string, password: string): Promise<string> {
  const { UserPoolId, PeopleClientId } = stage.outputs;
  const cognito = new CognitoIdentityProviderClient({ region: stage.region });
  const session = createSrpSession(Username, password, UserPoolId!, false);
  const challenge = await cognito.send(
    new InitiateAuthCommand(
      wrapInitiateAuth(session, {
        ClientId: PeopleClientId,
        AuthFlow: 'USER_SRP_AUTH',
        AuthParameters: { CHALLENGE_NAME: 'SRP_A', USERNAME: Username },
      }),
    ),
  );
  const answer = await cognito.send(
    new RespondToAuthChallengeCommand(
      wrapAuthChallenge(signSrpSession(session, challenge), {
        ClientId: PeopleClientId,
        ChallengeName: 'PASSWORD_VERIFIER',
        // The pool's own name for the person: they signed in by an alias, their address.
        ChallengeResponses: { USERNAME: challenge.ChallengeParameters!.USERNAME! },
      }),
    ),
  );
  const token = answer.AuthenticationResult?.AccessToken;
  if (!token) throw new Broken(`signing in ends with the challenge ${answer.ChallengeName}, not with a token`);
  return token;
}

/** A token of a machine client that may send and read; undefined when the stage declares none. */
export async function machineToken({ stage, signal }: Walk): Promise<string | undefined> {
  const { UserPoolId } = stage.outputs;
  const cognito = new CognitoIdentityProviderClient({ region: stage.region });
  const ids: string[] = [];
  for await (const { UserPoolClients = [] } of paginateListUserPoolClients({ client: cognito }, { UserPoolId }))
    ids.push(...UserPoolClients.map(({ ClientId }) => ClientId!));
  for (const ClientId of ids) {
    const { UserPoolClient: client } = await cognito.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }));
    const scopes = client?.AllowedOAuthScopes ?? [];
    if (!client?.ClientSecret || !['ingest', 'read'].every((scope) => scopes.includes(`ecomflow/${scope}`))) continue;
    const answer = await fetch(stage.tokens, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${ClientId}:${client.ClientSecret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'grant_type=client_credentials',
      signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
    });
    const { access_token } = (await answer.json()) as { access_token?: string };
    if (!access_token) throw new Broken(`${stage.tokens} answers ${answer.status} without a token`);
    return access_token;
  }
  return undefined;
}
