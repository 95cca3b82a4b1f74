// What is the same whichever way a request is signed: arguments, keys, the way there and back, and the digest of an
// answer. Needs Node 20 and nothing else.

import { createHash, createPrivateKey, createPublicKey, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { parseArgs } from "node:util";

export const LABEL = "sig1";
export const REQUEST_TAG = "safeguarding-exchange-request";
export const RESPONSE_TAG = "safeguarding-exchange-response";
export const OLDEST_S = 300;
export const SKEW_S = 30;
const REFUSED = 3;
const TIMEOUT_MS = 20_000;
const LARGEST_ANSWER_BYTES = 1024 * 1024;

class Refusal extends Error {}

export function refuse(reason) {
  throw new Refusal(reason);
}

/** RFC 7638: the SHA-256 of the required members, in order of name, without white space. */
export function thumbprint(jwk) {
  const members = jwk.kty === "EC"
    ? { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }
    : { crv: jwk.crv, kty: jwk.kty, x: jwk.x };
  return createHash("sha256").update(JSON.stringify(members)).digest("base64url");
}

function contentDigest(body) {
  return `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
}

function exchange(url, { method, target, headers }, body) {
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const options = { hostname: url.hostname.replace(/^\[|\]$/g, ""), port: url.port || undefined, method, path: target };
    const sent = send({ ...options, headers, timeout: TIMEOUT_MS }, (response) => {
      const parts = [];
      let size = 0;
      response.on("data", (part) => {
        size += part.length;
        if (size > LARGEST_ANSWER_BYTES) sent.destroy(new Error("the answer is too large"));
        parts.push(part);
      });
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }));
      response.on("error", reject);
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.on("error", reject);
    sent.end(body);
  });
}

/** RFC 9530: every digest of a known kind must fit, and there must be one. */
function checkDigest(answer) {
  let known = 0;
  for (const member of (answer.headers["content-digest"] ?? "").split(",")) {
    const found = /^\s*(sha-256|sha-512)=:([A-Za-z0-9+/]+={0,2}):\s*$/.exec(member);
    if (found === null) continue;
    known += 1;
    const made = createHash(found[1].replace("-", "")).update(answer.body).digest("base64");
    if (made !== found[2]) refuse("the answer's Content-Digest is not that of its body");
  }
  if (known === 0) refuse("the answer has no Content-Digest of a known kind");
}

async function exchangeKeys(base, given) {
  if (given !== undefined) return JSON.parse(await readFile(given, "utf8")).keys;
  const answer = await exchange(base, { method: "GET", target: "/v1/keys", headers: { host: base.host } });
  if (answer.status !== 200) refuse("the exchange's keys cannot be fetched");
  return JSON.parse(answer.body.toString("utf8")).keys;
}

async function share({ signRequest, checkAnswer }, [baseUrl, keyFile, bodyFile, idempotencyKey = randomBytes(16).toString("hex")], { jwks, path: target }) {
  const base = new URL(baseUrl);
  const privateKey = createPrivateKey(await readFile(keyFile));
  if (privateKey.asymmetricKeyType !== "ed25519") refuse("the private key is not an Ed25519 key");
  const keys = await exchangeKeys(base, jwks);
  const body = await readFile(bodyFile);
  const request = {
    method: "POST",
    authority: base.host,
    target,
    url: `${base.protocol}//${base.host}${target}`,
    headers: {
      host: base.host,
      "content-type": "application/json",
      "content-length": body.length,
      "content-digest": contentDigest(body),
      "idempotency-key": idempotencyKey,
    },
  };
  await signRequest(request, privateKey, thumbprint(createPublicKey(privateKey).export({ format: "jwk" })));
  const answer = await exchange(base, request, body);
  checkDigest(answer);
  await checkAnswer(answer, request, keys);
  const { id, position, type, detail, remedy } = JSON.parse(answer.body.toString("utf8"));
  return answer.status < 300
    ? { status: answer.status, id, position, verified: true }
    : { status: answer.status, type, detail, remedy, verified: true };
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      options: { jwks: { type: "string" }, path: { type: "string", default: "/v1/shares" } },
      allowPositionals: true,
    });
    return positionals.length === 3 || positionals.length === 4 ? { values, positionals } : null;
  } catch {
    return null;
  }
}

/**
 * Share one record as the command line says. ``signRequest(request, privateKey, keyId)`` adds the signature to the
 * request's headers; ``checkAnswer(answer, request, keys)`` refuses an answer that is not the exchange's, or another's.
 */
export async function run(signing) {
  const given = readArguments();
  if (given === null) {
    const usage = "usage: [--jwks FILE] [--path PATH] BASE_URL KEY_PEM BODY_JSON [IDEMPOTENCY_KEY]";
    console.error(JSON.stringify({ reason: usage }));
    process.exitCode = 2;
    return;
  }
  try {
    const outcome = await share(signing, given.positionals, given.values);
    console.log(JSON.stringify(outcome));
    if (outcome.status >= 300) process.exitCode = REFUSED;
  } catch (error) {
    console.error(JSON.stringify({ reason: error instanceof Error ? error.message : String(error) }));
    process.exitCode = 1;
  }
}
