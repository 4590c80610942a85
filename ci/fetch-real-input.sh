#!/usr/bin/env bash
# Fetches the packages of ci/real-input.txt, or of the list that is named, into a cache folder, one folder NAME-VERSION each,
# and prints the cache folder as the only line on stdout. What is there already is not fetched again.
#
# The cache is $HEADSTART_TEST_CACHE, by default headstart-tests in the user's cache folder.
# Exit: 0 all there; 1 something is wrong (another digest, no room); 3 npm is missing or the registry cannot be reached.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${HEADSTART_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/headstart-tests}
list=${1:-$here/real-input.txt}
unreachable=3

say() { printf '%s\n' "$*" >&2; }

# The digest of a file in the notation of npm: sha512-BASE64.
integrity() {
    local hex
    hex=$(sha512sum -- "$1" | cut -d ' ' -f 1)
    # shellcheck disable=SC2059 # the format is the bytes themselves
    printf 'sha512-%s' "$(printf "$(printf '%s' "$hex" | sed 's/../\\x&/g')" | base64 -w 0)"
}

fetch() {
    local package=$1 version=$2 wanted=$3 name=$1-$2 scratch archive got
    if [ -d "$cache/$name" ]; then
        say "  $name: there"
        return 0
    fi
    if ! command -v npm >/dev/null; then
        say "  $name: npm is missing"
        return "$unreachable"
    fi
    if [ "$status" -eq "$unreachable" ]; then
        say "  $name: not tried"
        return "$unreachable"
    fi
    scratch=$(mktemp -d "$cache/.fetch.XXXXXX")
    # shellcheck disable=SC2064 # the folder of this call
    trap "rm -rf -- '$scratch'" EXIT
    if ! (cd "$scratch" && timeout 300 npm pack "$package@$version" --silent --ignore-scripts \
        --fetch-retries=2 --fetch-retry-maxtimeout=10000 --fetch-timeout=60000 >/dev/null); then
        say "  $name: the registry cannot be reached"
        return "$unreachable"
    fi
    archive=$(printf '%s\n' "$scratch"/*.tgz)
    got=$(integrity "$archive")
    if [ "$got" != "$wanted" ]; then
        say "  $name: the digest is $got, $list says $wanted"
        return 1
    fi
    mkdir "$scratch/files"
    tar -xzf "$archive" -C "$scratch/files" --strip-components=1 --no-same-owner
    # Only a whole folder gets the name that the tests look for.
    mv -T -- "$scratch/files" "$cache/$name" || [ -d "$cache/$name" ]
    say "  $name: fetched"
}

mkdir -p -- "$cache"
status=0
while read -r package version wanted; do
    case $package in '' | '#'*) continue ;; esac
    code=0
    # In a child of its own: what it leaves behind goes with it, and `set -e` holds inside.
    (fetch "$package" "$version" "$wanted") </dev/null & wait $! || code=$?
    if [ "$code" -ne 0 ] && [ "$status" -ne 1 ]; then
        if [ "$code" -eq "$unreachable" ]; then status=$unreachable; else status=1; fi
    fi
done <"$list"
printf '%s\n' "$cache"
exit "$status"
