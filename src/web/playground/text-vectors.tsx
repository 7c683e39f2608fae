import { useState } from 'preact/hooks';
import type { ModelClient } from '../model/model-client.ts';
import { useCall } from '../model/use-call.ts';
import { formatShare, visible } from '../parts/numbers.ts';
import { Plane } from '../parts/plane.tsx';
import { principalPlane } from '../parts/principal-plane.ts';

/** A text as its autoencoder sees it: a point for each patch. */
export function TextVectorsPlane({ client, text }: { readonly client: ModelClient; readonly text: string }) {
  const [isAsked, setIsAsked] = useState(false);
  const { value: found } = useCall(client, 'vectors', isAsked ? { text } : undefined);
  const size = found ? found.latents.length / Math.max(1, found.texts.length) : 0;
  const plane = found && found.texts.length > 2 ? principalPlane(found.latents, size) : undefined;
  return (
    <details class="vectors" onToggle={({ currentTarget }) => setIsAsked(currentTarget.open)}>
      <summary>The text as vectors</summary>
      {found && plane ? (
        <figure>
          <Plane
            title={`${found.texts.length} patches of the text as points`}
            points={found.texts.map((label, i) => ({
              x: plane.points[2 * i] as number,
              y: plane.points[2 * i + 1] as number,
              group: /^\s*[A-Z]/.test(label)
                ? 0
                : /[^\w\s]/.test(label)
                  ? 1
                  : /\d/.test(label)
                    ? 2
                    : undefined,
              label: visible(label),
            }))}
          />
          <figcaption>
            Each point is a patch of prompt and text, a vector of {size} numbers, in the plane in which they
            differ most ({formatShare(plane.share)} of their variance).{' '}
            <span class="key">
              <span class="dot group-0" aria-hidden="true" /> begins with a capital
              <span class="dot group-1" aria-hidden="true" /> has punctuation
              <span class="dot group-none" aria-hidden="true" /> others
            </span>
          </figcaption>
        </figure>
      ) : (
        <p class="quiet">{found ? 'The text is too short.' : 'Encoding …'}</p>
      )}
    </details>
  );
}
