import type { ModelFacts } from '../../publish/page-facts.ts';
import { Explained } from './explained.tsx';
import { Playground } from './playground.tsx';

/** The page of an exported model. */
export function PlaygroundPage({ models }: { readonly models: readonly ModelFacts[] }) {
  const [model] = models;
  if (!model) return <p class="problem">There is no model here.</p>;
  return (
    <div class="page">
      <header class="top">
        <p class="wordmark">
          calm<span>{model.name}</span>
        </p>
        <nav aria-label="Page">
          <a href="#play">Play</a>
          <a href="#explained">What this is</a>
        </nav>
      </header>
      <main>
        <Playground models={models} />
        <Explained models={models} />
      </main>
      <footer>
        <p>
          Made by calm-lm. Everything is computed in this browser; nothing is sent anywhere. The method:{' '}
          <cite>Continuous Autoregressive Language Models</cite>, arXiv 2510.27688.{' '}
          <a href="licenses.txt">Licences</a> of what it is built on.
        </p>
      </footer>
    </div>
  );
}
