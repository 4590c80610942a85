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
#   bench/run.sh transfer  how bytes move beside curl, aria2c, wget, casync and bita: docs/bench/transfer.md and .svg. Installs
#                          these and nginx; the slow link needs root.
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
if [ "${1:-}" = transfer ]; then
    for tool in curl wget zstd python3; do command -v "$tool" >/dev/null || missing+=("$tool"); done
    command -v aria2c >/dev/null || missing+=(aria2)
    command -v nginx >/dev/null || missing+=(nginx-light)
    command -v ip >/dev/null || missing+=(iproute2)
    command -v ping >/dev/null || missing+=(iputils-ping)
fi
if [ "${#missing[@]}" -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
    else
        echo "missing; on Debian, as root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
fi

if [ "${1:-}" = transfer ]; then
    cache=target/bench
    # Outside of target/bench, which each run empties. Without it the figures of bita are missing.
    peers=$PWD/target/bench-tools
    [ -x "$peers/bin/bita" ] || cargo install --locked --version 0.15.0 --root "$peers" bita || true
    export PATH=$peers/bin:$PATH
else
    ci/fetch-real-input.sh >/dev/null
    cache=$(ci/fetch-real-input.sh bench/real-input.txt)
fi
cargo build --release --locked -p headstart-cli -p headstart-daemon -p headstart-bench
unset HEADSTART_HOME HEADSTART_SOCKET HEADSTART_APP HEADSTART_APP_TOKEN HEADSTART_LOG
exec "$binaries/headstart-bench" --binaries "$binaries" --real-input "$cache" --docs docs/bench "$@"
