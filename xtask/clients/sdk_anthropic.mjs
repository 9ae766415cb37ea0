// A streamed tool loop with the Node SDK of Anthropic.
import Anthropic from '@anthropic-ai/sdk';
import { followProxy } from './proxied.mjs';

const client = new Anthropic({ fetch: followProxy() });
const tool = {
  name: 'lookup',
  description: 'The weather of a place',
  input_schema: { type: 'object', properties: { place: { type: 'string' } } },
};
const messages = [{ role: 'user', content: 'How is the weather in Ghent?' }];
for (;;) {
  const answer = await client.messages
    .stream({ model: process.env.MODEL, max_tokens: 512, tools: [tool], messages })
    .finalMessage();
  const calls = answer.content.filter((block) => block.type === 'tool_use');
  if (calls.length === 0) {
    console.log(answer.content.map((block) => block.text ?? '').join(''));
    break;
  }
  messages.push({ role: 'assistant', content: answer.content });
  const result = (call) => ({
    type: 'tool_result',
    tool_use_id: call.id,
    content: JSON.stringify(call.input),
  });
  messages.push({ role: 'user', content: calls.map(result) });
}
