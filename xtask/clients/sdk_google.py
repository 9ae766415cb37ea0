"""A streamed tool loop with google-genai. Arguments: none."""

import os

from google import genai
from google.genai import types

DECLARATION = types.FunctionDeclaration(
    name="lookup",
    description="The weather of a place",
    parameters=types.Schema(
        type=types.Type.OBJECT, properties={"place": types.Schema(type=types.Type.STRING)}
    ),
)

base = os.environ.get("GOOGLE_GEMINI_BASE_URL")
client = genai.Client(http_options=types.HttpOptions(base_url=base) if base else None)
config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[DECLARATION])])
contents = [types.Content(role="user", parts=[types.Part(text="How is the weather in Ghent?")])]
while True:
    parts = []
    for chunk in client.models.generate_content_stream(
        model=os.environ["MODEL"], contents=contents, config=config
    ):
        parts += (chunk.candidates[0].content.parts or []) if chunk.candidates else []
    calls = [part.function_call for part in parts if part.function_call]
    if not calls:
        print("".join(part.text for part in parts if part.text and not part.thought))
        break
    contents.append(types.Content(role="model", parts=parts))
    results = [
        types.Part.from_function_response(name=call.name, response=dict(call.args))
        for call in calls
    ]
    contents.append(types.Content(role="user", parts=results))
