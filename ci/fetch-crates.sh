#!/usr/bin/env bash
# Fetches the crates of ci/crates.txt, or of the list that is named, into a cache folder, one folder NAME-VERSION each, and prints
# the cache folder as the only line on stdout. What is there already is not fetched again. Nothing of them is built or run here.
#
# The cache is $HEADSTART_TEST_CACHE, by default headstart-tests in the user's cache folder.
# Exit: 0 all there; 1 something is wrong (another digest, no room); 3 cargo is missing or the registry cannot be reached.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${HEADSTART_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/headstart-tests}
list=${1:-$here/crates.txt}
unreachable=3

say() { printf '%s\n' "$*" >&2; }

# cargo checks what it fetches against the digest in the lock file, and refuses a lock file that the registry contradicts.
fetch() {
    local crate=$1 version=$2 wanted=$3 name=$1-$2 scratch got
    if [ -d "$cache/$name" ]; then
        say "  $name: there"
        return 0
    fi
    if ! command -v cargo >/dev/null; then
        say "  $name: cargo is missing"
        return "$unreachable"
    fi
    scratch=$(mktemp -d "$cache/.fetch.XXXXXX")
    # shellcheck disable=SC2064 # the folder of this call
    trap "rm -rf -- '$scratch'" EXIT
    mkdir "$scratch/src"
    : >"$scratch/src/lib.rs"
    printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n[dependencies]\n%s = "=%s"\n' \
        "$crate" "$version" >"$scratch/Cargo.toml"
    if ! (cd "$scratch" && timeout 300 cargo vendor --quiet --versioned-dirs vendor >/dev/null 2>&1); then
        say "  $name: the registry cannot be reached"
        return "$unreachable"
    fi
    got=$(sed -n "/^name = \"$crate\"$/,/^$/s/^checksum = \"\(.*\)\"$/\1/p" "$scratch/Cargo.lock")
    if [ "$got" != "$wanted" ]; then
        say "  $name: the digest is $got, $list says $wanted"
        return 1
    fi
    # Only a whole folder gets the name that the tests look for.
    mv -T -- "$scratch/vendor/$name" "$cache/$name" || [ -d "$cache/$name" ]
    say "  $name: fetched"
}

mkdir -p -- "$cache"
status=0
while read -r crate version wanted; do
    case $crate in '' | '#'*) continue ;; esac
    code=0
    # In a child of its own: what it leaves behind goes with it, and `set -e` holds inside.
    (fetch "$crate" "$version" "$wanted") </dev/null & wait $! || code=$?
    if [ "$code" -ne 0 ] && [ "$status" -ne 1 ]; then
        if [ "$code" -eq "$unreachable" ]; then status=$unreachable; else status=1; fi
    fi
done <"$list"
printf '%s\n' "$cache"
exit "$status"
