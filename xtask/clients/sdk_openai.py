"""A streamed tool loop with the Python SDK of OpenAI. Arguments: chat or responses."""

import os
import sys

import openai

PARAMETERS = {"type": "object", "properties": {"place": {"type": "string"}}}
FUNCTION = {"name": "lookup", "description": "The weather of a place", "parameters": PARAMETERS}
QUESTION = {"role": "user", "content": "How is the weather in Ghent?"}

client = openai.OpenAI()
model = os.environ["MODEL"]


def chat():
    messages = [QUESTION]
    while True:
        with client.chat.completions.stream(
            model=model,
            messages=messages,
            tools=[{"type": "function", "function": FUNCTION}],
            stream_options={"include_usage": True},
        ) as stream:
            answer = stream.get_final_completion().choices[0].message
        if not answer.tool_calls:
            return answer.content
        messages.append(answer.model_dump(exclude_none=True))
        for call in answer.tool_calls:
            result = {"role": "tool", "tool_call_id": call.id, "content": call.function.arguments}
            messages.append(result)


def responses():
    items = [QUESTION]
    while True:
        with client.responses.stream(
            model=model, input=items, tools=[{"type": "function", **FUNCTION}]
        ) as stream:
            answer = stream.get_final_response()
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return answer.output_text
        items += [item.model_dump(exclude_none=True) for item in answer.output]
        for call in calls:
            output = {"type": "function_call_output", "call_id": call.call_id}
            items.append({**output, "output": call.arguments})


print(chat() if sys.argv[1] == "chat" else responses())
