import { useMemo } from 'preact/hooks';
import type { ModelFacts } from '../../publish/page-facts.ts';
import { Problem } from '../parts/problem.tsx';
import { Explained } from '../playground/explained.tsx';
import { Playground } from '../playground/playground.tsx';
import { runPath, useAnswer } from './api.ts';

/** The playground of a run's model, which is computed in this browser. */
export function PlayView({ name }: { readonly name: string }) {
  const { value: facts, problem } = useAnswer<ModelFacts>(runPath(name, '/model.json'));
  const models = useMemo(() => (facts ? [facts] : []), [facts]);
  if (problem) return <Problem error={problem} />;
  if (!facts) return <p class="quiet">Preparing the model …</p>;
  return (
    <>
      <Playground models={models} />
      <Explained models={models} />
    </>
  );
}
