// Like share.mjs, signing and verifying with the npm library `http-message-signatures`.

import { createPublicKey, randomBytes, sign, verify } from "node:crypto";
import httpMessageSignatures from "http-message-signatures";
import { LABEL, OLDEST_S, REQUEST_TAG, RESPONSE_TAG, SKEW_S, refuse, run, thumbprint } from "./common.mjs";

const { httpbis } = httpMessageSignatures;
const ALGORITHMS = { Ed25519: "ed25519", "P-256": "ecdsa-p256-sha256" };
const ANSWER_COVERS = ['"@status"', '"content-type"', '"content-digest"', '"@method";req', '"@authority";req', '"@path";req',
  '"@query";req', `"signature";req;key="${LABEL}"`];

/** The library takes path and query from a parsed URL, which rewrites some; what is signed is what is sent. */
function componentParser(name, parameters, message, request) {
  const context = parameters.has("req") ? request : message;
  const [path, ...rest] = (context?.target ?? "").split("?");
  if (name === "@path" && context?.target !== undefined) return [path || "/"];
  if (name === "@query" && context?.target !== undefined) return [`?${rest.join("?")}`];
  return null;
}

async function signRequest(request, privateKey, keyId) {
  const signed = await httpbis.signMessage({
    key: { id: keyId, sign: async (data) => sign(null, data, privateKey) },
    name: LABEL,
    fields: ["@method", "@authority", "@path", "@query", "content-type", "content-digest", "idempotency-key"],
    params: ["created", "nonce", "keyid", "tag"],
    paramValues: { nonce: randomBytes(16).toString("base64url"), tag: REQUEST_TAG },
    componentParser,
  }, request);
  request.headers.signature = signed.headers.Signature;
  request.headers["signature-input"] = signed.headers["Signature-Input"];
}

async function checkAnswer(answer, request, keys) {
  const header = answer.headers["signature-input"];
  if (header === undefined) refuse("the answer is not signed");
  // The library asks for components by name only, and "@method" is not "@method";req: so they are looked for here.
  const covered = (/^sig1=\(([^()]*)\)/.exec(header)?.[1] ?? "").split(" ");
  const missing = ANSWER_COVERS.find((component) => !covered.includes(component));
  if (missing !== undefined) refuse(`the answer's signature does not cover ${missing}`);
  const held = await httpbis.verifyMessage({
    async keyLookup({ keyid, tag, created }) {
      if (tag !== RESPONSE_TAG) refuse(`the answer's signature is not tagged ${RESPONSE_TAG}`);
      const age = (Date.now() - (created?.getTime() ?? NaN)) / 1000;
      if (!(age <= OLDEST_S && age >= -SKEW_S)) refuse("the answer's signature is not fresh");
      const jwk = keys.find((key) => thumbprint(key) === keyid);
      if (jwk === undefined) refuse("the answer is signed with a key that is not the exchange's");
      const key = createPublicKey({ key: jwk, format: "jwk" });
      return {
        id: keyid,
        algs: [ALGORITHMS[jwk.crv]],
        verify: async (data, signature) => jwk.crv === "Ed25519"
          ? verify(null, data, key, signature)
          : verify("sha256", data, { key, dsaEncoding: "ieee-p1363" }, signature),
      };
    },
    all: true,
    requiredParams: ["created", "keyid", "tag"],
    tolerance: SKEW_S,
    componentParser,
  }, answer, request);
  if (held !== true) refuse("the answer's signature does not hold for this answer to this request");
}

await run({ signRequest, checkAnswer });
