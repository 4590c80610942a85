#!/usr/bin/env bash
# Everything that docs/tutorial.md tells, on this machine: builds the viewer, makes talks, packs and publishes them, serves
# them, installs the app, and launches it. What follows on the command line goes to the viewer: `run.sh --once`.
#
# Everything lies in target/talks (TALKS_FOLDER). TALKS_PROGRAMS names a folder with programs that are built already.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
folder=${TALKS_FOLDER:-target/talks}
programs=${TALKS_PROGRAMS:-}
if [ -z "$programs" ]; then
    cargo build --quiet --workspace --bins
    programs=$PWD/target/debug
fi
export PATH="$programs:$PATH"

if [ -e "$folder" ] && [ ! -e "$folder/.talks" ]; then
    echo "$folder was not made by this script: remove it, or name another with TALKS_FOLDER" >&2
    exit 2
fi
mkdir -p "$folder" && folder=$(cd "$folder" && pwd)
export HEADSTART_HOME=$folder/device
unset HEADSTART_SOCKET HEADSTART_APP HEADSTART_APP_TOKEN
# A service of the last run would go on in a folder that is gone.
headstart --quiet service stop
rm -rf "${folder:?}"/{content,archives,repository,keys,bundle,device,url,serve.log}
touch "$folder/.talks"
cd "$folder"

# The author.
make-talks content "${TALKS_SECONDS:-30}"
mkdir archives
for manifest in "$here"/packs/*.jsonc; do
    pack=$(basename "$manifest" .jsonc)
    headstart --quiet pack "$manifest" --source-root content -o "archives/$pack.assetpack"
done
headstart --quiet repo init repository --keys keys
headstart --quiet repo publish repository archives/*.assetpack --keys keys

# Any web server can do this.
mkfifo url
headstart serve repository --bandwidth "${TALKS_BANDWIDTH:-8Mbit}" >url 2>serve.log &
server=$!
trap 'headstart --quiet service stop; kill "$server"' EXIT
exec 3<url
read -r address <&3
# The server goes on telling its requests.
cat <&3 >/dev/null &

# The app.
mkdir -p bundle/bin
cp "$programs/talks" bundle/bin/talks
cp repository/metadata/root.json bundle/root.json
sed "s|https://assets.example.com/talks|$address|" "$here/bundle/headstart.toml" >bundle/headstart.toml

# The device.
headstart --quiet app install bundle --dev
headstart app launch com.example.talks -- "$@"
