/** What a command line may go on with. */
export interface Candidate {
  readonly value: string;
  readonly summary?: string | undefined;
}
