# Sourced by the scripts that fetch what a registry has into a cache folder, one folder NAME-VERSION each.
# shellcheck shell=bash

cache=${HEADSTART_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/headstart-tests}
unreachable=3

say() { printf '%s\n' "$*" >&2; }

# Fetches one thing with the command $1, by two functions of the script that sources this, which run in a folder of their own:
# `bring NAME VERSION` prints the digest of what it got, in the notation of the list, and fails when the registry cannot be reached;
# `unfold NAME VERSION` makes the folder `files` of it.
fetch_one() {
    local tool=$1 name=$2 version=$3 wanted=$4 folder=$2-$3 scratch got
    if [ -d "$cache/$folder" ]; then
        say "  $folder: there"
        return 0
    fi
    if ! command -v "$tool" >/dev/null; then
        say "  $folder: $tool is missing"
        return "$unreachable"
    fi
    if [ "$status" -eq "$unreachable" ]; then
        say "  $folder: not tried"
        return "$unreachable"
    fi
    scratch=$(mktemp -d "$cache/.fetch.XXXXXX")
    # shellcheck disable=SC2064 # the folder of this call
    trap "rm -rf -- '$scratch'" EXIT
    if ! got=$(cd "$scratch" && bring "$name" "$version"); then
        say "  $folder: the registry cannot be reached"
        return "$unreachable"
    fi
    if [ "$got" != "$wanted" ]; then
        say "  $folder: the digest is $got, $list says $wanted"
        return 1
    fi
    (cd "$scratch" && unfold "$name" "$version")
    # Only a whole folder gets the name that the tests look for.
    mv -T -- "$scratch/files" "$cache/$folder" || [ -d "$cache/$folder" ]
    say "  $folder: fetched"
}

# Fetches all of $list with the command $1, prints the cache folder as the only line on stdout, and ends the script:
# 0 all there; 1 something is wrong (another digest, no room); 3 the command is missing or the registry cannot be reached.
fetch_list() {
    local tool=$1 status=0 code name version wanted
    mkdir -p -- "$cache"
    # The last line may lack its end.
    while read -r name version wanted || [ -n "$name" ]; do
        case $name in '' | '#'*) continue ;; esac
        code=0
        # In a child of its own: what it leaves behind goes with it, and `set -e` holds inside.
        (fetch_one "$tool" "$name" "$version" "$wanted") </dev/null & wait $! || code=$?
        if [ "$code" -ne 0 ] && [ "$status" -ne 1 ]; then
            if [ "$code" -eq "$unreachable" ]; then status=$unreachable; else status=1; fi
        fi
    done <"$list"
    printf '%s\n' "$cache"
    exit "$status"
}
