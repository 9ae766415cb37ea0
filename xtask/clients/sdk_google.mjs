// A streamed tool loop with @google/genai.
import { GoogleGenAI, Type } from '@google/genai';
import { followProxy } from './proxied.mjs';

followProxy();
const baseUrl = process.env.GOOGLE_GEMINI_BASE_URL;
const client = new GoogleGenAI({
  apiKey: process.env.GEMINI_API_KEY,
  httpOptions: baseUrl ? { baseUrl } : undefined,
});
const declared = {
  name: 'lookup',
  description: 'The weather of a place',
  parameters: { type: Type.OBJECT, properties: { place: { type: Type.STRING } } },
};
const contents = [{ role: 'user', parts: [{ text: 'How is the weather in Ghent?' }] }];
for (;;) {
  const parts = [];
  const stream = await client.models.generateContentStream({
    model: process.env.MODEL,
    contents,
    config: { tools: [{ functionDeclarations: [declared] }] },
  });
  for await (const chunk of stream) parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []));
  const calls = parts.map((part) => part.functionCall).filter(Boolean);
  if (calls.length === 0) {
    console.log(parts.filter((part) => !part.thought).map((part) => part.text ?? '').join(''));
    break;
  }
  contents.push({ role: 'model', parts });
  const result = (call) => ({
    functionResponse: { id: call.id, name: call.name, response: call.args },
  });
  contents.push({ role: 'user', parts: calls.map(result) });
}
