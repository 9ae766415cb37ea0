// A streamed tool loop with the Node SDK of OpenAI. Arguments: chat or responses.
import OpenAI from 'openai';
import { followProxy } from './proxied.mjs';

const client = new OpenAI({ fetch: followProxy() });
const model = process.env.MODEL;
const declared = {
  name: 'lookup',
  description: 'The weather of a place',
  parameters: { type: 'object', properties: { place: { type: 'string' } } },
};
const question = { role: 'user', content: 'How is the weather in Ghent?' };

async function chat() {
  const messages = [question];
  for (;;) {
    const answer = await client.chat.completions
      .stream({
        model,
        messages,
        tools: [{ type: 'function', function: declared }],
        stream_options: { include_usage: true },
      })
      .finalMessage();
    const calls = answer.tool_calls ?? [];
    if (calls.length === 0) return answer.content;
    messages.push(answer);
    for (const call of calls) {
      messages.push({ role: 'tool', tool_call_id: call.id, content: call.function.arguments });
    }
  }
}

async function responses() {
  const input = [question];
  for (;;) {
    const answer = await client.responses
      .stream({ model, input, tools: [{ type: 'function', strict: false, ...declared }] })
      .finalResponse();
    const calls = answer.output.filter((item) => item.type === 'function_call');
    if (calls.length === 0) return answer.output_text;
    input.push(...answer.output);
    for (const call of calls) {
      input.push({ type: 'function_call_output', call_id: call.call_id, output: call.arguments });
    }
  }
}

console.log(await (process.argv[2] === 'chat' ? chat() : responses()));
