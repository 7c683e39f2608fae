import { messageOf } from '../../errors.ts';

/** What went wrong, in words. */
export function Problem({ error }: { readonly error: unknown }) {
  return (
    <p class="problem" role="alert">
      {messageOf(error)}
    </p>
  );
}
