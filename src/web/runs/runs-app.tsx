import { useEffect, useState } from 'preact/hooks';
import { pageOf } from './api.ts';
import { CompareView } from './compare-view.tsx';
import { PlayView } from './play-view.tsx';
import { RunList } from './run-list.tsx';
import { RunView } from './run-view.tsx';

/** The page over a folder of runs; what it shows stands behind the # of its address. */
export function RunsApp({
  folder,
  allowsControl,
}: {
  readonly folder: string;
  readonly allowsControl: boolean;
}) {
  const [view = '', ...names] = useWords();
  const [name] = names;
  useEffect(() => {
    document.title = [name, 'calm'].filter(Boolean).join(' – ');
  }, [name]);
  return (
    <div class="page">
      <header class="top">
        <p class="wordmark">
          <a href="#/">calm</a>
          <span>{folder}</span>
        </p>
        <nav aria-label="Page">
          <a href="#/" aria-current={view === '' ? 'page' : undefined}>
            Runs
          </a>
          {name && view !== 'compare' && (
            <>
              <a href={pageOf('run', name)} aria-current={view === 'run' ? 'page' : undefined}>
                {name}
              </a>
              <a href={pageOf('play', name)} aria-current={view === 'play' ? 'page' : undefined}>
                Play
              </a>
            </>
          )}
          {view === 'compare' && (
            <a href={pageOf('compare', ...names)} aria-current="page">
              Comparison
            </a>
          )}
        </nav>
      </header>
      <main key={[view, ...names].join('/')}>
        {view === 'run' && name ? (
          <RunView name={name} allowsControl={allowsControl} />
        ) : view === 'play' && name ? (
          <PlayView name={name} />
        ) : view === 'compare' ? (
          <CompareView names={names} />
        ) : (
          <RunList />
        )}
      </main>
    </div>
  );
}

function useWords(): string[] {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const onChange = () => setHash(location.hash);
    addEventListener('hashchange', onChange);
    return () => removeEventListener('hashchange', onChange);
  }, []);
  return hash
    .replace(/^#\/?/, '')
    .split('/')
    .filter(Boolean)
    .map((word) => {
      try {
        return decodeURIComponent(word);
      } catch {
        return word;
      }
    });
}
