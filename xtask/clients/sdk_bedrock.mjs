// A streamed tool loop with the AWS SDK for JavaScript.
import { BedrockRuntimeClient, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { HttpsProxyAgent } from 'https-proxy-agent';

const proxy = process.env.HTTPS_PROXY;
const endpoint = process.env.ANTHROPIC_BEDROCK_BASE_URL;
const client = new BedrockRuntimeClient({
  region: 'us-east-1',
  ...(endpoint ? { endpoint } : {}),
  ...(proxy ? { requestHandler: new NodeHttpHandler({ httpsAgent: new HttpsProxyAgent(proxy) }) } : {}),
});
const declared = {
  name: 'lookup',
  description: 'The weather of a place',
  inputSchema: { json: { type: 'object', properties: { place: { type: 'string' } } } },
};
const messages = [{ role: 'user', content: [{ text: 'How is the weather in Ghent?' }] }];
for (;;) {
  const answer = await client.send(
    new ConverseStreamCommand({
      modelId: process.env.MODEL,
      messages,
      toolConfig: { tools: [{ toolSpec: declared }] },
    }),
  );
  const texts = new Map();
  const calls = new Map();
  for await (const { contentBlockStart, contentBlockDelta } of answer.stream) {
    const use = contentBlockStart?.start?.toolUse;
    if (use) calls.set(contentBlockStart.contentBlockIndex, { ...use, input: '' });
    if (!contentBlockDelta) continue;
    const { contentBlockIndex: at, delta } = contentBlockDelta;
    if (delta.text !== undefined) texts.set(at, (texts.get(at) ?? '') + delta.text);
    if (delta.toolUse) calls.get(at).input += delta.toolUse.input;
  }
  if (calls.size === 0) {
    console.log([...texts.values()].join(''));
    break;
  }
  const uses = [...calls.values()].map((call) => ({ ...call, input: JSON.parse(call.input || '{}') }));
  const said = [...texts.values()].map((text) => ({ text }));
  messages.push({ role: 'assistant', content: [...said, ...uses.map((toolUse) => ({ toolUse }))] });
  const result = ({ toolUseId, input }) => ({
    toolResult: { toolUseId, content: [{ json: input }] },
  });
  messages.push({ role: 'user', content: uses.map(result) });
}
