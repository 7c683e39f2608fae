'use strict';
// `require('calm-lm')` in a Node that can't require ES modules (before 20.19, and 22.0 to 22.11). Newer ones
// get the library itself by the condition "module-sync".

const library = () => import('../dist/src/library/index.js');

/** Known by its name: the class itself is there once something is loaded. */
class CalmError extends Error {
  static [Symbol.hasInstance](error) {
    return error instanceof Error && error.name === 'CalmError';
  }
}

const deferred =
  (name) =>
  async (...given) =>
    (await library())[name](...given);

module.exports = {
  CalmError,
  load: deferred('load'),
  readLatents: deferred('readLatents'),
  writeLatents: deferred('writeLatents'),
};
