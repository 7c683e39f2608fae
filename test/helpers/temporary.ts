import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ExecutionContext, TestFn } from 'ava';

/** A folder that is gone when the test is over. */
export function temporaryFolder(t: ExecutionContext<unknown>): string {
  const folder = mkdtempSync(join(tmpdir(), 'calm-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder with these files, by their paths in it. */
export function folderWith(
  t: ExecutionContext<unknown>,
  files: Readonly<Record<string, string | Buffer>>,
): string {
  const folder = temporaryFolder(t);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/**
 * A folder whose contents take long to make: they are made once for all tests of a file, and each gets a copy.
 * @param make fills the folder
 */
export function folderMadeOnce(test: TestFn, make: (folder: string) => Promise<unknown>) {
  const first = mkdtempSync(join(tmpdir(), 'calm-test-'));
  test.after.always(() => rmSync(first, { recursive: true, force: true }));
  let made: Promise<unknown> | undefined;
  return async (t: ExecutionContext<unknown>): Promise<string> => {
    await (made ??= make(first));
    const folder = temporaryFolder(t);
    cpSync(first, folder, { recursive: true });
    return folder;
  };
}
