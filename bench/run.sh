#!/usr/bin/env bash
# Measures what updates of real releases move, beside casync, and the memory that the service takes; all in one run.
#
# Writes docs/bench/update.md and docs/bench/update.svg. Needs a Rust toolchain, npm (or the releases in the cache, see
# ci/fetch-real-input.sh) and casync, which is installed if this runs as root on Debian. Takes about 10 GiB of disk in
# target/bench and some minutes.
#   bench/run.sh           everything
#   bench/run.sh update    only what updates move: printed, not written
#   bench/run.sh memory    only the memory: printed, not written
#   bench/run.sh reading   only how fast installed files are read, into docs/bench/reading.md; needs nothing but Rust
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

binaries=${CARGO_TARGET_DIR:-target}/release
if [ "${1:-}" = reading ]; then
    cargo build --release --locked -p headstart-bench
    exec "$binaries/headstart-bench" --binaries "$binaries" --real-input . --docs docs/bench reading
fi

missing=()
command -v casync >/dev/null || missing+=(casync)
command -v npm >/dev/null || missing+=(npm)
command -v diff >/dev/null || missing+=(diffutils)
if [ "${#missing[@]}" -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
    else
        echo "missing; on Debian, as root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
fi

ci/fetch-real-input.sh >/dev/null
cache=$(ci/fetch-real-input.sh bench/real-input.txt)
cargo build --release --locked -p headstart-cli -p headstart-daemon -p headstart-bench
unset HEADSTART_HOME HEADSTART_SOCKET HEADSTART_APP HEADSTART_APP_TOKEN HEADSTART_LOG
exec "$binaries/headstart-bench" --binaries "$binaries" --real-input "$cache" --docs docs/bench "$@"
