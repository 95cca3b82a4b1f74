// A client of the exchange in another language: signs one record, posts it, and checks that the answer is the
// exchange's own and answers this very request. It shares no code with the exchange, and needs Node 20 and nothing else.
//
//   node share.mjs [--jwks FILE] [--path PATH] BASE_URL KEY_PEM BODY_JSON [IDEMPOTENCY_KEY]
//
// The key is Ed25519. Without --jwks the exchange's keys are fetched from BASE_URL/v1/keys; without --path the record
// goes to /v1/shares; without a key of one's own the idempotency key is random. Prints {"status", "id", "position",
// "verified": true} and exits 0 when the answer, which may be a refusal, is verified; otherwise prints {"reason"} on
// standard error and exits 1, or 2 when it is called wrongly.

import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from "node:crypto";
import { readFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { parseArgs } from "node:util";

const LABEL = "sig1";
const REQUEST_TAG = "safeguarding-exchange-request";
const RESPONSE_TAG = "safeguarding-exchange-response";
const REQUEST_COMPONENTS = ["@method", "@authority", "@path", "@query", "content-type", "content-digest", "idempotency-key"]
  .map((name) => `"${name}"`);
const RESPONSE_COMPONENTS = ['"@status"', '"content-type"', '"content-digest"', '"@method";req', '"@authority";req',
  '"@path";req', '"@query";req', `"signature";req;key="${LABEL}"`];
const OLDEST_S = 300;
const SKEW_S = 30;
const TIMEOUT_MS = 20_000;
const LARGEST_ANSWER_BYTES = 1024 * 1024;

class Refusal extends Error {}

function refuse(reason) {
  throw new Refusal(reason);
}

/** RFC 7638: the SHA-256 of the required members, in order of name, without white space. */
function thumbprint(jwk) {
  const members = jwk.kty === "EC"
    ? { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }
    : { crv: jwk.crv, kty: jwk.kty, x: jwk.x };
  return createHash("sha256").update(JSON.stringify(members)).digest("base64url");
}

function contentDigest(body) {
  return `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
}

/** RFC 9421 section 2.5: one line for each component, and the parameters last. */
function signatureBase(components, valueOf, parameters) {
  const lines = components.map((component) => {
    const value = valueOf(component);
    if (value === undefined) refuse(`the signature covers ${component}, which cannot be resolved`);
    return `${component}: ${String(value).trim()}`;
  });
  return Buffer.from([...lines, `"@signature-params": ${parameters}`].join("\n"), "ascii");
}

function requestValue(request, name) {
  const [path, ...rest] = request.target.split("?");
  switch (name) {
    case "@method": return request.method;
    case "@authority": return request.authority;
    case "@path": return path || "/";
    case "@query": return `?${rest.join("?")}`;
    default: return request.headers[name];
  }
}

function signRequest(request, privateKey) {
  const keyId = thumbprint(createPublicKey(privateKey).export({ format: "jwk" }));
  const created = Math.floor(Date.now() / 1000);
  const nonce = randomBytes(16).toString("base64url");
  const parameters = `(${REQUEST_COMPONENTS.join(" ")});created=${created};nonce="${nonce}";keyid="${keyId}";tag="${REQUEST_TAG}"`;
  const base = signatureBase(REQUEST_COMPONENTS, (component) => requestValue(request, component.slice(1, -1)), parameters);
  request.headers["signature-input"] = `${LABEL}=${parameters}`;
  request.headers.signature = `${LABEL}=:${sign(null, base, privateKey).toString("base64")}:`;
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

function parseSignatureInput(header) {
  const found = /^sig1=(\(([^()]*)\)((?:;[a-z]+=(?:"[^"\\]*"|-?\d{1,15}))*))$/.exec(header ?? "");
  if (found === null) refuse("the answer is not signed, or not in the exchange's profile");
  const parameters = new Map();
  for (const [, name, text, number] of found[3].matchAll(/;([a-z]+)=(?:"([^"\\]*)"|(-?\d{1,15}))/g)) {
    if (parameters.has(name)) refuse("a parameter of the answer's signature comes twice");
    parameters.set(name, text ?? Number(number));
  }
  return { text: found[1], components: found[2].split(" "), parameters };
}

function signatureBytes(header) {
  const found = /^sig1=:([A-Za-z0-9+/]+={0,2}):$/.exec(header ?? "");
  const bytes = Buffer.from(found?.[1] ?? "", "base64");
  if (found === null || bytes.toString("base64") !== found[1]) refuse("the answer's Signature cannot be read");
  return bytes;
}

/** The algorithm is the key's own, whatever the message says. */
function checkSignature(jwk, base, signature) {
  const key = createPublicKey({ key: jwk, format: "jwk" });
  if (jwk.kty === "OKP" && jwk.crv === "Ed25519") return verify(null, base, key, signature);
  if (jwk.kty === "EC" && jwk.crv === "P-256") return verify("sha256", base, { key, dsaEncoding: "ieee-p1363" }, signature);
  return refuse("the exchange's key is of a kind that is not known here");
}

/** RFC 9421 section 2.4: the answer's signature covers the request's, so it answers nothing else. */
function checkAnswer(answer, request, keys) {
  checkDigest(answer);
  const { text, components, parameters } = parseSignatureInput(answer.headers["signature-input"]);
  const missing = RESPONSE_COMPONENTS.find((component) => !components.includes(component));
  if (missing !== undefined) refuse(`the answer's signature does not cover ${missing}`);
  if (parameters.get("tag") !== RESPONSE_TAG) refuse(`the answer's signature is not tagged ${RESPONSE_TAG}`);
  const age = Date.now() / 1000 - parameters.get("created");
  if (!(age <= OLDEST_S && age >= -SKEW_S)) refuse("the answer's signature is not fresh");
  const jwk = keys.find((key) => thumbprint(key) === parameters.get("keyid"));
  if (jwk === undefined) refuse("the answer is signed with a key that is not the exchange's");
  const base = signatureBase(components, (component) => {
    if (component === RESPONSE_COMPONENTS.at(-1)) return request.headers.signature.slice(`${LABEL}=`.length);
    if (component === '"@status"') return answer.status;
    const found = /^"([^"]+)"(;req)?$/.exec(component);
    if (found === null) return undefined;
    return found[2] ? requestValue(request, found[1]) : answer.headers[found[1]];
  }, text);
  if (!checkSignature(jwk, base, signatureBytes(answer.headers.signature))) {
    refuse("the answer's signature does not hold for this answer to this request");
  }
}

