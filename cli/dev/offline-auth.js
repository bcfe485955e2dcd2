// serverless-offline loads this in place of the HTTP API's JWT authorizer, which it cannot run (on stage local only).
// It lets through what the authorizer would: access tokens of the embedded issuer, signature verified.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { JwtVerifier } = require('aws-jwt-verify');

const PUBLIC = new Set(['/', '/assets/{file}', '/config.json', '/v1/health', '/v1/openapi.json']);
/** Content types that the HTTP API decodes as UTF-8 text; everything else reaches a function as base64. */
const TEXT = /^(text\/|application\/(json|javascript|xml)\b)/i;

let verifier;

function verify(token) {
  if (!verifier) {
    const { publicKey } = JSON.parse(readFileSync(join(process.env.ECOMFLOW_DIR, 'keys.json'), 'utf8'));
    verifier = JwtVerifier.create({ issuer: process.env.ECOMFLOW_ISSUER, audience: null });
    verifier.cacheJwks({ keys: [publicKey] });
  }
  const { exp } = verifier.verifySync(token);
  if (typeof exp !== 'number') throw new Error('a token that never expires'); // aws-jwt-verify lets it pass
}

function authenticate(request, h) {
  // serverless-offline goes by this header when it decides between text, bytes and JSON, which it would read itself and
  // hand on as a value where that is false or 0; the event keeps the sender's.
  const text = TEXT.test(request.headers['content-type'] ?? '');
  request.headers['content-type'] = text ? 'text/plain' : 'application/octet-stream';
  if (PUBLIC.has(request.route.path)) return h.authenticated({ credentials: {} });
  try {
    verify(/^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')[1]);
    return h.authenticated({ credentials: {} });
  } catch {
    // Whatever is wrong with the token: the gateway's answer says no more than this either.
    return h.response({ message: 'Unauthorized' }).code(401).header('www-authenticate', 'Bearer').takeover();
  }
}

module.exports = (_endpoint, functionKey, method, path) => ({
  name: `${functionKey} ${method} ${path}`,
  scheme: `${functionKey} ${method} ${path}`,
  getAuthenticateFunction: () => ({ authenticate }),
});
