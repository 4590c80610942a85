#!/usr/bin/env bash
# Checks the dependencies with cargo-deny, which it builds first if it is not installed (some minutes).
#   ci/deny.sh             licences, bans, sources
#   ci/deny.sh advisories  known vulnerabilities too, from the public database
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

checks=(licenses bans sources)
case $* in
    '') ;;
    advisories) checks+=(advisories) ;;
    *)
        echo "usage: ci/deny.sh [advisories]" >&2
        exit 2
        ;;
esac
cargo deny --version >/dev/null 2>&1 || cargo install cargo-deny --locked --version 0.20.2
exec cargo deny --workspace --locked check "${checks[@]}"
