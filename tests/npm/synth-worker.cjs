// Runs CDK programs one after the other: node synth-worker.cjs <batch.json> <answers.jsonl>
//
// A program may leave its app to be synthesised when the process ends. Node announces that end with `beforeExit`
// whenever nothing is left to do, and goes on if something new turns up; so each case waits for that event, and
// the next case is the something new.

'use strict';

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const ts = require('typescript');

const [batchFile, answersFile] = process.argv.slice(2);
const batch = JSON.parse(fs.readFileSync(batchFile, 'utf8'));

// TypeScript is translated when it is loaded, so that the folders (some are assets) stay as they were written.
Module._extensions['.ts'] = (module, file) => {
  const { outputText, diagnostics } = ts.transpileModule(fs.readFileSync(file, 'utf8'), {
    fileName: file,
    reportDiagnostics: true,
    compilerOptions: {
      module: ts.ModuleKind.CommonJS,
      target: ts.ScriptTarget.ES2022,
      esModuleInterop: true,
    },
  });
  const [first] = diagnostics ?? [];
  if (first) throw new SyntaxError(`TS${first.code}: ${ts.flattenDiagnosticMessageText(first.messageText, '\n')}`);
  module._compile(outputText, file);
};

class ProgramExit extends Error {
  constructor(code) {
    super(`process.exit(${code ?? ''})`);
  }
}

// What the programs print is of no interest, and a program must not end the whole batch.
console.log = console.info = console.warn = console.error = () => {};
process.exit = code => {
  throw new ProgramExit(code);
};

const environment = { ...process.env };
let current;
let next = 0;

process.on('uncaughtException', error => fail(error));
process.on('unhandledRejection', error => fail(error));
process.on('beforeExit', () => {
  if (!current) return;
  // The apps' own listeners come after this one: let them synthesise first.
  setImmediate(finish);
});

start();

function start() {
  const job = batch[next++];
  if (!job) return;
  current = { job, error: null, nag: [], stages: new Set() };

  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, environment, {
    CDK_DEFAULT_ACCOUNT: '123456789012',
    CDK_DEFAULT_REGION: 'us-east-1',
    // NodejsFunction builds its bundling image even where bundling is off: let that do nothing.
    CDK_DOCKER: 'true',
    ...job.env,
    CDK_OUTDIR: job.out,
    CDK_CONTEXT_JSON: JSON.stringify(job.context),
  });

  try {
    process.chdir(job.folder);
    const require = Module.createRequire(path.join(job.folder, 'package.json'));
    const cdk = require('aws-cdk-lib');
    if (job.nag) watchForNag(cdk, require('cdk-nag'));

    const program = require(path.resolve(job.folder, job.entry));
    if (typeof program.build === 'function') {
      const app = program.build.length > 0 ? new cdk.App() : undefined;
      Promise.resolve(program.build(app)).catch(fail);
    }
  } catch (error) {
    fail(error);
  }
  // Something to do, or `beforeExit` would not come again.
  setImmediate(() => {});
}

/** Adds the AwsSolutions rules to each app, and to each stage in it, just before it is synthesised. */
function watchForNag(cdk, { AwsSolutionsChecks }) {
  const prototype = cdk.Stage.prototype;
  if (!prototype.synthBeforeNag) prototype.synthBeforeNag = prototype.synth;
  const { nag, stages } = current;
  const nothing = () => {};
  const logger = {
    onNonCompliance: ({ ruleId, resource }) => nag.push({ rule: ruleId, resource: resource.node.path }),
    onCompliance: nothing,
    onSuppressed: nothing,
    onError: nothing,
    onSuppressedError: nothing,
    onNotApplicable: nothing,
  };
  prototype.synth = function (options) {
    // An app's aspects stop at its stages.
    if (!stages.has(this)) {
      stages.add(this);
      cdk.Aspects.of(this).add(new AwsSolutionsChecks({ reports: false, additionalLoggers: [logger] }));
    }
    return prototype.synthBeforeNag.call(this, options);
  };
}

function fail(error) {
  if (!current) throw error;
  // process.exit(0) is a program that is done.
  if (error instanceof ProgramExit && /\(0?\)$/.test(error.message)) return;
  current.error ??= error instanceof Error ? error.message : String(error);
}

function finish() {
  const { job, nag } = current;
  let { error } = current;
  let templates = {};
  if (!error) {
    try {
      templates = readTemplates(job.out);
    } catch (problem) {
      error = problem.message;
    }
  }
  error &&= error.replaceAll(job.folder + path.sep, '').replaceAll(__dirname + path.sep, '');
  nag.sort((a, b) => a.rule.localeCompare(b.rule) || a.resource.localeCompare(b.resource));
  const answer = { index: job.index, ok: !error, error, templates: error ? {} : templates, nag };
  fs.appendFileSync(answersFile, JSON.stringify(answer) + '\n');

  // Forget the program: its modules, its listeners, its patched methods.
  for (const file of Object.keys(require.cache)) {
    if (file.startsWith(job.folder + path.sep)) delete require.cache[file];
  }
  process.listeners('beforeExit').slice(1).forEach(listener => process.removeListener('beforeExit', listener));
  if (job.nag) {
    const { Stage } = Module.createRequire(path.join(job.folder, 'package.json'))('aws-cdk-lib');
    if (Stage.prototype.synthBeforeNag) Stage.prototype.synth = Stage.prototype.synthBeforeNag;
  }
  fs.rmSync(job.out, { recursive: true, force: true });
  current = undefined;
  start();
}

/** All stacks of the cloud assembly and of the assemblies nested in it, by stack name. */
function readTemplates(folder, templates = {}) {
  const manifestFile = path.join(folder, 'manifest.json');
  if (!fs.existsSync(manifestFile)) throw new Error('the program synthesised nothing');
  const { artifacts = {} } = JSON.parse(fs.readFileSync(manifestFile, 'utf8'));
  for (const [id, { type, properties, displayName }] of Object.entries(artifacts)) {
    if (type === 'aws:cloudformation:stack') {
      const name = properties.stackName ?? displayName ?? id;
      // The same stack in two Regions: the artifact's id tells them apart.
      const key = name in templates ? id : name;
      templates[key] = JSON.parse(fs.readFileSync(path.join(folder, properties.templateFile), 'utf8'));
    } else if (type === 'cdk:cloud-assembly') {
      readTemplates(path.join(folder, properties.directoryName), templates);
    }
  }
  return templates;
}
