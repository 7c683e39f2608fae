import { useId } from 'preact/hooks';
import type { GenerateRequest, OpenRequest } from '../model/protocol.ts';
import { Temperature } from './temperature.tsx';

const LARGEST_SEED = 2 ** 31;

/** What is written, and how. */
export function Settings({
  request,
  engine,
  isWriting,
  isReady,
  onRequest,
  onEngine,
  onStop,
}: {
  readonly request: GenerateRequest;
  readonly engine: OpenRequest['engine'];
  readonly isWriting: boolean;
  readonly isReady: boolean;
  readonly onRequest: (request: GenerateRequest) => void;
  readonly onEngine: (engine: OpenRequest['engine']) => void;
  readonly onStop: () => void;
}) {
  const id = useId();
  const set = (changes: Partial<GenerateRequest>) => onRequest({ ...request, ...changes });
  return (
    <>
      <div class="field prompt-field">
        <label for={`${id}-prompt`}>Prompt</label>
        <textarea
          id={`${id}-prompt`}
          rows={2}
          value={request.prompt}
          placeholder="Empty starts a document"
          spellcheck={false}
          onInput={({ currentTarget }) => set({ prompt: currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey))
              event.currentTarget.form?.requestSubmit();
          }}
        />
      </div>
      <div class="row">
        <Temperature
          value={request.temperature}
          label="Temperature"
          onChange={(temperature) => set({ temperature })}
        />
        <NumberField
          label="Tokens"
          value={request.maxTokens}
          least={1}
          most={1000}
          onChange={(maxTokens) => set({ maxTokens })}
        />
        <NumberField
          label="Seed"
          value={request.seed}
          least={0}
          most={LARGEST_SEED}
          onChange={(seed) => set({ seed })}
        />
        <div class="actions">
          {isWriting ? (
            <button type="button" class="primary" onClick={onStop}>
              Stop
            </button>
          ) : (
            <button type="submit" class="primary" disabled={!isReady}>
              Write
            </button>
          )}
          <button
            type="button"
            disabled={isWriting}
            onClick={() => set({ seed: Math.floor(Math.random() * 10_000) })}
          >
            Other seed
          </button>
        </div>
      </div>
      <details>
        <summary>How it is drawn and computed</summary>
        <div class="row">
          <div class="field">
            <label for={`${id}-sampler`}>Sampler</label>
            <select
              id={`${id}-sampler`}
              value={request.sampler}
              onChange={({ currentTarget }) =>
                set({ sampler: currentTarget.value as GenerateRequest['sampler'] })
              }
            >
              <option value="batch">batch (Algorithm 2)</option>
              <option value="exact">exact (Algorithm 1)</option>
            </select>
          </div>
          <NumberField
            label="Candidates a patch"
            value={request.numCandidates}
            least={2}
            most={5000}
            onChange={(numCandidates) => set({ numCandidates })}
          />
          <div class="field">
            <label for={`${id}-engine`}>Computed by</label>
            <select
              id={`${id}-engine`}
              value={engine}
              onChange={({ currentTarget }) => onEngine(currentTarget.value as OpenRequest['engine'])}
            >
              <option value="auto">WebGPU, else WebAssembly</option>
              <option value="webgpu">WebGPU</option>
              <option value="wasm">WebAssembly</option>
            </select>
          </div>
        </div>
        <p class="note">
          With WebAssembly the same seed gives the same text as <code>calm sample --engine wasm</code> with
          this folder's weights. WebGPU agrees to rounding, which can lead a text elsewhere.
        </p>
      </details>
    </>
  );
}

function NumberField({
  label,
  value,
  least,
  most,
  onChange,
}: {
  readonly label: string;
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly onChange: (value: number) => void;
}) {
  const id = useId();
  return (
    <div class="field number">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="number"
        inputMode="numeric"
        min={least}
        max={most}
        step={1}
        required
        value={value}
        onInput={({ currentTarget }) => {
          const given = currentTarget.valueAsNumber;
          if (Number.isInteger(given) && given >= least && given <= most) onChange(given);
        }}
      />
    </div>
  );
}
