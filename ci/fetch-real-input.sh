#!/usr/bin/env bash
# Fetches the packages of ci/real-input.txt, or of the list that is named, into a cache folder, one folder NAME-VERSION each,
# and prints the cache folder as the only line on stdout. What is there already is not fetched again.
#
# The cache is $HEADSTART_TEST_CACHE, by default headstart-tests in the user's cache folder.
# Exit: 0 all there; 1 something is wrong (another digest, no room); 3 npm is missing or the registry cannot be reached.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/fetch-list.sh"
list=${1:-$here/real-input.txt}

# The digest of a file in the notation of npm: sha512-BASE64.
integrity() {
    local hex
    hex=$(sha512sum -- "$1" | cut -d ' ' -f 1)
    # shellcheck disable=SC2059 # the format is the bytes themselves
    printf 'sha512-%s' "$(printf "$(printf '%s' "$hex" | sed 's/../\\x&/g')" | base64 -w 0)"
}

bring() {
    local package=$1 version=$2
    timeout 300 npm pack "$package@$version" --silent --ignore-scripts \
        --fetch-retries=2 --fetch-retry-maxtimeout=10000 --fetch-timeout=60000 >/dev/null || return
    integrity ./*.tgz
}

unfold() {
    mkdir files
    tar -xzf ./*.tgz -C files --strip-components=1 --no-same-owner
}

fetch_list npm
