// A client of the exchange in another language: signs one record, posts it, and checks that the answer is the
// exchange's own and answers this very request. It shares no code with the exchange, and needs Node 20 and nothing else.
// The two beside it do the same with a library from npm; ``npm ci`` fetches both.
//
//   node share.mjs [--jwks FILE] [--path PATH] BASE_URL KEY_PEM BODY_JSON [IDEMPOTENCY_KEY]
//
// The key is Ed25519. Without --jwks the exchange's keys are fetched from BASE_URL/v1/keys; without --path the record
// goes to /v1/shares; without a key of one's own the idempotency key is random. Prints {"status", "id", "position", "verified": true} and
// exits 0 when the record was accepted, and the answer verified. A verified refusal is printed with "detail" and "remedy";
// it exits 3. Otherwise prints {"reason"} on standard error and exits 1, or 2 when it is called
// wrongly.

import { createPublicKey, randomBytes, sign, verify } from "node:crypto";
import { LABEL, OLDEST_S, REQUEST_TAG, RESPONSE_TAG, SKEW_S, refuse, run, thumbprint } from "./common.mjs";

const REQUEST_COMPONENTS = ["@method", "@authority", "@path", "@query", "content-type", "content-digest", "idempotency-key"]
  .map((name) => `"${name}"`);
const RESPONSE_COMPONENTS = ['"@status"', '"content-type"', '"content-digest"', '"@method";req', '"@authority";req',
  '"@path";req', '"@query";req', `"signature";req;key="${LABEL}"`];

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

function signRequest(request, privateKey, keyId) {
  const created = Math.floor(Date.now() / 1000);
  const nonce = randomBytes(16).toString("base64url");
  const parameters = `(${REQUEST_COMPONENTS.join(" ")});created=${created};nonce="${nonce}";keyid="${keyId}";tag="${REQUEST_TAG}"`;
  const base = signatureBase(REQUEST_COMPONENTS, (component) => requestValue(request, component.slice(1, -1)), parameters);
  request.headers["signature-input"] = `${LABEL}=${parameters}`;
  request.headers.signature = `${LABEL}=:${sign(null, base, privateKey).toString("base64")}:`;
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

await run({ signRequest, checkAnswer });
