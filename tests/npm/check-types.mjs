// Type-checks many small CDK programs in one go. See README.md for the JSON forms.
//
// All cases of one library version become one TypeScript program, each case in a folder of its own, so the
// library is parsed, bound and resolved once. Nothing is written to disk.

import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { LIBRARIES, ROOT, caseFiles, readInput } from './shared.mjs';

const OPTIONS = {
  strict: true,
  noImplicitReturns: true,
  noEmit: true,
  skipLibCheck: true,
  // A file without imports must not share its globals with the other cases.
  moduleDetection: ts.ModuleDetectionKind.Force,
  module: ts.ModuleKind.CommonJS,
  moduleResolution: ts.ModuleResolutionKind.Node10,
  target: ts.ScriptTarget.ES2022,
  types: ['node'],
};

// Where the cases appear to be: inside this folder, so that packages are found as usual, but not on the disk.
const VIRTUAL = path.join(ROOT, '.cases');

const registry = ts.createDocumentRegistry();
/** Parsed library files, shared by the programs whose options parse and bind them alike. */
const parsed = new Map();

/** A case that can reach into others (ambient declarations) gets a program to itself. */
function isAmbient(files) {
  return Object.entries(files).some(
    ([name, text]) => name.endsWith('.d.ts') || /\bdeclare\s+(global|module)\b/.test(text),
  );
}

function compilerOptions(extra = {}) {
  const { options, errors } = ts.convertCompilerOptionsFromJson(extra, ROOT);
  if (errors.length > 0) {
    throw new Error(errors.map(e => ts.flattenDiagnosticMessageText(e.messageText, '\n')).join('; '));
  }
  return { ...OPTIONS, ...options, noEmit: true };
}

/**
 * The library's index names every service. A program that says none of `aws_lambda`, `aws_s3`… needs none of
 * them through the index, and leaving them out saves most of the parsing.
 */
function shortIndex(text, mentioned) {
  return text.replace(/^export \* as (\w+) from .*$/gm, (line, name) => (mentioned.has(name) ? line : ''));
}

function checkGroup(version, options, cases) {
  const library = LIBRARIES[version];
  const libraryRoot = path.join(ROOT, 'node_modules', library);
  const indexFile = path.join(libraryRoot, 'index.d.ts');

  const virtual = new Map();
  const folders = new Set([VIRTUAL]);
  const mentioned = new Set();
  const owners = cases.map((entry, index) => {
    const folder = path.join(VIRTUAL, String(index));
    const roots = [];
    for (const [name, text] of Object.entries(entry.files)) {
      const file = path.join(folder, name);
      virtual.set(file, text);
      for (let dir = path.dirname(file); dir !== VIRTUAL; dir = path.dirname(dir)) folders.add(dir);
      if (/\.[cm]?tsx?$/.test(name)) roots.push(file);
      for (const [word] of text.matchAll(/\b[a-z]\w*\b/g)) mentioned.add(word);
    }
    return { entry, folder, roots };
  });

  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, directoryExists, getSourceFile } = host;
  const isVirtual = file => file.startsWith(VIRTUAL + path.sep) || file === VIRTUAL;
  host.getCurrentDirectory = () => ROOT;
  host.realpath = file => (isVirtual(file) ? file : fs.realpathSync.native(file));
  host.fileExists = file => (isVirtual(file) ? virtual.has(file) : fileExists(file));
  host.readFile = file => (isVirtual(file) ? virtual.get(file) : readFile(file));
  host.directoryExists = dir => (isVirtual(dir) ? folders.has(dir) : directoryExists(dir));
  host.writeFile = () => {};

  const settings = registry.getKeyForCompilationSettings(options);
  host.getSourceFile = (file, languageVersion, onError) => {
    if (isVirtual(file)) {
      const text = virtual.get(file);
      return text === undefined ? undefined : ts.createSourceFile(file, text, languageVersion);
    }
    if (file === indexFile) {
      return ts.createSourceFile(file, shortIndex(readFile(file), mentioned), languageVersion);
    }
    const key = `${settings}\n${file}`;
    if (!parsed.has(key)) parsed.set(key, getSourceFile(file, languageVersion, onError));
    return parsed.get(key);
  };

  const cache = ts.createModuleResolutionCache(ROOT, name => name, options);
  host.getModuleResolutionCache = () => cache;
  host.resolveModuleNameLiterals = (literals, containing, redirected, opts) =>
    literals.map(literal => {
      const [, submodule] = /^aws-cdk-lib(\/.*)?$/.exec(literal.text) ?? [];
      const name = /^aws-cdk-lib(\/|$)/.test(literal.text) ? library + (submodule ?? '') : literal.text;
      return ts.resolveModuleName(name, containing, opts, host, cache, redirected);
    });

  const program = ts.createProgram({ rootNames: owners.flatMap(owner => owner.roots), options, host });
  const shared = [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics()];

  return owners.map(({ entry, folder, roots }) => {
    const diagnostics = roots.flatMap(file => {
      const source = program.getSourceFile(file);
      return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    });
    const errors = [...shared, ...diagnostics]
      .filter(diagnostic => diagnostic.category === ts.DiagnosticCategory.Error)
      .map(diagnostic => format(diagnostic, folder));
    return { name: entry.name, version, errors };
  });
}

/** `lib/stack.ts(3,7): TS2322: …`, with the path inside the case and no path of this machine. */
function format({ file, start, code, messageText }, folder) {
  const text = ts
    .flattenDiagnosticMessageText(messageText, '\n')
    .replaceAll(folder + path.sep, '')
    .replaceAll(path.join(ROOT, 'node_modules') + path.sep, '');
  if (!file) return `TS${code}: ${text}`;
  const { line, character } = ts.getLineAndCharacterOfPosition(file, start);
  return `${path.relative(folder, file.fileName)}(${line + 1},${character + 1}): TS${code}: ${text}`;
}

const input = readInput();
const results = new Array(input.length);
const groups = new Map();

input.forEach((entry, index) => {
  const version = entry.version ?? 'base';
  try {
    if (!(version in LIBRARIES)) throw new Error(`unknown version: ${version}`);
    const loaded = { ...entry, files: caseFiles(entry) };
    const alone = isAmbient(loaded.files) ? index : '';
    const key = JSON.stringify([version, entry.options ?? {}, alone]);
    if (!groups.has(key)) {
      groups.set(key, { version, options: compilerOptions(entry.options), cases: [], indexes: [] });
    }
    groups.get(key).cases.push(loaded);
    groups.get(key).indexes.push(index);
  } catch (error) {
    results[index] = { name: entry.name, version, errors: [`check-types: ${error.message}`] };
  }
});

for (const { version, options, cases, indexes } of groups.values()) {
  const started = performance.now();
  checkGroup(version, options, cases).forEach((result, i) => (results[indexes[i]] = result));
  if (process.env.WA_FIX_TIMINGS) {
    console.error(`${version}: ${cases.length} cases in ${Math.round(performance.now() - started)} ms`);
  }
}

fs.writeFileSync(1, JSON.stringify(results) + '\n');
