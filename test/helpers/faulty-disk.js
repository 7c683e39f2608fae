/**
 * A disk that fails, for processes that are started with it: NODE_OPTIONS="--import …/faulty-disk.js" and
 * CALM_FAULT, JSON, which may change from one command to the next:
 *
 *     { "code": "ENOSPC" | "EIO", "on": "write" | "read", "within": "part of a path", "afterBytes": 5000 }
 *     fails from so many bytes on
 *     { "delayMs": 20, "within": "…" }
 *     is slow
 *
 * It stands between a program and Node's file system, so it needs no rights; descriptors are followed by the
 * paths that they were opened with.
 */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const paths = new Map();
let told;
let fault;
let bytes;

/** Takes up what CALM_FAULT says now. */
function readFault() {
  const text = process.env.CALM_FAULT ?? '{}';
  if (text === told) return;
  told = text;
  fault = JSON.parse(text);
  bytes = 0;
}

const isMeant = (path) => typeof path === 'string' && path.includes(fault.within ?? '');
const lengthOf = (data) => (typeof data === 'string' ? Buffer.byteLength(data) : (data?.byteLength ?? 0));

/** Counts what goes to or comes from the disk, and fails where it is full or broken. */
function pass(kind, path, length) {
  readFault();
  if (!isMeant(path)) return;
  if (fault.delayMs) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, fault.delayMs);
  if (!fault.code || fault.on !== kind) return;
  bytes += length;
  if (bytes > (fault.afterBytes ?? 0))
    throw Object.assign(new Error(`${fault.code}: injected, ${kind}`), {
      code: fault.code,
      syscall: kind,
      errno: -1,
    });
}

function wrap(object, name, before) {
  const real = object[name];
  object[name] = function (...given) {
    before.call(this, ...given);
    return real.apply(this, given);
  };
}

const { openSync } = fs;
fs.openSync = (path, ...rest) => {
  const handle = openSync(path, ...rest);
  paths.set(handle, String(path));
  return handle;
};
const nameOf = (file) => (typeof file === 'number' ? paths.get(file) : String(file));
wrap(fs, 'writeSync', (handle, data, _, length) =>
  pass('write', paths.get(handle), typeof length === 'number' ? length : lengthOf(data)),
);
wrap(fs, 'readSync', (handle, data) => pass('read', paths.get(handle), lengthOf(data)));
wrap(fs, 'fsyncSync', (handle) => pass('write', paths.get(handle), 0));
for (const name of ['writeFileSync', 'appendFileSync'])
  wrap(fs, name, (file, data) => pass('write', nameOf(file), lengthOf(data)));
wrap(fs, 'readFileSync', (file) => pass('read', nameOf(file), 1));

const { open } = fs.promises;
fs.promises.open = async (path, ...rest) => {
  const handle = await open(path, ...rest);
  for (const name of ['write', 'writeFile']) {
    const real = handle[name].bind(handle);
    handle[name] = async (data, ...more) => {
      pass('write', String(path), lengthOf(data));
      return real(data, ...more);
    };
  }
  return handle;
};
for (const name of ['readFile', 'copyFile', 'writeFile']) {
  const real = fs.promises[name];
  fs.promises[name] = async (path, second, ...rest) => {
    if (name === 'copyFile') pass('write', String(second), fs.statSync(path).size);
    else
      pass(name === 'readFile' ? 'read' : 'write', String(path), name === 'readFile' ? 1 : lengthOf(second));
    return real(path, second, ...rest);
  };
}
syncBuiltinESMExports();
