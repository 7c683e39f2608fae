import { useId } from 'preact/hooks';

export function Temperature({
  value,
  label,
  onChange,
}: {
  readonly value: number;
  readonly label: string;
  readonly onChange: (value: number) => void;
}) {
  const id = useId();
  return (
    <div class="field temperature">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="range"
        min={0.1}
        max={1}
        step={0.01}
        value={value}
        onInput={({ currentTarget }) => onChange(Number(currentTarget.value))}
      />
      <output for={id}>{value.toFixed(2)}</output>
    </div>
  );
}
