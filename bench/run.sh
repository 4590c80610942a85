#!/usr/bin/env bash
# Measures what packs and their updates cost, beside other tools; the memory of packing; the memory of the service.
#
# Writes docs/bench/pack.md, pack.svg, service.md and others. Needs a Rust toolchain, npm (or the releases in the cache, see
# ci/fetch-real-input.sh) and the other tools, which are installed if this runs as root on Debian; bita is built into
# target/bench/tools. Takes up to 25 GiB of disk in target/bench, and hours, most of them zstd -19 of a gigabyte.
#   bench/run.sh                                everything
#   bench/run.sh pack                           packs and updates
#   bench/run.sh pack --only cesium,emoji       … only of these inputs (cesium, emoji, zips, game): printed, not written
#   bench/run.sh pack --levels small            … only at these levels (fast, balanced, small): printed, not written
#   bench/run.sh pack --tools casync,xdelta3    … beside these other tools only: printed, not written
#   bench/run.sh pack --old DIR --new DIR       … of two folders of yours: printed, not written
#   bench/run.sh pack --reuse-peers             … figures of other tools from earlier runs, where input, command and version are the same
#   bench/run.sh pack --resume                  … goes on after a run that was ended: keeps all that this very build has measured
#   bench/run.sh pack --from-book               … measures nothing: writes the page of what was measured so far, and says what is missing
#   bench/run.sh pack-memory [--gib N]          memory of packing and publishing N (8) GiB twice; the page of `pack` shows the last one
#   bench/run.sh memory                         memory of the service
#   bench/run.sh reading                        how fast installed files are read, into reading.md; needs nothing but Rust
#   bench/run.sh extension                      how soon an extension is asked, and how fast many downloads are scheduled, into extension.md; nothing but Rust
#   bench/run.sh transfer                       how bytes move beside curl, aria2c, wget, casync and bita, into transfer.md; the slow link needs root
# Every figure is kept in target/bench/figures.json. Ends with 1 if anything made wrong bytes; a size that misses its target is printed.
set -euo pipefail
old_place=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."

binaries=${CARGO_TARGET_DIR:-target}/release
if [ "${1:-}" = reading ]; then
    cargo build --release --locked -p headstart-bench
    exec "$binaries/headstart-bench" --binaries "$binaries" --real-input . --docs docs/bench reading
fi
if [ "${1:-}" = extension ]; then
    cargo build --release --locked -p headstart-cli -p headstart-daemon -p headstart-bench
    unset HEADSTART_HOME HEADSTART_SOCKET HEADSTART_APP HEADSTART_APP_TOKEN HEADSTART_LOG
    exec "$binaries/headstart-bench" --binaries "$binaries" --real-input . --docs docs/bench extension
fi
readonly bita_version=0.15.0

# The folders of --old and --new are meant from where this was called.
arguments=()
folder_next=no
for argument in "$@"; do
    if [ "$folder_next" = yes ]; then
        argument=$(cd "$old_place" && realpath -e -- "$argument")
    fi
    case $argument in --old | --new) folder_next=yes ;; *) folder_next=no ;; esac
    arguments+=("$argument")
done

missing=()
for tool in casync zsync ostree xdelta3 bsdiff rsync zstd npm zip curl; do
    command -v "$tool" >/dev/null || missing+=("$tool")
done
command -v diff >/dev/null || missing+=(diffutils)
if [ "${1:-transfer}" = transfer ]; then
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

tools=$PWD/target/bench/tools
if [ "$("$tools/bin/bita" --version 2>/dev/null)" != "bita $bita_version" ]; then
    # From the registry's own lock file; without TLS, which the server on loopback has not.
    cargo install bita --version "$bita_version" --locked --no-default-features --features zstd-compression \
        --root "$tools" --target-dir "$tools/build"
    rm -rf -- "$tools/build"
fi
export PATH="$tools/bin:$PATH"

cache=target/bench
if [ "${1:-}" != transfer ]; then
    ci/fetch-real-input.sh >/dev/null
    cache=$(ci/fetch-real-input.sh bench/real-input.txt)
fi
cargo build --release --locked -p headstart-cli -p headstart-daemon -p headstart-bench
unset HEADSTART_HOME HEADSTART_SOCKET HEADSTART_APP HEADSTART_APP_TOKEN HEADSTART_LOG
exec "$binaries/headstart-bench" --binaries "$binaries" --real-input "$cache" --docs docs/bench ${arguments[@]+"${arguments[@]}"}
