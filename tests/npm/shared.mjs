// What check-types.mjs and synth.mjs have in common: the library versions and the input.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.dirname(fileURLToPath(import.meta.url));

/** Version names of the JSON forms, and the folders in node_modules that hold them. */
export const LIBRARIES = { oldest: 'cdk-oldest', base: 'aws-cdk-lib', newest: 'cdk-newest' };

/** Folders that are not read from `dir`: installed, built, or about tests. */
export const SKIPPED = new Set(['node_modules', 'cdk.out', '.git', 'coverage', 'dist', 'test', 'tests']);

/** The list of cases on standard input. */
export function readInput() {
  const cases = JSON.parse(fs.readFileSync(0, 'utf8'));
  if (!Array.isArray(cases)) throw new TypeError('expected a JSON list of cases on standard input');
  return cases;
}

/** The files of a case, read from `dir` if it names one; `files` replaces or adds to those. */
export function caseFiles({ dir, files = {} }) {
  const result = {};
  for (const [name, text] of [...(dir ? readTree(dir) : []), ...Object.entries(files)]) {
    const clean = path.posix.normalize(name);
    if (path.posix.isAbsolute(clean) || clean.startsWith('..')) throw new Error(`not inside the case: ${name}`);
    result[clean] = text;
  }
  if (Object.keys(result).length === 0) throw new Error('no files');
  return result;
}

function readTree(dir, prefix = '') {
  return fs.readdirSync(path.join(dir, prefix), { withFileTypes: true }).flatMap(entry => {
    const name = path.posix.join(prefix, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : readTree(dir, name);
    return entry.isFile() ? [[name, fs.readFileSync(path.join(dir, name), 'utf8')]] : [];
  });
}
