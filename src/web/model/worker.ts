/** The worker that holds a model, so that the page stays responsive while it computes. */

import { hasWebGpu, loadBrowserEngine } from '../../engine/browser/load.ts';
import { messageOf } from '../../errors.ts';
import { openModel } from './open-model.ts';
import type { Calls, Notice, OpenRequest, Reply, Request } from './protocol.ts';
import { ModelSession, Stopped } from './session.ts';

/** What a worker has of its global object. */
const scope = globalThis as unknown as {
  postMessage(message: Reply): void;
  onmessage: ((event: MessageEvent<Request>) => void) | null;
};

let session: ModelSession | undefined;
let isStopped = false;
/** One call at a time, in the order in which they came. */
let last: Promise<unknown> = Promise.resolve();

scope.onmessage = ({ data }) => {
  if (data.call === 'stop') {
    isStopped = true;
    return;
  }
  last = last.then(async () => {
    try {
      scope.postMessage({ id: data.id, answer: await answer(data) });
    } catch (error) {
      scope.postMessage({ id: data.id, problem: messageOf(error) });
    }
  });
};

async function answer({
  id,
  ...request
}: Exclude<Request, { call: 'stop' }>): Promise<ReturnType<Calls[keyof Calls]>> {
  const notify = (notice: Notice) => scope.postMessage({ id, notice });
  if (request.call === 'open') return open(request.given, notify);
  if (!session) throw new Error('no model is open');
  switch (request.call) {
    case 'generate':
      isStopped = false;
      return session.generate(request.given, (patch) => notify({ patch }), pause);
    case 'draws':
      return session.draws(request.given.step, request.given.numDraws);
    case 'distribution':
      return session.distribution(request.given.step, request.given.count);
    case 'vectors':
      return session.vectors(request.given.text);
  }
}

async function open({ facts, base, engine: wanted }: OpenRequest, notify: (notice: Notice) => void) {
  const name = wanted === 'auto' ? ((await hasWebGpu()) ? 'webgpu' : 'wasm') : wanted;
  const engine = await loadBrowserEngine(name);
  const opened = await openModel(engine, facts, base, (bytes) => notify({ bytes }));
  session = new ModelSession(engine, opened);
  return { engine: name, patchSize: session.patchSize };
}

const channel = new MessageChannel();

/** Lets messages in; a timer would wait 4 ms each time. */
async function pause(): Promise<void> {
  await new Promise((resolve) => {
    channel.port1.onmessage = resolve;
    channel.port2.postMessage(undefined);
  });
  if (isStopped) throw new Stopped();
}
