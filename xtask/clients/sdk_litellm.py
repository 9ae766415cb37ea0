"""A streamed tool loop with litellm. Arguments: none; MODEL names the provider, too."""

import os

import litellm

PARAMETERS = {"type": "object", "properties": {"place": {"type": "string"}}}
FUNCTION = {"name": "lookup", "description": "The weather of a place", "parameters": PARAMETERS}

messages = [{"role": "user", "content": "How is the weather in Ghent?"}]
while True:
    chunks = list(
        litellm.completion(
            model=os.environ["MODEL"],
            messages=messages,
            tools=[{"type": "function", "function": FUNCTION}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    answer = litellm.stream_chunk_builder(chunks, messages=messages).choices[0].message
    if not answer.tool_calls:
        print(answer.content)
        break
    messages.append(answer.model_dump(exclude_none=True))
    for call in answer.tool_calls:
        result = {"role": "tool", "tool_call_id": call.id, "content": call.function.arguments}
        messages.append(result)
