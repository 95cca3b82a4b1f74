#!/usr/bin/env bash
# A client of the exchange with bash, curl and openssl (3.0 or later): signs one record, posts it, and checks that the
# answer is the exchange's own and answers this very request.
#
#   share.sh [--jwks FILE] [--path PATH] BASE_URL KEY_PEM BODY_JSON [IDEMPOTENCY_KEY]
#
# The key is Ed25519, and so must be the exchange's. Without --jwks the exchange's keys are fetched from
# BASE_URL/v1/keys; without --path the record goes to /v1/shares; without a key of one's own the idempotency key is
# random. Prints {"status", "id", "position", "verified": true} and
# exits 0 when the record was accepted, and the answer verified. A verified refusal is printed with "detail" and "remedy";
# it exits 3. Otherwise prints {"reason"} on standard error and exits 1, or 2 when it is called
# wrongly.
set -euo pipefail
export LC_ALL=C

LABEL=sig1
OLDEST_S=300 SKEW_S=30 TIMEOUT_S=20 LARGEST_ANSWER_BYTES=1048576
SPKI_OF_ED25519=302a300506032b6570032100 # RFC 8410: what comes before the 32 bytes of a public key

fail() { # reason [exit code]
  printf '{"reason":"%s"}\n' "$1" >&2
  exit "${2:-1}"
}

usage() { fail 'usage: share.sh [--jwks FILE] [--path PATH] BASE_URL KEY_PEM BODY_JSON [IDEMPOTENCY_KEY]' 2; }

base64url() { base64 -w0 | tr '+/' '-_' | tr -d '='; }

