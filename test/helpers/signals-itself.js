/**
 * Sends SIGTERM to the process as soon as it has written CALM_SIGNAL_AT to stderr. For processes that are
 * started with it:
 * NODE_OPTIONS="--import …/signals-itself.js".
 */

const { write } = process.stderr;
let isSent = false;

process.stderr.write = function (chunk, ...rest) {
  if (!isSent && String(chunk).includes(process.env.CALM_SIGNAL_AT)) {
    isSent = true;
    process.kill(process.pid, 'SIGTERM');
  }
  return write.call(this, chunk, ...rest);
};
