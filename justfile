# Thin names for the commands; CI runs `.ci/run`, which runs ./test.sh.

# Lists the recipes.
default:
    @just --list

# Format and lints.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# Everything that has to hold.
test:
    ./test.sh

# The rules of the workspace.
rules:
    cargo test -p headstart-rules

# The documentation, with warnings as errors.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --lib --no-deps

# The dependencies: licences, bans, sources, known vulnerabilities.
deny:
    ci/deny.sh advisories
