"""A streamed tool loop with boto3. Arguments: converse or invoke."""

import json
import os
import sys

import boto3

SCHEMA = {"type": "object", "properties": {"place": {"type": "string"}}}
QUESTION = "How is the weather in Ghent?"

client = boto3.client("bedrock-runtime", region_name="us-east-1")
model = os.environ["MODEL"]


def converse():
    specification = {"name": "lookup", "description": "The weather", "inputSchema": {"json": SCHEMA}}
    messages = [{"role": "user", "content": [{"text": QUESTION}]}]
    while True:
        answer = client.converse_stream(
            modelId=model,
            messages=messages,
            toolConfig={"tools": [{"toolSpec": specification}]},
        )
        texts, calls = {}, {}
        for event in answer["stream"]:
            if start := event.get("contentBlockStart"):
                if use := start["start"].get("toolUse"):
                    calls[start["contentBlockIndex"]] = {**use, "input": ""}
            if piece := event.get("contentBlockDelta"):
                at, delta = piece["contentBlockIndex"], piece["delta"]
                if "text" in delta:
                    texts[at] = texts.get(at, "") + delta["text"]
                if "toolUse" in delta:
                    calls[at]["input"] += delta["toolUse"]["input"]
        if not calls:
            return "".join(texts.values())
        uses = [{**call, "input": json.loads(call["input"] or "{}")} for call in calls.values()]
        said = [{"text": text} for text in texts.values()]
        messages.append({"role": "assistant", "content": said + [{"toolUse": use} for use in uses]})
        results = [
            {"toolResult": {"toolUseId": use["toolUseId"], "content": [{"json": use["input"]}]}}
            for use in uses
        ]
        messages.append({"role": "user", "content": results})


def invoke():
    tool = {"name": "lookup", "description": "The weather", "input_schema": SCHEMA}
    messages = [{"role": "user", "content": QUESTION}]
    while True:
        body = {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 512,
            "tools": [tool],
            "messages": messages,
        }
        answer = client.invoke_model_with_response_stream(modelId=model, body=json.dumps(body))
        blocks = {}
        for event in answer["body"]:
            event = json.loads(event["chunk"]["bytes"])
            if event["type"] == "content_block_start":
                blocks[event["index"]] = {**event["content_block"], "partial": ""}
            if event["type"] == "content_block_delta":
                block, delta = blocks[event["index"]], event["delta"]
                for key in ("text", "thinking", "signature"):
                    if key in delta:
                        block[key] = block.get(key, "") + delta[key]
                block["partial"] += delta.get("partial_json", "")
        for block in blocks.values():
            partial = block.pop("partial")
            if block["type"] == "tool_use":
                block["input"] = json.loads(partial or "{}")
        calls = [block for block in blocks.values() if block["type"] == "tool_use"]
        if not calls:
            return "".join(block.get("text", "") for block in blocks.values())
        messages.append({"role": "assistant", "content": list(blocks.values())})
        results = [
            {"type": "tool_result", "tool_use_id": call["id"], "content": json.dumps(call["input"])}
            for call in calls
        ]
        messages.append({"role": "user", "content": results})


print(converse() if sys.argv[1] == "converse" else invoke())
