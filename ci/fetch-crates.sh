#!/usr/bin/env bash
# Fetches the crates of ci/crates.txt, or of the list that is named, into a cache folder, one folder NAME-VERSION each, and prints
# the cache folder as the only line on stdout. What is there already is not fetched again. Nothing of them is built or run here.
#
# The cache is $HEADSTART_TEST_CACHE, by default headstart-tests in the user's cache folder.
# Exit: 0 all there; 1 something is wrong (another digest, no room); 3 cargo is missing or the registry cannot be reached.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/fetch-list.sh"
list=${1:-$here/crates.txt}

# cargo checks what it fetches against the digest in the lock file, and refuses a lock file that the registry contradicts.
bring() {
    local crate=$1 version=$2
    mkdir src
    : >src/lib.rs
    printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n[dependencies]\n%s = "=%s"\n' \
        "$crate" "$version" >Cargo.toml
    timeout 300 cargo vendor --quiet --versioned-dirs vendor >/dev/null 2>&1 || return
    sed -n "/^name = \"$crate\"$/,/^$/s/^checksum = \"\(.*\)\"$/\1/p" Cargo.lock
}

unfold() { mv -T -- "vendor/$1-$2" files; }

fetch_list cargo
