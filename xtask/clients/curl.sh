#!/bin/sh
# A streamed tool loop with curl. Arguments: http1.1 or http2.
set -eu
entry="${ANTHROPIC_BASE_URL:-https://api.anthropic.com}"
tools='[{"name":"lookup","input_schema":{"type":"object"}}]'
question='{"role":"user","content":"How is the weather in Ghent?"}'
ask() {
  curl --silent --show-error --fail --no-buffer "--$1" "$entry/v1/messages" \
    --header "x-api-key: $ANTHROPIC_API_KEY" --header 'anthropic-version: 2023-06-01' \
    --header 'content-type: application/json' \
    --data "{\"model\":\"$MODEL\",\"max_tokens\":512,\"stream\":true,\"tools\":$tools,\"messages\":[$question$2]}"
}
id=$(ask "$1" '' | sed -n 's/.*"type":"tool_use","id":"\([^"]*\)".*/\1/p' | head -n 1)
use="{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"$id\",\"name\":\"lookup\",\"input\":{}}]}"
result="{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"$id\",\"content\":\"rain\"}]}"
ask "$1" ",$use,$result" | sed -n 's/.*"type":"text_delta","text":"\([^"]*\)".*/\1/p' | tr -d '\n'
