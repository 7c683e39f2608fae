import { render } from 'preact';
import type { PageFacts } from '../publish/page-facts.ts';
import { Problem } from './parts/problem.tsx';
import './style/page.css';

const root = document.getElementById('app') as HTMLElement;

async function start(): Promise<void> {
  const answer = await fetch('page.json');
  if (!answer.ok) throw new Error('page.json is not there: open the page from a web server, not as a file.');
  const facts = (await answer.json()) as PageFacts;
  if (facts.runs) {
    const { RunsApp } = await import('./runs/runs-app.tsx');
    render(<RunsApp folder={facts.runs.folder} allowsControl={facts.runs.allowsControl} />, root);
  } else {
    const { PlaygroundPage } = await import('./playground/playground-page.tsx');
    render(<PlaygroundPage models={facts.models} />, root);
  }
}

start().catch((error: unknown) => render(<Problem error={error} />, root));
