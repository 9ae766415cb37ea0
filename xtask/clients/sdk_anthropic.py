"""A streamed tool loop with the Python SDK of Anthropic. Arguments: h1 or h2."""

import json
import os
import sys

import anthropic

TOOL = {
    "name": "lookup",
    "description": "The weather of a place",
    "input_schema": {"type": "object", "properties": {"place": {"type": "string"}}},
}

http = anthropic.DefaultHttpxClient(http2=True) if sys.argv[1] == "h2" else None
client = anthropic.Anthropic(http_client=http)
messages = [{"role": "user", "content": "How is the weather in Ghent?"}]
while True:
    asked = {"model": os.environ["MODEL"], "max_tokens": 512, "tools": [TOOL], "messages": messages}
    with client.messages.stream(**asked) as stream:
        answer = stream.get_final_message()
    calls = [block for block in answer.content if block.type == "tool_use"]
    if not calls:
        print("".join(block.text for block in answer.content if block.type == "text"))
        break
    messages.append({"role": "assistant", "content": [b.model_dump() for b in answer.content]})
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": json.dumps(call.input)}
        for call in calls
    ]
    messages.append({"role": "user", "content": results})
