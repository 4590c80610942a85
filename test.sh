#!/usr/bin/env bash
# Everything that has to hold before a change is right: formatting, lints, build, tests, documentation.
#
# Needs a Rust toolchain. What else is missing on a Debian machine is installed if this runs as root; otherwise it is named.
# The last line is `N passed, N failed, N skipped`; the exit code is 0 only if nothing failed and every skip is named in
# ci/allowed-skips.txt. Logs of the steps are in target/ci/.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

if [ $# -gt 0 ]; then
    sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    [ "$1" = --help ] && exit 0
    exit 2
fi

# The tests make homes of their own and never meet the device of the person who runs them.
unset HEADSTART_HOME HEADSTART_SOCKET HEADSTART_REAL_INPUT HEADSTART_PUBLISHED_CRATES

logs=$PWD/target/ci
mkdir -p "$logs"
rm -f "$logs"/*.log
export HEADSTART_SKIP_REPORT=$logs/skips.txt
: >"$HEADSTART_SKIP_REPORT"

started=$SECONDS
failed_steps=()
skipped_steps=()

heading() { printf '\n== %s\n' "$*"; }

# step NAME COMMAND…: runs it with its output in a log too, and remembers a failure.
step() {
    local name=$1 from=$SECONDS code=0
    shift
    heading "$name: $*"
    "$@" 2>&1 | tee "$logs/$name.log" || code=$?
    if [ "$code" -eq 0 ]; then
        printf -- '-- %s: ok (%d s)\n' "$name" $((SECONDS - from))
    else
        printf -- '-- %s: FAILED (%d s)\n' "$name" $((SECONDS - from))
        failed_steps+=("$name")
    fi
    return "$code"
}

skip_step() {
    printf -- '\n-- %s: skipped: %s\n' "$1" "$2"
    skipped_steps+=("$1")
}

# --- real input ---------------------------------------------------------------------------------------------------------

fetch_real_input() {
    local code=0 folder
    heading "real input: ci/fetch-real-input.sh"
    folder=$(ci/fetch-real-input.sh 2>"$logs/real-input.log") || code=$?
    cat "$logs/real-input.log"
    # What is missing below this folder, the tests that need it report as skipped.
    export HEADSTART_REAL_INPUT=$folder
    case $code in
        0) echo "-- real input: $folder" ;;
        3) echo "-- real input: not all there; the tests that need the rest are skipped" ;;
        *)
            echo "-- real input: FAILED"
            failed_steps+=(real-input)
            ;;
    esac
}

fetch_published_crates() {
    local code=0 folder
    heading "published crates: ci/fetch-crates.sh"
    folder=$(ci/fetch-crates.sh 2>"$logs/published-crates.log") || code=$?
    cat "$logs/published-crates.log"
    export HEADSTART_PUBLISHED_CRATES=$folder
    case $code in
        0) echo "-- published crates: $folder" ;;
        3) echo "-- published crates: not all there; the tests that compare with them are skipped" ;;
        *)
            echo "-- published crates: FAILED"
            failed_steps+=(published-crates)
            ;;
    esac
}

# --- the end ------------------------------------------------------------------------------------------------------------

allowed_skip() { grep -qxF -- "$1" ci/allowed-skips.txt; }

finish() {
    local passed=0 failed=0 unnamed=0 reported=0 name counts
    counts=$(cat "$logs"/tests*.log 2>/dev/null | ci/count-tests.sh) && read -r passed failed unnamed <<<"$counts"

    heading summary
    for name in "${failed_steps[@]}"; do
        echo "failed: $name (target/ci/$name.log)"
        # The failures of the tests are counted already, unless the runner itself broke.
        case $name in tests*) [ "$failed" -gt 0 ] || failed=1 ;; *) failed=$((failed + 1)) ;; esac
    done
    # A test that skips itself returns like one that passed, and says so in the report.
    while read -r name; do
        reported=$((reported + 1))
        allowed_skip "$name" || {
            echo "failed: the skip \`$name\` is not in ci/allowed-skips.txt"
            failed=$((failed + 1))
        }
    done < <(sed -n 's/^SKIPPED \([^:]*\):.*/\1/p' "$HEADSTART_SKIP_REPORT")
    sort -u "$HEADSTART_SKIP_REPORT"
    for name in "${skipped_steps[@]}"; do
        echo "SKIPPED $name"
        allowed_skip "$name" && continue
        echo "failed: the skip \`$name\` is not in ci/allowed-skips.txt"
        failed=$((failed + 1))
    done
    if [ "$unnamed" -gt 0 ]; then
        echo "failed: $unnamed tests were left out by the runner, without a name"
        failed=$((failed + 1))
    fi
    echo "took $(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s"
    printf '%d passed, %d failed, %d skipped\n' \
        $((passed - reported)) "$failed" $((unnamed + reported + ${#skipped_steps[@]}))
    [ "$failed" -eq 0 ]
    exit
}

# --- the run ------------------------------------------------------------------------------------------------------------

# All packages, all kinds of targets and the dev profile everywhere: other selections would build the dependencies again.
step prepare ci/prepare.sh || finish
fetch_real_input
fetch_published_crates
HEADSTART_REDBOT=$(ci/redbot.sh 2>"$logs/redbot.log") && export HEADSTART_REDBOT
step format cargo fmt --all --check
step clippy cargo clippy --workspace --all-targets --locked -- -D warnings
step build cargo build --workspace --bins --tests --examples --locked || finish
if cargo nextest --version >/dev/null 2>&1; then
    step tests cargo nextest run --workspace --locked --no-fail-fast --color never --status-level slow
else
    step tests cargo test --workspace --lib --bins --tests --examples --locked --no-fail-fast
fi
step tests-of-docs cargo test --workspace --doc --locked --no-fail-fast
step docs env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --lib --no-deps --locked
if cargo deny --version >/dev/null 2>&1; then
    step cargo-deny ci/deny.sh
else
    skip_step cargo-deny "not installed; ci/deny.sh installs and runs it (licences and bans were tested without it)"
fi
finish
