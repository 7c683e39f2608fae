/** A PATH on which calm is, as after an installation: what it says of itself does not depend on where it lies. */

import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { EXECUTABLE } from './cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'calm-path-'));
symlinkSync(EXECUTABLE, join(folder, 'calm'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

export const PATH_WITH_CALM = `${folder}${delimiter}${process.env.PATH}`;
