import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ModelFacts } from '../../publish/page-facts.ts';
import { ModelClient } from '../model/model-client.ts';
import type { GenerateRequest, OpenRequest, PatchEvent, Written } from '../model/protocol.ts';
import { formatBytes, formatCount, formatSeconds, visible } from '../parts/numbers.ts';
import { Problem } from '../parts/problem.tsx';
import { PatchDraws } from './patch-draws.tsx';
import { Settings } from './settings.tsx';
import { TextVectorsPlane } from './text-vectors.tsx';
import { TokenChances } from './token-chances.tsx';
import { WrittenText } from './written-text.tsx';

/** A model in its worker, and how far it is. */
interface Player {
  readonly facts: ModelFacts;
  readonly client: ModelClient;
  readonly state: 'loading' | 'ready' | 'writing' | 'broken';
  readonly bytes: number;
  readonly engine?: string;
  readonly problem?: unknown;
  readonly asked?: GenerateRequest;
  readonly patches: readonly PatchEvent[];
  readonly written?: Written;
}

/** A prompt, what models write after it, and what can be seen of how they did. */
export function Playground({ models }: { readonly models: readonly ModelFacts[] }) {
  const first = models[0] as ModelFacts;
  const [request, setRequest] = useState<GenerateRequest>({
    prompt: first.prompt,
    seed: first.seed,
    temperature: first.temperature ?? 0.5,
    maxTokens: 80,
    sampler: 'batch',
    numCandidates: first.numCandidates ?? 200,
  });
  const [engine, setEngine] = useState<OpenRequest['engine']>('auto');
  const [selected, setSelected] = useState<{ readonly model: number; readonly step: number }>();
  const [players, change] = usePlayers(models, engine);
  const isWriting = players.some(({ state }) => state === 'writing');
  // A model that could not be opened keeps no other one waiting.
  const isReady =
    players.some(({ state }) => state === 'ready') && !players.some(({ state }) => state === 'loading');
  const write = () => {
    setSelected(undefined);
    players.forEach((player, i) => {
      if (player.state === 'ready') void writeText(player, request, (changes) => change(i, changes));
    });
  };
  const stop = () => {
    for (const { client, state } of players) if (state === 'writing') client.stop();
  };
  const inspected = selected && players[selected.model];
  const patch = inspected?.patches[selected?.step ?? -1];
  return (
    <section id="play" class="playground" aria-label="Playground">
      <div class="stage">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!isWriting) write();
          }}
        >
          <Settings
            request={request}
            engine={engine}
            isWriting={isWriting}
            isReady={isReady}
            onRequest={setRequest}
            onEngine={setEngine}
            onStop={stop}
          />
        </form>
        <div class={players.length > 1 ? 'texts beside' : 'texts'}>
          {players.map((player, i) => (
            <Text
              key={player.facts.folder}
              player={player}
              hasTitle={players.length > 1}
              selected={selected?.model === i ? selected.step : undefined}
              onSelect={(step) => setSelected({ model: i, step })}
            />
          ))}
        </div>
        {players.map(
          (player) =>
            player.facts.kind === 'calm' &&
            player.written &&
            player.written.text !== '' && (
              <TextVectorsPlane
                key={player.facts.folder}
                client={player.client}
                text={(player.asked?.prompt ?? '') + player.written.text}
              />
            ),
        )}
      </div>
      <aside class="inspector" aria-label="What was drawn">
        {inspected && patch ? (
          <>
            <h2>
              <span class="token">{visible(patch.text)}</span>
              <small>
                {inspected.facts.kind === 'calm' ? 'patch' : 'token'} {patch.step + 1}
              </small>
            </h2>
            {inspected.state === 'writing' ? (
              <p class="quiet">When the text has ended, its draws can be looked at.</p>
            ) : inspected.facts.kind === 'calm' ? (
              <PatchDraws
                key={`${selected?.model} ${patch.step} ${inspected.written?.text}`}
                client={inspected.client}
                patch={patch}
                numDraws={inspected.asked?.numCandidates ?? 200}
                temperature={inspected.asked?.temperature ?? 1}
                isExact={inspected.asked?.sampler === 'exact'}
              />
            ) : (
              <TokenChances
                key={`${patch.step} ${inspected.written?.text}`}
                client={inspected.client}
                patch={patch}
                temperature={inspected.asked?.temperature ?? 1}
              />
            )}
          </>
        ) : (
          <>
            <h2>What was drawn</h2>
            <p class="quiet">
              Write a text and choose a patch of it, by mouse or with the arrow keys, to see what else the
              model drew in that place and what the temperature made of it.
            </p>
          </>
        )}
      </aside>
    </section>
  );
}

