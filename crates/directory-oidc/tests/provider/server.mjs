// A real OpenID provider on a port of 127.0.0.1, with keys of its own that are new with each start.
//
//   node server.mjs ISSUER CERTIFICATE KEY
//
// What a token is like goes by the resource that it is asked for:
//   https://mail.example.org/FORMAT/ALGORITHM   FORMAT is jwt or opaque
//   https://other.example.org/jwt/RS256         is for somebody else

import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import Provider from "oidc-provider";

const [issuer, certificate, key] = process.argv.slice(2);

const jwk = (type, options) => generateKeyPairSync(type, options).privateKey.export({ format: "jwk" });
const keys = [
  { ...jwk("rsa", { modulusLength: 2048 }), use: "sig" },
  { ...jwk("ec", { namedCurve: "P-256" }), use: "sig" },
  { ...jwk("ed25519"), use: "sig" },
];

const client = (client_id) => ({
  client_id,
  client_secret: `secret of ${client_id}: +%`,
  grant_types: ["client_credentials"],
  redirect_uris: [],
  response_types: [],
});

const provider = new Provider(issuer, {
  clients: [client("gatepost"), client("thunderbird"), client("evil")],
  jwks: { keys },
  scopes: ["mail", "calendar"],
  ttl: { ClientCredentials: 600 },
  clientBasedCORS: () => false,
  // Whom a token is about: nobody types a password into a test.
  extraTokenClaims: () => ({
    sub: "ann-1",
    preferred_username: "ann@example.org",
    email: "ann@example.org",
    email_verified: true,
  }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (_, asking) => asking.clientId === "gatepost" },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => {
        const { origin, pathname } = new URL(resource);
        const [, accessTokenFormat, alg] = pathname.split("/");
        return { audience: origin, scope: "mail calendar", accessTokenFormat, jwt: { sign: { alg } } };
      },
    },
  },
});

const tls = { cert: readFileSync(certificate), key: readFileSync(key) };
createServer(tls, provider.callback()).listen(new URL(issuer).port, "127.0.0.1", () => console.log("ready"));
