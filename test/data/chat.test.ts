import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  ByteTokenizer,
  chatIds,
  loadTokenizer,
  openSerialised,
  renderChat,
  trainBpe,
  WordCounter,
} from '../../src/data/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { tinyText } from '../helpers/tiny.ts';

const CHATML =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + " +
  "'<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
/** Llama-3's, which says what a text begins with. */
const LLAMA3 =
  "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + " +
  "message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}" +
  '{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}' +
  "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}";
const STRICT =
  "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}x";

const messages = [
  { role: 'user', content: 'What is 2 + 3? ' },
  { role: 'assistant', content: '5' },
  { role: 'user', content: 'And 1?' },
];

test('messages become text by the template that a tokenizer states, as transformers renders it', async (t) => {
  const folder = temporaryFolder(t);
  const words = new WordCounter();
  words.add(tinyText(1, 50));
  const file = join(folder, 'tokenizer.json');
  writeFileSync(file, JSON.stringify(trainBpe(words.counts, 280)));
  const state = (config: object) =>
    writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ bos_token: '<s>', ...config }));

  state({ chat_template: CHATML });
  const chatMl = await loadTokenizer(file);
  const text =
    '<|im_start|>user\nWhat is 2 + 3? <|im_end|>\n<|im_start|>assistant\n5<|im_end|>\n<|im_start|>user\n' +
    'And 1?<|im_end|>\n<|im_start|>assistant\n';
  t.is(await renderChat(chatMl, messages), text);
  t.is(
    await renderChat(chatMl, messages.slice(0, 2), { addGenerationPrompt: false }),
    '<|im_start|>user\nWhat is 2 + 3? <|im_end|>\n<|im_start|>assistant\n5<|im_end|>\n',
  );
  t.deepEqual(await chatIds(chatMl, messages), Array.from(await chatMl.encode(text)));
  // Another thread's tokenizer and one that is written and read again say the same.
  const { endOfTextId, padId, chat } = chatMl;
  const elsewhere = openSerialised({ json: chatMl.toJson(), endOfTextId, padId, chat });
  t.is(await renderChat(elsewhere, messages), text);

  state({
    chat_template: [
      { name: 'tool_use', template: 'no' },
      { name: 'default', template: LLAMA3 },
    ],
  });
  t.is(
    await renderChat(await loadTokenizer(file), messages.slice(0, 1)),
    '<s><|start_header_id|>user<|end_header_id|>\n\nWhat is 2 + 3?<|eot_id|><|start_header_id|>assistant' +
      '<|end_header_id|>\n\n',
  );

  // A template in a file of its own comes first.
  writeFileSync(join(folder, 'chat_template.jinja'), STRICT);
  const strict = await loadTokenizer(file);
  await t.throwsAsync(renderChat(strict, [{ role: 'system', content: 'Be brief.' }]), {
    code: 'CALM_CHAT',
    message: /System role not supported/,
  });
  t.is(strict.toFiles()['chat_template.jinja'], STRICT);
});

test('bytes have a chat template too; without one, messages are refused', async (t) => {
  const folder = temporaryFolder(t);
  const files = new ByteTokenizer({ chatTemplate: CHATML }).toFiles();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const read = await loadTokenizer(folder);
  t.true(read instanceof ByteTokenizer);
  t.is(
    await renderChat(read, [{ role: 'user', content: 'a' }]),
    '<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n',
  );

  await t.throwsAsync(renderChat(new ByteTokenizer(), messages), { code: 'CALM_CHAT' });
  await t.throwsAsync(renderChat(read, []), { code: 'CALM_CHAT', message: /no message/ });
  const wrong = [{ role: 'user', content: 3 }] as unknown as typeof messages;
  await t.throwsAsync(renderChat(read, wrong), { code: 'CALM_CHAT', message: /message 1 .*"content"/ });
});
