// Starts `wa-fix lsp` and asks a person what the server cannot ask by itself.
'use strict';

const vscode = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

/** What wa-fix reads. */
const FILES = '**/*.{ts,tsx,mts,cts,js,jsx,mjs,cjs,json,yml,yaml,sh,md,toml}';

/** @type {LanguageClient | undefined} */
let client;

/** Makes a client; a test has another. */
let make = (...options) => new LanguageClient(...options);

/** The answer to a question of a fix, kept in wa-fix.toml by the server. */
async function askValue({ key, ask, example, proposed }) {
  const value = await vscode.window.showInputBox({
    title: `wa-fix: ${key}`,
    prompt: ask,
    placeHolder: example,
    value: proposed ?? '',
    ignoreFocusOut: true,
  });
  if (value?.trim()) {
    await run('wa-fix.addValue', { key, value });
  }
}

/** The reason for which a finding is accepted; the server writes it into a comment. */
async function askReason(action) {
  const reason = await vscode.window.showInputBox({
    title: 'wa-fix: accept this finding',
    prompt: 'Why is it right as it is? The reason stands in the comment.',
    ignoreFocusOut: true,
  });
  if (reason?.trim()) {
    await run('wa-fix.apply', { ...action, reason });
  }
}

/** Runs a command of the server. */
async function run(command, argument) {
  try {
    await client.sendRequest('workspace/executeCommand', { command, arguments: [argument] });
  } catch (error) {
    vscode.window.showErrorMessage(`wa-fix: ${error.message}`);
  }
}

function start() {
  const settings = vscode.workspace.getConfiguration('wa-fix');
  const command = settings.get('path', 'wa-fix');
  client = make(
    'wa-fix',
    'wa-fix',
    { command, args: ['lsp', ...settings.get('arguments', [])] },
    {
      documentSelector: [{ scheme: 'file', pattern: FILES }],
      initializationOptions: { asks: true },
    },
  );
  return client.start().catch((error) => {
    vscode.window.showErrorMessage(
      `wa-fix does not start (${error.message}). Install it, or name the program in the setting wa-fix.path.`,
    );
  });
}

async function activate(context, other = make) {
  make = other;
  context.subscriptions.push(
    vscode.commands.registerCommand('wa-fix.askValue', askValue),
    vscode.commands.registerCommand('wa-fix.askReason', askReason),
    vscode.commands.registerCommand('wa-fix.fixFile', () =>
      vscode.commands.executeCommand('editor.action.sourceAction', {
        kind: 'source.fixAll.wa-fix',
        apply: 'first',
      }),
    ),
    vscode.commands.registerCommand('wa-fix.restart', async () => {
      await deactivate();
      await start();
    }),
  );
  await start();
}

async function deactivate() {
  await client?.stop();
  client = undefined;
}

module.exports = { activate, deactivate };
