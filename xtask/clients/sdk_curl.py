"""A tool loop over libcurl's own WebSocket: a response after the other on one connection."""

import json
import os

import curl_cffi

QUESTION = {"role": "user", "content": "How is the weather in Ghent?"}
TOOL = {"type": "function", "name": "lookup", "parameters": {"type": "object"}}

base = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
session = curl_cffi.Session(verify=os.environ.get("CURL_CA_BUNDLE", True))
socket = session.ws_connect(
    base.replace("http", "ws", 1) + "/responses",
    headers={
        "Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}",
        "OpenAI-Beta": "responses_websockets=2026-02-06",
    },
)


def respond(items, previous=None):
    request = {"type": "response.create", "model": os.environ["MODEL"], "input": items, "tools": [TOOL]}
    if previous:
        request["previous_response_id"] = previous
    socket.send_str(json.dumps(request))
    while True:
        event = json.loads(socket.recv_str())
        if event["type"] == "response.completed":
            return event["response"]


answer = respond([QUESTION])
while calls := [item for item in answer["output"] if item["type"] == "function_call"]:
    outputs = [
        {"type": "function_call_output", "call_id": call["call_id"], "output": call["arguments"]}
        for call in calls
    ]
    answer = respond(outputs, answer["id"])
socket.close()
texts = [item for item in answer["output"] if item["type"] == "message"]
print("".join(part["text"] for item in texts for part in item["content"]))
