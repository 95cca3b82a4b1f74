// Like share.mjs, signing and verifying with the npm library `http-message-sig`.

import { createPublicKey, randomBytes, sign, verify } from "node:crypto";
import { SignatureErrorCode, component, createSignature, isSignatureError, verifySignature } from "http-message-sig";
import { LABEL, OLDEST_S, REQUEST_TAG, RESPONSE_TAG, SKEW_S, refuse, run, thumbprint } from "./common.mjs";

const ALGORITHMS = { Ed25519: "ed25519", "P-256": "ecdsa-p256-sha256" };
const REQUEST_COVERS = ["@method", "@authority", "@path", "@query", "content-type", "content-digest", "idempotency-key"];
const ANSWER_COVERS = [
  "@status", "content-type", "content-digest",
  ...["@method", "@authority", "@path", "@query"].map((name) => component(name, { req: true })),
  component("signature", { req: true, key: LABEL }),
];

function fields(headers) {
  return Object.entries(headers).map(([name, value]) => ({ name, value: String(value) }));
}

function described(request) {
  return { kind: "request", method: request.method, targetUri: request.url, requestTarget: request.target, fields: fields(request.headers) };
}

async function signRequest(request, privateKey, keyId) {
  const made = await createSignature(described(request), {
    label: LABEL,
    components: REQUEST_COVERS,
    parameters: {
      created: Math.floor(Date.now() / 1000),
      nonce: randomBytes(16).toString("base64url"),
      keyid: keyId,
      tag: REQUEST_TAG,
    },
    signer: { algorithm: "ed25519", sign: async (data) => sign(null, data, privateKey) },
  });
  request.headers.signature = made.signature;
  request.headers["signature-input"] = made.signatureInput;
}

/** The algorithm is the key's own, whatever the message says. */
function verifierOf(jwk) {
  const key = createPublicKey({ key: jwk, format: "jwk" });
  return {
    algorithm: ALGORITHMS[jwk.crv],
    verify: async (data, signature) => jwk.crv === "Ed25519"
      ? verify(null, data, key, signature)
      : verify("sha256", data, { key, dsaEncoding: "ieee-p1363" }, signature),
  };
}

async function checkAnswer(answer, request, keys) {
  const message = { kind: "response", status: answer.status, fields: fields(answer.headers), request: described(request) };
  try {
    await verifySignature(message, {
      label: LABEL,
      policy: {
        algorithms: Object.values(ALGORITHMS),
        requiredComponents: ANSWER_COVERS,
        requiredParameters: ["created", "keyid", "tag"],
        maxAge: OLDEST_S,
        clockSkew: SKEW_S,
        validate: ({ parameters }) => parameters.tag === RESPONSE_TAG,
      },
      resolveVerifier({ parameters }) {
        const jwk = keys.find((key) => thumbprint(key) === parameters.keyid);
        if (jwk === undefined) refuse("the answer is signed with a key that is not the exchange's");
        return verifierOf(jwk);
      },
    });
  } catch (error) {
    if (!isSignatureError(error)) throw error;
    const reasons = {
      [SignatureErrorCode.MissingField]: "the answer is not signed",
      [SignatureErrorCode.VerificationFailed]: "the answer's signature does not hold for this answer to this request",
      [SignatureErrorCode.ResolverFailed]: error.cause?.message,
    };
    refuse(reasons[error.code] ?? `the answer's signature is refused: ${error.message}`);
  }
}

await run({ signRequest, checkAnswer });
