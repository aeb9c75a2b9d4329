// Checks catalogue.txt against the type declarations of installed aws-cdk-lib packages.
//
//   node catalogue/verify.mjs <folder of aws-cdk-lib> [<folder> …]
//
// For every properties interface and generated class of some modules: each property the `.d.ts`
// files declare must be in the catalogue for that release, and each one the catalogue gives that
// release must be declared. Required and optional must agree for the newest listed release.
// Needs only the folders, no network. It shares no code with generate.mjs or the Rust reader.
// Exit: 0 all agree, 1 mismatches (printed, one a line), 2 wrong use.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const MODULES = ['aws-lambda', 'aws-s3', 'aws-apigateway', 'aws-codepipeline', 'aws-codebuild', 'aws-iam', 'aws-logs', 'aws-sqs'];

// Exported, but marked internal in its source and so not described.
const INTERNAL = new Set(['aws_iam.EstimateSizeOptions']);

const folders = process.argv.slice(2);
if (folders.length === 0) {
  console.error('usage: node verify.mjs <folder of aws-cdk-lib> [<folder> …]');
  process.exit(2);
}

// ---- the catalogue ------------------------------------------------------------------------------

const LISTED = readFileSync(join(here, 'versions.txt'), 'utf8').split('\n')
  .map((line) => /^aws-cdk-lib 2\.(\d+)\.\d+$/.exec(line.trim())).filter(Boolean).map((m) => Number(m[1]));

function readSpan(text) {
  const [, from, until, v1] = /^(\d*)(?:-(\d+))?(=?)$/.exec(text);
  return { from: from === '' ? undefined : Number(from), until: until && Number(until), v1: v1 === '=' };
}

const catalogue = new Map();
for (const line of readFileSync(join(here, 'catalogue.txt'), 'utf8').split('\n')) {
  if (!line) continue;
  const [name, head, ...tokens] = line.split(' ');
  const [, kind, , spanText] = /^-?([caielsx])(\+?)(?:@(.*))?$/.exec(head);
  const span = spanText === undefined ? readSpan('0=') : readSpan(spanText);
  const module = name.includes('.') ? name.slice(0, name.indexOf('.')) : '';
  const full = (short) => (short.startsWith('.') ? module + short : short);
  const entry = { kind, span, bases: [], members: new Map() };
  let group = span;
  for (const token of tokens) {
    if (token.startsWith(':')) entry.bases = token.slice(1).split(',').filter(Boolean).map(full);
    else if (token.startsWith('=')) continue;
    else if (token.startsWith('@')) group = readSpan(token.slice(1));
    else {
      const [, member, sign] = /^-?(\w+)([:!]?)/.exec(token);
      entry.members.set(member, { span: group, required: sign === '!' });
    }
  }
  catalogue.set(name, entry);
}

/** Property name -> { span, required } of a struct, inherited ones included, the nearest line first. */
function told(name, into = new Map()) {
  const entry = catalogue.get(name);
  if (!entry) return into;
  for (const [member, m] of entry.members) if (!into.has(member)) into.set(member, m);
  if (entry.kind === 's') for (const base of entry.bases) told(base, into);
  return into;
}

/**
 * true: the release surely has it, false: it surely has not, undefined: between two listed releases
 * one of which has it and the other has not, where the catalogue only gives the later one.
 */
function has(span, minor, patch) {
  const at = (m) => span.from !== undefined && span.from <= m && (span.until === undefined || m < span.until);
  const before = LISTED.filter((m) => m <= minor).at(-1);
  const after = LISTED.find((m) => m > minor);
  const exact = before === minor && patch === 0;
  const [low, high] = [at(before), exact || after === undefined ? at(before) : at(after)];
  return low === high ? low : undefined;
}

// ---- the declarations -----------------------------------------------------------------------------

/** Removes comments and the text of string literals; declarations have no other hiding places. */
const stripped = (text) => text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '');

/** Index just after the `}` that closes the `{` at `open`. */
function closing(text, open) {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '{') depth++;
    else if (text[i] === '}' && --depth === 0) return i + 1;
  }
  return text.length;
}

function declarationFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : declarationFiles(path);
    return entry.name.endsWith('.d.ts') ? [path] : [];
  });
}

