import { useRef } from 'preact/hooks';
import type { PatchEvent } from '../model/protocol.ts';
import { visible } from '../parts/numbers.ts';

/** A prompt and what was written after it; each patch is one unit that can be chosen by mouse and by keys. */
export function WrittenText({
  label,
  prompt,
  patches,
  selected,
  isWriting,
  onSelect,
}: {
  readonly label: string;
  readonly prompt: string;
  readonly patches: readonly PatchEvent[];
  readonly selected: number | undefined;
  readonly isWriting: boolean;
  readonly onSelect: (step: number) => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  const select = (step: number) => {
    const within = Math.max(0, Math.min(patches.length - 1, step));
    onSelect(within);
    list.current?.querySelectorAll<HTMLElement>('[role=option]')[within]?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = MOVES[event.key]?.(selected ?? -1, patches.length);
    if (to === undefined || patches.length === 0) return;
    event.preventDefault();
    select(to);
  };
  return (
    <div class={`written ${isWriting ? 'is-writing' : ''}`}>
      <span class="prompt">{prompt}</span>
      <div
        ref={list}
        class="patches"
        role="listbox"
        aria-label={label}
        aria-orientation="horizontal"
        aria-busy={isWriting}
        tabIndex={patches.length > 0 && selected === undefined ? 0 : -1}
        onKeyDown={onKeyDown}
      >
        {patches.map(({ step, text }) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the list takes the keys
          <span
            key={step}
            role="option"
            class={`patch ${step % 2 ? 'odd' : 'even'}`}
            aria-selected={step === selected}
            aria-label={`${step + 1}: ${visible(text)}`}
            tabIndex={step === selected ? 0 : -1}
            onClick={() => select(step)}
          >
            {text}
          </span>
        ))}
      </div>
    </div>
  );
}

const MOVES: Record<string, (at: number, count: number) => number> = {
  ArrowRight: (at) => at + 1,
  ArrowDown: (at) => at + 1,
  ArrowLeft: (at) => at - 1,
  ArrowUp: (at) => at - 1,
  Home: () => 0,
  End: (_, count) => count - 1,
};