function Text({
  player: { facts, state, bytes, problem, patches, written, asked, engine },
  hasTitle,
  selected,
  onSelect,
}: {
  readonly player: Player;
  readonly hasTitle: boolean;
  readonly selected: number | undefined;
  readonly onSelect: (step: number) => void;
}) {
  const unit = facts.kind === 'calm' ? 'patches' : 'tokens, one a step';
  return (
    <article class="text">
      {hasTitle && (
        <h2>
          {facts.name}
          <small>{facts.kind === 'calm' ? 'CALM' : 'discrete Transformer'}</small>
        </h2>
      )}
      {state === 'broken' && <Problem error={problem} />}
      {state === 'loading' && (
        <p class="quiet" role="status">
          Loading {formatBytes(facts.bytes)}
          <progress max={facts.bytes} value={bytes} aria-label="Loaded" />
        </p>
      )}
      {asked ? (
        <WrittenText
          label={`Text of ${facts.name}, ${unit}`}
          prompt={asked.prompt}
          patches={patches}
          selected={selected}
          isWriting={state === 'writing'}
          onSelect={onSelect}
        />
      ) : (
        state === 'ready' && (
          <p class="written empty">
            The text will stand here, {unit === 'patches' ? 'patch by patch' : 'token by token'}.
          </p>
        )
      )}
      <p class="facts" role="status">
        {written ? factsOf(facts, patches, written) : `${formatCount(facts.numParameters)} parameters`}
        {engine && ` · ${ENGINES[engine]}`}
      </p>
    </article>
  );
}

const ENGINES: Record<string, string> = { wasm: 'WebAssembly', webgpu: 'WebGPU' };

const ENDS: Record<Written['end'], string> = {
  length: '',
  stop: '',
  'end of text': ' · the document ended',
  stopped: ' · stopped',
};

function factsOf(
  { kind }: ModelFacts,
  patches: readonly PatchEvent[],
  { numTokens, seconds, end }: Written,
): string {
  const draws = patches.reduce((sum, patch) => sum + patch.draws, 0);
  const made =
    kind === 'calm'
      ? `${numTokens} tokens in ${patches.length} patches · ${formatCount(draws)} draws`
      : `${numTokens} tokens in ${patches.length} steps`;
  return `${made} · ${formatSeconds(seconds)} · ${formatCount(numTokens / seconds)} tokens/s${ENDS[end]}`;
}

/** Opens each model in a worker, and again where another engine is wanted. */
function usePlayers(
  models: readonly ModelFacts[],
  engine: OpenRequest['engine'],
): [readonly Player[], (index: number, changes: Partial<Player>) => void] {
  const empty = useMemo(
    () =>
      models.map(
        (facts): Player => ({
          facts,
          client: new ModelClient(facts),
          state: 'loading',
          bytes: 0,
          patches: [],
        }),
      ),
    [models, engine],
  );
  const [players, setPlayers] = useState<readonly Player[]>(empty);
  const current = useRef(empty);
  const change = (of: readonly Player[]) => (index: number, changes: Partial<Player>) => {
    if (current.current !== of) return;
    setPlayers((before) => before.map((player, i) => (i === index ? { ...player, ...changes } : player)));
  };
  useEffect(() => {
    current.current = empty;
    setPlayers(empty);
    const changeOwn = change(empty);
    empty.forEach(({ client }, i) => {
      client
        .open(engine, (bytes) => changeOwn(i, { bytes }))
        .then(
          (opened) => changeOwn(i, { state: 'ready', engine: opened.engine }),
          (problem) => changeOwn(i, { state: 'broken', problem }),
        );
    });
    return () => {
      for (const { client } of empty) client.close();
    };
  }, [empty, engine]);
  return [players, change(empty)];
}

async function writeText(
  { client }: Player,
  request: GenerateRequest,
  change: (changes: Partial<Player>) => void,
): Promise<void> {
  const patches: PatchEvent[] = [];
  change({ state: 'writing', asked: request, patches: [], written: undefined as never });
  try {
    const written = await client.ask('generate', request, (notice) => {
      if (!('patch' in notice)) return;
      patches.push(notice.patch);
      change({ patches: [...patches] });
    });
    change({ state: 'ready', written });
  } catch (problem) {
    change({ state: 'broken', problem });
  }
}
