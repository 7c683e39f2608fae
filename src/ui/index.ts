/** One local page over a folder of runs. */

export { makeUi, type Ui, type UiOptions } from './app.ts';
export { RunsOfFolder } from './run-facts.ts';
