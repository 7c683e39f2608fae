/** Questions that gather until someone answers all of them. */

interface Asked<Question, Answer> {
  readonly question: Question;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export class Desk<Question, Answer> {
  readonly #answerAll: (questions: readonly Question[]) => Promise<readonly Answer[]>;
  #asked: Asked<Question, Answer>[] = [];

  /** @param answerAll answers in the order of the questions */
  constructor(answerAll: (questions: readonly Question[]) => Promise<readonly Answer[]>) {
    this.#answerAll = answerAll;
  }

  get numAsked(): number {
    return this.#asked.length;
  }

  /** Waits for an answer. */
  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ question, resolve, reject });
    });
  }

  /** Answers what has been asked so far. An error is everyone's answer. */
  async answer(): Promise<void> {
    const asked = this.#take();
    if (asked.length === 0) return;
    try {
      const answers = await this.#answerAll(asked.map(({ question }) => question));
      asked.forEach(({ resolve }, i) => {
        resolve(answers[i] as Answer);
      });
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }

  /** Answers what has been asked so far with an error. */
  refuse(error: unknown): void {
    for (const { reject } of this.#take()) reject(error);
  }

  #take(): Asked<Question, Answer>[] {
    const asked = this.#asked;
    this.#asked = [];
    return asked;
  }
}
