// The official openai package for Node against a server: BASE is its /v1, the library holds the eels.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: process.env.BASE, apiKey: 'none', maxRetries: 0 });
const messages = [{ role: 'user', content: 'When do silver eels leave the Halden estuary?' }];

const names = [];
for await (const model of client.models.list()) names.push(model.id);
assert(names.includes('extractive') && names.includes('extractive:deep'));

const answer = await client.chat.completions.create({ model: 'extractive', messages });
const { content, annotations } = answer.choices[0].message;
assert.match(content, /October/);
const { start_index: start, end_index: end } = annotations[0].url_citation;
assert.match([...content].slice(start, end).join(''), /October/);

let said = '';
let usage = null;
const stream = await client.chat.completions.create({
  model: 'extractive', messages, stream: true, stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  said += chunk.choices[0]?.delta.content ?? '';
  usage = chunk.usage ?? usage;
}
assert.equal(said, content);
assert(usage);

const runner = client.chat.completions.stream({ model: 'extractive', messages });
assert.equal((await runner.finalChatCompletion()).choices[0].message.content, content);

const told = await client.responses.create({ model: 'extractive', input: messages });
assert.equal(told.output_text, content);
assert.equal(told.output[0].content[0].annotations[0].start_index, start);
const telling = client.responses.stream({ model: 'extractive:deep', input: messages[0].content });
const types = [];
telling.on('event', ({ type }) => types.push(type));
const whole = await telling.finalResponse();
assert(types.includes('response.reasoning_summary_text.delta') && types.at(-1) === 'response.completed', types);
assert.match(whole.output_text, /October/);

await assert.rejects(client.chat.completions.create({ model: 'gpt-none', messages }), OpenAI.NotFoundError);
await assert.rejects(client.chat.completions.create({ model: 'extractive', messages, n: 2 }), OpenAI.BadRequestError);
console.log('openai for Node is content');
