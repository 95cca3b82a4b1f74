#!/bin/sh
# Runs a Go that is new enough for the verifiers: the system's, or else one that the system's fetches, as a Go module with
# its checksum verified, into .foreign/. Debian 12 has Go 1.19, which cannot do that by itself.
set -eu

RELEASE=go1.26.0
kept=$(cd "$(dirname "$0")/../../.." && pwd)/.foreign/$RELEASE

if go version | grep -qE 'go1\.(2[4-9]|[3-9][0-9])'; then
    exec go "$@"
fi
if [ ! -x "$kept/bin/go" ]; then
    platform=$(go env GOOS)-$(go env GOARCH)
    (cd / && GO111MODULE=on go mod download "golang.org/toolchain@v0.0.1-$RELEASE.$platform")
    rm -rf "$kept" "$kept.part"
    mkdir -p "$(dirname "$kept")"
    cp -r "$(go env GOMODCACHE)/golang.org/toolchain@v0.0.1-$RELEASE.$platform" "$kept.part"
    # A module's files are neither writable nor executable.
    chmod -R u+w "$kept.part"
    chmod -R +x "$kept.part/bin" "$kept.part/pkg/tool"
    mv "$kept.part" "$kept"
fi
unset GOROOT
GOTOOLCHAIN=local exec "$kept/bin/go" "$@"
