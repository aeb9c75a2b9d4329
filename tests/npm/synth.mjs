// Synthesises many small CDK programs. See README.md for the JSON forms.
//
// Cases are copied to a temporary folder per library version, whose node_modules links to that version, and a few
// child processes (synth-worker.cjs) run them one after the other. A case that ends or blocks its process costs
// only itself: the rest of its batch continues in a new one.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { LIBRARIES, ROOT, SKIPPED, caseFiles, readInput } from './shared.mjs';

const WORKERS = Math.max(1, Math.min(4, os.availableParallelism()));
const CASE_TIMEOUT_MS = Number(process.env.WA_FIX_SYNTH_TIMEOUT_MS ?? 120_000);
const MODULES = path.join(ROOT, 'node_modules');

const temp = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'wa-fix-synth-')));
const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  fs.rmSync(temp, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

/** A folder whose packages are those of one library version. */
function versionFolder(version) {
  const folder = path.join(temp, version);
  const modules = path.join(folder, 'node_modules');
  if (fs.existsSync(folder)) return folder;
  fs.mkdirSync(modules, { recursive: true });
  fs.symlinkSync(path.join(MODULES, LIBRARIES[version]), path.join(modules, 'aws-cdk-lib'), 'junction');
  fs.symlinkSync(path.join(MODULES, 'constructs'), path.join(modules, 'constructs'), 'junction');
  // cdk-nag finds the library beside itself: another version's constructs would be strangers to it.
  if (version === 'base') {
    fs.symlinkSync(path.join(MODULES, 'cdk-nag'), path.join(modules, 'cdk-nag'), 'junction');
  }
  // Most apps start with this import, and it does nothing that matters here.
  fs.mkdirSync(path.join(modules, 'source-map-support'));
  fs.writeFileSync(path.join(modules, 'source-map-support', 'register.js'), '');
  return folder;
}

/** Writes the case into the temporary folder; returns what the worker needs to know. */
function prepare(entry, index) {
  const version = entry.version ?? 'base';
  if (!(version in LIBRARIES)) throw new Error(`unknown version: ${version}`);
  if (entry.nag && version !== 'base') throw new Error('nag: only with version "base"');

  const folder = path.join(versionFolder(version), 'cases', String(index));
  fs.mkdirSync(folder, { recursive: true });
  if (entry.dir) {
    fs.cpSync(entry.dir, folder, {
      recursive: true,
      filter: file => path.relative(entry.dir, file) === '' || !SKIPPED.has(path.basename(file)),
    });
  }
  const files = entry.dir && !entry.files ? {} : caseFiles({ files: entry.files });
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }

  const cdkJson = readJson(path.join(folder, 'cdk.json'));
  return {
    index,
    folder,
    out: path.join(temp, 'out', String(index)),
    entry: entry.entry ?? entryPoint(cdkJson.app, files),
    context: {
      // Never build an asset with Docker or esbuild: fixtures have neither.
      'aws:cdk:bundling-stacks': [],
      ...cdkJson.context,
      ...readJson(path.join(folder, 'cdk.context.json')),
      ...entry.context,
    },
    env: entry.env ?? {},
    nag: Boolean(entry.nag),
  };
}

function readJson(file) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
}

/** The program: what cdk.json says, else the only file, else the only file in bin. */
function entryPoint(command, files) {
  const named = /(\S+\.[jt]s)\b/.exec(command ?? '')?.[1];
  const sources = Object.keys(files).filter(name => name.endsWith('.ts') && !name.endsWith('.d.ts'));
  const programs = sources.length === 1 ? sources : sources.filter(name => /^bin\/[^/]+$/.test(name));
  if (named) return named;
  if (programs.length !== 1) throw new Error('entry: say which file is the program');
  return programs[0];
}

/** Runs the batch in one child process; resolves with the answers it gave, in order. */
function runBatch(batch) {
  const id = batch[0].index;
  const batchFile = path.join(temp, `batch-${id}.json`);
  const answersFile = path.join(temp, `answers-${id}.jsonl`);
  fs.writeFileSync(batchFile, JSON.stringify(batch));
  fs.writeFileSync(answersFile, '');

  return new Promise(resolve => {
    const log = [];
    let reason;
    const child = spawn(process.execPath, [path.join(ROOT, 'synth-worker.cjs'), batchFile, answersFile], {
      cwd: temp,
      env: cleanEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    children.add(child);
    child.stderr.on('data', chunk => {
      log.push(chunk);
      if (log.length > 50) log.shift();
    });

    // The time limit is for one case: each answer starts it again.
    const kill = () => {
      reason = `no result after ${CASE_TIMEOUT_MS / 1000} s`;
      child.kill('SIGKILL');
    };
    let timer = setTimeout(kill, CASE_TIMEOUT_MS);
    const watcher = fs.watch(answersFile, () => {
      clearTimeout(timer);
      timer = setTimeout(kill, CASE_TIMEOUT_MS);
    });

    child.on('close', (code, signal) => {
      clearTimeout(timer);
      watcher.close();
      children.delete(child);
      const answers = fs.readFileSync(answersFile, 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line));
      const text = Buffer.concat(log).toString().trim().slice(-2000);
      resolve({ answers, reason: reason ?? `the program ended its process (${signal ?? code})${text && `: ${text}`}` });
    });
  });
}

/** Only what Node needs: a program must give the same templates on every machine. */
function cleanEnvironment() {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'SYSTEMROOT'];
  return Object.fromEntries(kept.filter(name => name in process.env).map(name => [name, process.env[name]]));
}

const input = readInput();
const results = new Array(input.length);
const queues = {};

input.forEach((entry, index) => {
  const version = entry.version ?? 'base';
  results[index] = { name: entry.name, version, ok: false, error: null, templates: {}, nag: [] };
  try {
    const job = prepare(entry, index);
    (queues[version] ??= []).push(job);
  } catch (error) {
    results[index].error = error.message;
  }
});

// Even batches, so that no worker is left with most of the work. A worker loads one version only.
const total = Object.values(queues).reduce((sum, queue) => sum + queue.length, 0);
const size = Math.max(1, Math.ceil(total / WORKERS));
const batches = Object.values(queues).flatMap(queue =>
  Array.from({ length: Math.ceil(queue.length / size) }, (_, i) => queue.slice(i * size, (i + 1) * size)),
);

async function work() {
  for (let batch = batches.shift(); batch; batch = batches.shift()) {
    const { answers, reason } = await runBatch(batch);
    for (const { index, ...answer } of answers) Object.assign(results[index], answer);
    if (answers.length < batch.length) {
      results[batch[answers.length].index].error = reason;
      const rest = batch.slice(answers.length + 1);
      if (rest.length > 0) batches.unshift(rest);
    }
  }
}

await Promise.all(Array.from({ length: WORKERS }, work));
fs.writeFileSync(1, JSON.stringify(results) + '\n');