/** Exported interfaces outside namespaces: name -> { bases, props: Map name -> required, and whether it is a plain or a hidden one }. */
function readInterfaces(folder) {
  const found = new Map();
  for (const file of declarationFiles(folder)) {
    const text = stripped(readFileSync(file, 'utf8'));
    const pattern = /export (?:declare )?(namespace|interface) (\w+)(?:<[^{]*>)?(?: extends ([^{]+))? ?\{/g;
    for (let m; (m = pattern.exec(text));) {
      const open = pattern.lastIndex - 1;
      const end = closing(text, open);
      pattern.lastIndex = end;
      if (m[1] === 'namespace') continue;
      const props = new Map();
      let plain = true;
      // Walk the members at depth one; a struct has nothing but `readonly` properties.
      for (let i = open + 1; i < end - 1;) {
        let depth = 0;
        let stop = i;
        for (; stop < end - 1; stop++) {
          const c = text[stop];
          if ('{([<'.includes(c)) depth++;
          else if ('})]'.includes(c) || (c === '>' && text[stop - 1] !== '=')) depth--;
          else if (c === ';' && depth === 0) break;
        }
        const member = text.slice(i, stop).trim();
        i = stop + 1;
        if (!member) continue;
        // A leading underscore marks what is internal to the CDK.
        if (/^readonly _/.test(member)) continue;
        const property = /^readonly (\w+)(\??):/.exec(member);
        if (property) props.set(property[1], property[2] === '');
        else plain = false;
      }
      const bases = (m[3] ?? '').split(',').map((base) => base.trim()).filter(Boolean);
      const hidden = /[\\/](private|helpers-internal)[\\/]|canned-metrics\.generated/.test(file);
      found.set(m[2], { bases, props, plain, hidden });
    }
  }
  return found;
}

// ---- comparing ------------------------------------------------------------------------------------

let mismatches = 0;
const mismatch = (text) => { mismatches++; console.log(text); };

for (const folder of folders) {
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const [major, minor, patch] = version.split(/[.-]/).map(Number);
  if (name !== 'aws-cdk-lib' || major !== 2 || minor < LISTED[0]) {
    console.error(`${folder}: ${name} ${version} is no aws-cdk-lib 2.x`);
    process.exit(2);
  }
  let structs = 0;
  let props = 0;
  let open = 0;
  for (const module of MODULES) {
    if (!existsSync(join(folder, module, 'lib'))) { mismatch(`${version}: no module ${module}`); continue; }
    const home = module.replaceAll('-', '_');
    const declared = readInterfaces(join(folder, module, 'lib'));
    for (const [struct, declaration] of declared) {
      const generated = struct.startsWith('Cfn') && catalogue.get(`${home}.${struct.replace(/Props$/, '')}`)?.kind === 'l' && struct.endsWith('Props');
      const key = generated ? `${home}.${struct.replace(/Props$/, '')}` : `${home}.${struct}`;
      const entry = catalogue.get(key);
      if (!entry && declaration.plain && !declaration.hidden && !INTERNAL.has(key) && declaration.props.size > 0) {
        mismatch(`${version}: ${key} is declared, the catalogue does not know it`);
      }
      // Behavioural interfaces are told without their types.
      if (!entry || !(generated || entry.kind === 's') || !declaration.plain) continue;
      structs++;
      if (has(entry.span, minor, patch) === false) mismatch(`${version}: ${key} is declared, the catalogue says it is not there`);
      const known = told(key);
      const here = new Set();
      const walk = (name) => {
        const at = declared.get(name);
        if (!at) return false;
        for (const [prop, required] of at.props) {
          if (here.has(prop)) continue;
          here.add(prop);
          props++;
          const m = known.get(prop);
          const answer = m && has(m.span, minor, patch);
          if (!m) mismatch(`${version}: ${key}.${prop} is declared, the catalogue does not know it`);
          else if (answer === false) mismatch(`${version}: ${key}.${prop} is declared, the catalogue says it is not there`);
          else if (answer === undefined) open++;
          else if (minor === LISTED.at(-1) && required !== m.required) mismatch(`${version}: ${key}.${prop} is ${required ? 'required' : 'optional'}, the catalogue says otherwise`);
        }
        return at.bases.map(walk).every(Boolean);
      };
      const complete = walk(struct);
      // With a base in another module the declared names are not all here: only one direction is checked.
      if (!complete) continue;
      for (const [prop, m] of known) {
        if (!here.has(prop) && has(m.span, minor, patch) === true) mismatch(`${version}: ${key}.${prop} is in the catalogue, not declared`);
      }
    }
    for (const [name, entry] of catalogue) {
      if (!name.startsWith(`${home}.`) || !['s', 'l'].includes(entry.kind) || has(entry.span, minor, patch) !== true) continue;
      const struct = name.slice(home.length + 1) + (entry.kind === 'l' ? 'Props' : '');
      if (!struct.includes('.') && !declared.has(struct)) mismatch(`${version}: ${name} is in the catalogue, ${struct} is not declared`);
    }
  }
  console.log(`${version}: ${structs} properties interfaces, ${props} properties compared, ${open} between listed releases`);
}
process.exit(mismatches ? 1 : 0);
