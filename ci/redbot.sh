#!/usr/bin/env bash
# Prints where redbot is, which checks the ranges and conditions of `headstart serve`. Installs it below target/ci if it is not
# there. Exit 1, and a test that is skipped by name, when it cannot be had.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$PWD/target/ci/redbot
if [ ! -x "$folder/bin/redbot" ]; then
    rm -rf "$folder"
    { python3 -m venv "$folder" && "$folder/bin/pip" -q install redbot==2.7.1; } >&2 || exit 1
fi
echo "$folder/bin/redbot"
