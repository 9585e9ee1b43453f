#!/usr/bin/env bash
# A team behind an OpenAI address: started on a free port, asked with curl, stopped.
set -eu

massgen serve --config @examples/demo/duo --port 0 2>server.log &
server=$!
trap 'kill "$server"; wait "$server" || true' EXIT
until url=$(grep -o 'http://[^ ]*/v1' server.log); do
    kill -0 "$server"
    sleep 0.2
done

curl -sS "$url/models"
echo
question='"messages": [{"role": "user", "content": "Tabs or spaces?"}]'
curl -sS "$url/chat/completions" -H 'Content-Type: application/json' -d "{\"model\": \"massgen\", $question}"
echo
curl -sSN "$url/chat/completions" -H 'Content-Type: application/json' \
    -d "{\"model\": \"massgen\", \"stream\": true, $question}"
