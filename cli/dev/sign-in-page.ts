import { createHash } from 'node:crypto';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f4f5f7, #14171c); color: light-dark(#1b2430, #e6e9ee); }
main { box-sizing: border-box; width: min(24rem, 92vw); padding: 2rem; border-radius: 12px; background: light-dark(#fff, #1e232b); }
h1 { margin: 0 0 1rem; font-size: 1.3rem; }
label { display: block; margin-top: 1rem; font-weight: 600; }
input, button { box-sizing: border-box; width: 100%; margin-top: .3rem; padding: .6rem; border: 1px solid light-dark(#7a8494, #8a94a4); border-radius: 8px; background: transparent; color: inherit; font: inherit; }
button { margin-top: 1.5rem; border: 0; background: light-dark(#0b5cad, #7db8f5); color: light-dark(#fff, #10151b); font-weight: 600; cursor: pointer; }
:focus-visible { outline: 3px solid light-dark(#0b5cad, #7db8f5); outline-offset: 2px; }
[role=alert] { color: light-dark(#a3201b, #ff9d96); }
small { display: block; margin-top: 1rem; }
`;

/** Texts are ours; what a request says is never put in. The form goes to the address that the page has, query and all. */
const page = (body: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign in · ecomflow</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body><main>${body}</main></body>
</html>
`;

export const signInPage = (wrong: boolean): string =>
  page(`<h1>Sign in to ecomflow</h1>
${wrong ? '<p role="alert">That is not the name and password of anybody here.</p>' : ''}
<form method="post">
<label for="username">Name</label>
<input id="username" name="username" autocomplete="username" autocapitalize="none" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button>Sign in</button>
</form>
<small>npm start says both in its terminal.</small>`);

/** @param why a text of ours */
export const refusalPage = (why: string): string => page(`<h1>That did not work</h1><p role="alert">${why}</p>`);

/**
 * What the browser is told of such a page. The dashboard's addresses are among the places that the form may lead to:
 * browsers follow the rule to where they are sent from there. A referrer within the origin, as without one they would
 * not say which page the form was sent from.
 */
export const pageHeaders = (addresses: readonly string[]): Record<string, string> => ({
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': [
    "default-src 'none'",
    'img-src data:',
    `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
    `form-action 'self' ${addresses.map((address) => new URL(address).origin).join(' ')}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
});