from_base64url() { # padding is left out in a JWK
  local text
  text=$(tr -- '-_' '+/')
  while (( ${#text} % 4 )); do text+='='; done
  base64 -d <<<"$text"
}

sha256_base64() { openssl dgst -sha256 -binary "$@" | base64 -w0; }

thumbprint_of_x() { # RFC 7638: the required members, in order of name, without white space
  printf '{"crv":"Ed25519","kty":"OKP","x":"%s"}' "$1" | openssl dgst -sha256 -binary | base64url
}

jwks='' target=/v1/shares
while [[ ${1:-} == --* ]]; do
  [[ $# -ge 2 ]] || usage
  case $1 in
    --jwks) jwks=$2 ;;
    --path) target=$2 ;;
    *) usage ;;
  esac
  shift 2
done
[[ $# -eq 3 || $# -eq 4 ]] || usage
base=${1%/} key=$2 body=$3 idempotency_key=${4:-$(openssl rand -hex 16)}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

authority=${base#*://}
authority=${authority%%/*}
authority=${authority,,}
# A port that goes without saying is not part of @authority.
[[ $base == https://* ]] && authority=${authority%:443} || authority=${authority%:80}
path=${target%%\?*} query='?'
[[ $target == *\?* ]] && query="?${target#*\?}"

# 1. Sign: one line for each component that is covered, and the parameters last (RFC 9421 section 2.5).
openssl pkey -in "$key" -pubout -outform DER 2>/dev/null >"$work/public" || fail 'the private key cannot be read'
[[ $(head -c 12 "$work/public" | od -An -tx1 | tr -d ' \n') == "$SPKI_OF_ED25519" ]] || fail 'the private key is not an Ed25519 key'
keyid=$(thumbprint_of_x "$(tail -c 32 "$work/public" | base64url)")
content_digest="sha-256=:$(sha256_base64 "$body"):"
parameters='("@method" "@authority" "@path" "@query" "content-type" "content-digest" "idempotency-key")'
parameters+=";created=$(date +%s);nonce=\"$(openssl rand -hex 16)\";keyid=\"$keyid\";tag=\"safeguarding-exchange-request\""
printf '%s\n' \
  '"@method": POST' "\"@authority\": $authority" "\"@path\": $path" "\"@query\": $query" \
  '"content-type": application/json' "\"content-digest\": $content_digest" "\"idempotency-key\": $idempotency_key" >"$work/base"
printf '%s' "\"@signature-params\": $parameters" >>"$work/base" # no line feed after the last line
signature=":$(openssl pkeyutl -sign -rawin -inkey "$key" -in "$work/base" | base64 -w0):"

# 2. Send. Nothing may be followed, rewritten or guessed on the way.
ask() { curl --silent --show-error --path-as-is --globoff --max-time "$TIMEOUT_S" --max-filesize "$LARGEST_ANSWER_BYTES" "$@" 2>"$work/curl" \
  || fail "no answer: $(tr -d '"\\\n' <"$work/curl")"; }

if [[ -z $jwks ]]; then
  jwks=$work/jwks
  ask --fail --output "$jwks" "$base/v1/keys"
fi
status=$(ask --request POST --data-binary "@$body" --output "$work/answer" --dump-header "$work/headers" --write-out '%{http_code}' \
  --header 'Content-Type: application/json' --header "Content-Digest: $content_digest" --header "Idempotency-Key: $idempotency_key" \
  --header "Signature-Input: $LABEL=$parameters" --header "Signature: $LABEL=$signature" --header 'Expect:' "$base$target")

# 3. Believe the answer only if the exchange signed it, for this request (RFC 9421 section 2.4), just now.
header() { tr -d '\r' <"$work/headers" | sed -n "s/^$1:[[:space:]]*//Ip" | tail -n 1; }

answer_digest=$(header content-digest) answer_type=$(header content-type)
[[ $answer_digest == "sha-256=:$(sha256_base64 "$work/answer"):" ]] || fail "the answer's Content-Digest is not that of its body"
input=$(header signature-input) made=$(header signature)
[[ $input =~ ^sig1=(\(([^\(\)]*)\)((;[a-z]+=(\"[^\"]*\"|[0-9]{1,15}))+))$ ]] || fail 'the answer is not signed, or not in the exchange'\''s profile'
signed_parameters=${BASH_REMATCH[1]} components=${BASH_REMATCH[2]}
parameter() { grep -oE ";$1=(\"[^\"]*\"|[0-9]+)" <<<"$signed_parameters" | head -n 1 | sed -E "s/^;$1=\"?([^\"]*)\"?$/\1/" || true; }

[[ $(parameter tag) == safeguarding-exchange-response ]] || fail "the answer's signature is not tagged safeguarding-exchange-response"
created=$(parameter created) now=$(date +%s)
(( ${created:-0} >= now - OLDEST_S && ${created:-0} <= now + SKEW_S )) || fail "the answer's signature is not fresh"
for component in '"@status"' '"content-type"' '"content-digest"' '"@method";req' '"@authority";req' '"@path";req' '"@query";req' '"signature";req;key="sig1"'; do
  [[ " $components " == *" $component "* ]] || fail "the answer's signature does not cover ${component//\"/}"
done

answering=''
while read -r jwk; do
  x=$(sed -nE 's/.*"x"[[:space:]]*:[[:space:]]*"([A-Za-z0-9_-]+)".*/\1/p' <<<"$jwk")
  if [[ $jwk == *'"Ed25519"'* && $(thumbprint_of_x "$x") == "$(parameter keyid)" ]]; then answering=$x; fi
done < <(tr -d '\n' <"$jwks" | grep -oE '\{[^{}]*\}')
[[ -n $answering ]] || fail 'the answer is signed with a key that is not the exchange'\''s (or not an Ed25519 key)'
{ printf '%b' "$(sed 's/../\\x&/g' <<<"$SPKI_OF_ED25519")" | cat; from_base64url <<<"$answering"; } >"$work/exchange"

: >"$work/base"
for component in $components; do
  case $component in
    '"@status"') value=$status ;;
    '"content-type"') value=$answer_type ;;
    '"content-digest"') value=$answer_digest ;;
    '"@method";req') value=POST ;;
    '"@authority";req') value=$authority ;;
    '"@path";req') value=$path ;;
    '"@query";req') value=$query ;;
    '"signature";req;key="sig1"') value=$signature ;;
    *) fail "the answer's signature covers something that is not known here" ;;
  esac
  printf '%s: %s\n' "$component" "$value" >>"$work/base"
done
printf '%s' "\"@signature-params\": $signed_parameters" >>"$work/base"
[[ $made =~ ^sig1=:([A-Za-z0-9+/]+={0,2}):$ ]] || fail "the answer's Signature cannot be read"
base64 -d <<<"${BASH_REMATCH[1]}" >"$work/signature"
openssl pkeyutl -verify -rawin -pubin -inkey "$work/exchange" -keyform DER -in "$work/base" -sigfile "$work/signature" >/dev/null 2>&1 \
  || fail "the answer's signature does not hold for this answer to this request"

member() { grep -oE "\"$1\" *: *(\"[^\"]*\"|[0-9]+)" "$work/answer" | head -n 1 | sed -E 's/^"[^"]*" *: *//' || true; }
if (( status >= 300 )); then
  type=$(member type) detail=$(member detail) remedy=$(member remedy)
  printf '{"status":%s,"type":%s,"detail":%s,"remedy":%s,"verified":true}\n' "$status" "${type:-null}" "${detail:-null}" "${remedy:-null}"
  exit 3
fi
id=$(member id) position=$(member position)
printf '{"status":%s,"id":%s,"position":%s,"verified":true}\n' "$status" "${id:-null}" "${position:-null}"
