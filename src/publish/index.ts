/** Models and runs as a browser gets them. */

export type { ModelFacts, PageFacts } from './page-facts.ts';
export { type WebSource, webPageFolder, writeWebFolder } from './web-folder.ts';
export { writeWebModel } from './web-model.ts';
