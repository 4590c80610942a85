#!/usr/bin/env bash
# Adds up the results in the output of `cargo test` and `cargo nextest` (files, or stdin): prints `PASSED FAILED SKIPPED`.
# Exit 1 if there is no result at all.
set -euo pipefail

exec awk '
    function add(text, separator,    parts, count, i, number) {
        gsub(/\([^)]*\)/, "", text)
        count = split(text, parts, separator)
        for (i = 1; i <= count; i++) {
            number = parts[i] + 0
            if (parts[i] ~ /[0-9] passed/) passed += number
            else if (parts[i] ~ /[0-9] (skipped|ignored|filtered out)/) skipped += number
            else if (parts[i] ~ /[0-9] measured/) passed += number
            else failed += number
        }
        results++
    }
    /^ *Summary \[/ { sub(/^.*tests? run:/, ""); add($0, ",") }
    /^test result: [A-Za-z]+\. / { sub(/^test result: [A-Za-z]+\. /, ""); sub(/; finished in .*/, ""); add($0, ";") }
    END { print passed + 0, failed + 0, skipped + 0; exit results == 0 }
' "$@"
