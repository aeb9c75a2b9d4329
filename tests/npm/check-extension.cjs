// Looks into a packaged extension, loads what it would run in VS Code, and uses its commands. The working directory has
// the packager's node_modules, with the reader of zip files that it brings along.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const Module = require('node:module');
const os = require('node:os');
const path = require('node:path');

const yauzl = require(require.resolve('yauzl', { paths: [process.cwd()] }));

/** The files of an archive, by name. */
function unpack(file) {
  return new Promise((resolve, reject) => {
    const files = {};
    yauzl.open(file, { lazyEntries: true }, (error, zip) => {
      if (error) return reject(error);
      zip.on('entry', (entry) =>
        zip.openReadStream(entry, (failed, stream) => {
          if (failed) return reject(failed);
          const parts = [];
          stream.on('data', (part) => parts.push(part));
          stream.on('end', () => {
            files[entry.fileName] = Buffer.concat(parts);
            zip.readEntry();
          });
        }),
      );
      zip.on('end', () => resolve(files));
      zip.readEntry();
    });
  });
}

/** VS Code as far as the extension's own code uses it; whatever the client library extends is an empty class. */
function editor() {
  const state = { commands: new Map(), errors: [], inputs: [] };
  const known = {
    commands: {
      registerCommand: (name, run) => {
        state.commands.set(name, run);
        return { dispose() {} };
      },
    },
    window: {
      showInputBox: async (options) => {
        state.inputs.push(options);
        return 'an answer';
      },
      showErrorMessage: (text) => state.errors.push(text),
    },
    workspace: { getConfiguration: () => ({ get: (_, fallback) => fallback }) },
  };
  state.api = new Proxy(known, { get: (target, name) => target[name] ?? class {} });
  return state;
}

async function main() {
  const files = await unpack(process.argv[2]);
  const names = Object.keys(files).sort();
  assert.deepStrictEqual(names, [
    '[Content_Types].xml',
    'extension.vsixmanifest',
    'extension/LICENSE.txt',
    'extension/dist/extension.js',
    'extension/package.json',
    'extension/readme.md',
  ]);
  const manifest = JSON.parse(files['extension/package.json']);
  assert.strictEqual(path.posix.join('extension', manifest.main), 'extension/dist/extension.js');

  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wa-fix-'));
  try {
    const program = path.join(folder, 'extension.js');
    fs.writeFileSync(program, files['extension/dist/extension.js']);
    const state = editor();
    const load = Module._load;
    Module._load = (name, ...rest) => (name === 'vscode' ? state.api : load(name, ...rest));
    const extension = require(program);
    const said = [];
    const client = {
      start: async () => said.push('start'),
      stop: async () => said.push('stop'),
      sendRequest: async (method, params) => said.push([method, params]),
    };
    const options = [];
    await extension.activate({ subscriptions: [] }, (...all) => {
      options.push(all);
      return client;
    });
    assert.deepStrictEqual(said, ['start']);
    const [, , server, settings] = options[0];
    assert.deepStrictEqual(server, { command: 'wa-fix', args: ['lsp'] });
    assert.deepStrictEqual(settings.initializationOptions, { asks: true });
    for (const { command } of manifest.contributes.commands) {
      assert.ok(state.commands.has(command), command);
    }

    const question = { key: 'cost_center', ask: 'Which?', example: '4711', proposed: '12' };
    await state.commands.get('wa-fix.askValue')(question);
    assert.strictEqual(state.inputs[0].value, '12');
    await state.commands.get('wa-fix.askReason')({ do: 'accept', app: 0 });
    const execute = 'workspace/executeCommand';
    assert.deepStrictEqual(said.slice(1), [
      [execute, { command: 'wa-fix.addValue', arguments: [{ key: 'cost_center', value: 'an answer' }] }],
      [execute, { command: 'wa-fix.apply', arguments: [{ do: 'accept', app: 0, reason: 'an answer' }] }],
    ]);
    client.sendRequest = async () => {
      throw new Error('no fix waits for it');
    };
    await state.commands.get('wa-fix.askValue')(question);
    assert.match(state.errors[0], /no fix waits/);
    await extension.deactivate();
    assert.strictEqual(said.at(-1), 'stop');
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
