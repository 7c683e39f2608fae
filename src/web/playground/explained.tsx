import type { ModelFacts } from '../../publish/page-facts.ts';

/** The paper in six short paragraphs, for someone who has not read it. */
export function Explained({ models }: { readonly models: readonly ModelFacts[] }) {
  const hasDiscrete = models.some(({ kind }) => kind === 'transformer');
  return (
    <section id="explained" class="explained">
      <h1>What this is</h1>
      <div class="columns">
        <article>
          <h2>Vectors instead of words</h2>
          <p>
            An ordinary language model writes a token at a time, a word or a piece of one. A CALM writes
            several at once. An autoencoder has learnt to turn each group of K tokens, a <em>patch</em>, into
            one vector, and to turn the vector back into the same tokens. The language model reads and
            predicts these vectors, so a text of n tokens takes n / K steps.
          </p>
        </article>
        <article>
          <h2>No probabilities, only draws</h2>
          <p>
            There are finitely many tokens, and an ordinary model gives each of them a probability. There is
            no such table for vectors. The model turns random noise into a vector: it can be asked for a draw,
            and for another one. What comes often is what it finds likely. Choose a patch above to see all
            draws in its place.
          </p>
        </article>
        <article>
          <h2>A space that forgives</h2>
          <p>
            A predicted vector is never exactly right. The autoencoder is trained with noise, so that every
            vector near the right one is decoded to the same tokens. In the plane beside the draws, points of
            one colour are different vectors that become the same patch.
          </p>
        </article>
        <article>
          <h2>Temperature by agreement</h2>
          <p>
            A low temperature makes a text safer: what is likely becomes likelier, p turns into p
            <sup>1/T</sup>. Without p this is done by agreement. At T = 1/2 two draws must be equal, which
            happens with probability p². The <em>exact</em> sampler draws until as many in a row agree as the
            temperature asks for. The <em>batch</em> sampler draws N candidates once and counts how many such
            groups each patch has.
          </p>
        </article>
        <article>
          <h2>How such a model is judged</h2>
          <p>
            Without probabilities there is no perplexity. BrierLM asks for two draws: it rewards the model
            where a draw is the true text, and where two draws differ, so that it pays to be as sure as is
            right. The training of the vectors works the same way, with distances in the place of equality.
          </p>
        </article>
        {hasDiscrete ? (
          <article>
            <h2>The model beside it</h2>
            <p>
              The second model is the ordinary kind, a Transformer that writes one token a step and knows its
              probabilities. Compare how many steps the two take, how long a step takes, and what they write.
            </p>
          </article>
        ) : (
          <article>
            <h2>What to expect</h2>
            <p>
              A small model that was trained for minutes on a small corpus has learnt spelling, word order and
              the tone of its texts. It does not know what it says.
            </p>
          </article>
        )}
      </div>
    </section>
  );
}