async function exchangeKeys(base, given) {
  if (given !== undefined) return JSON.parse(await readFile(given, "utf8")).keys;
  const answer = await exchange(base, { method: "GET", target: "/v1/keys", headers: { host: base.host } });
  if (answer.status !== 200) refuse("the exchange's keys cannot be fetched");
  return JSON.parse(answer.body.toString("utf8")).keys;
}

async function share([baseUrl, keyFile, bodyFile, idempotencyKey = randomBytes(16).toString("hex")], { jwks, path: target }) {
  const base = new URL(baseUrl);
  const privateKey = createPrivateKey(await readFile(keyFile));
  if (privateKey.asymmetricKeyType !== "ed25519") refuse("the private key is not an Ed25519 key");
  const keys = await exchangeKeys(base, jwks);
  const body = await readFile(bodyFile);
  const request = {
    method: "POST",
    authority: base.host,
    target,
    headers: {
      host: base.host,
      "content-type": "application/json",
      "content-length": body.length,
      "content-digest": contentDigest(body),
      "idempotency-key": idempotencyKey,
    },
  };
  signRequest(request, privateKey);
  const answer = await exchange(base, request, body);
  checkAnswer(answer, request, keys);
  const { id, position } = JSON.parse(answer.body.toString("utf8"));
  return { status: answer.status, id, position, verified: true };
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

const given = readArguments();
if (given === null) {
  const usage = "usage: share.mjs [--jwks FILE] [--path PATH] BASE_URL KEY_PEM BODY_JSON [IDEMPOTENCY_KEY]";
  console.error(JSON.stringify({ reason: usage }));
  process.exitCode = 2;
} else {
  try {
    console.log(JSON.stringify(await share(given.positionals, given.values)));
  } catch (error) {
    console.error(JSON.stringify({ reason: error instanceof Error ? error.message : String(error) }));
    process.exitCode = 1;
  }
}
