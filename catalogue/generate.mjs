// Writes catalogue.txt: which classes, properties and members each release of aws-cdk-lib has.
//
//   node catalogue/generate.mjs            fetch what is missing, write catalogue.txt
//   node catalogue/generate.mjs --check    exit 1 when catalogue.txt differs from what would be written
//
// Source of every fact: the jsii description (`.jsii`) inside the published npm packages of
// versions.txt, plus the hand-kept lines of extra.txt. The format is described in README.md.
// Needs Node 18+, npm and tar; descriptions are kept in WA_FIX_CATALOGUE_CACHE (default: a
// folder under the system's temporary directory), about 6 MB a release, tarballs are not kept.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const cache = process.env.WA_FIX_CATALOGUE_CACHE ?? join(tmpdir(), 'wa-fix-catalogue');

// Modules that describe the CDK's own files, not what a stack can contain.
const SKIPPED_MODULES = new Set(['cloud_assembly_schema', 'cx_api', 'interfaces', 'mixins', 'integ_tests', 'yaml_cfn']);
// Long lists of names no remedy picks from; together they would be a twentieth of the file.
const SKIPPED_NAMES = new Set(['TimeZone', 'aws_bedrock.FoundationModelIdentifier', 'aws_config.ManagedRuleIdentifiers',
  'aws_config.ResourceType', 'aws_ec2.WindowsVersion']);
// Members every class has since 2.19x for property injection; no program writes them.
const SKIPPED_MEMBERS = new Set(['PROPERTY_INJECTION_ID']);

function listedReleases() {
  return readFileSync(join(here, 'versions.txt'), 'utf8')
    .split('\n').map((line) => line.trim()).filter((line) => line && !line.startsWith('#'))
    .map((line) => { const [pkg, version] = line.split(' '); return { pkg, version, minor: Number(version.split('.')[1]) }; });
}

// ---- fetching -------------------------------------------------------------------------------

/** `@aws-cdk/aws-glue-alpha` -> `aws-cdk-aws-glue-alpha`, as npm names the tarball. */
const fileStem = (pkg) => pkg.replace('@', '').replace('/', '-');

/** The gzipped jsii description of one release, from the cache or the registry. */
function fetchDescription({ pkg, version }) {
  const kept = join(cache, `${fileStem(pkg)}-${version}.jsii.gz`);
  if (existsSync(kept)) return readFileSync(kept);
  console.error(`fetching ${pkg}@${version}`);
  const work = join(cache, 'download');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  execFileSync('npm', ['pack', `${pkg}@${version}`, '--silent', '--cache', join(work, 'npm')],
    { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] });
  const tarball = join(work, `${fileStem(pkg)}-${version}.tgz`);
  const big = { maxBuffer: 1 << 30 };
  const plain = execFileSync('tar', ['-xzOf', tarball, 'package/.jsii'], big);
  // Later releases compress the description; `.jsii` then only names the file that holds it.
  const gz = plain.length < 4096 ? execFileSync('tar', ['-xzOf', tarball, 'package/.jsii.gz'], big) : gzipSync(plain);
  rmSync(work, { recursive: true, force: true });
  writeFileSync(`${kept}.part`, gz);
  renameSync(`${kept}.part`, kept);
  return gz;
}

// ---- reading one release ----------------------------------------------------------------------

const deprecated = (x) => x.docs?.deprecated !== undefined || x.docs?.stability === 'deprecated';
const isNestedInL1 = (name) => /(^|\.)Cfn\w+\./.test(name);
const moduleOf = (name) => (name.includes('.') ? name.slice(0, name.indexOf('.')) : '');

/**
 * `aws-cdk-lib.aws_s3.Bucket` -> `aws_s3.Bucket`, `aws-cdk-lib.Stack` -> `Stack`,
 * `@aws-cdk/aws-lambda-go-alpha.GoFunction` -> `aws_lambda_go_alpha.GoFunction`, others as they are.
 */
const shortName = (fqn) => fqn.replace(/^(aws-cdk-lib|monocdk)\./, '')
  .replace(/^@aws-cdk\/([\w-]+)/, (_, name) => name.replaceAll('-', '_'));

const PRIMITIVES = { string: 'string', number: 'number', boolean: 'boolean', json: 'any', any: 'any', date: 'date' };

/** A jsii type reference in the catalogue's spelling, names still in full. */
function typeText(type) {
  if (type.primitive) return PRIMITIVES[type.primitive];
  if (type.fqn) return shortName(type.fqn);
  if (type.collection) {
    const of = typeText(type.collection.elementtype);
    return type.collection.kind === 'array' ? `[${of}]` : `{${of}}`;
  }
  if (type.union) return [...new Set(type.union.types.map(typeText))].sort().join('|');
  // Intersections appear on a few newer parameters; the first part is the interface that matters.
  if (type.intersection) return typeText(type.intersection.types[0]);
  throw new Error(`unknown type ${JSON.stringify(type)}`);
}

/** Names of this release the catalogue leaves out; see "What is left out" in README.md. */
function isSkipped(name, types, prefix) {
  if (SKIPPED_MODULES.has(moduleOf(name)) || SKIPPED_NAMES.has(name) || isNestedInL1(name)) return true;
  const reference = /^(.*\.)(?:I(\w+)Ref|(\w+)Reference)$/.exec(name);
  if (!reference) return false;
  const [, module, fromInterface, fromStruct] = reference;
  const resource = fromInterface ?? fromStruct;
  // Generated resource references: IBucketRef returns a BucketReference.
  return Boolean(types[`${prefix}${module}I${resource}Ref`] && types[`${prefix}${module}${resource}Reference`]);
}

/** One release as Map name -> { kind, bases, own, ... } with members declared by that type itself. */
function readRelease(description) {
  const prefix = `${description.name}.`;
  const found = new Map();
  for (const type of Object.values(description.types)) {
    const name = shortName(type.fqn);
    if (isSkipped(name, description.types, prefix)) continue;
    const kept = (fqn) => !isSkipped(shortName(fqn), description.types, prefix);
    const own = new Map();
    const facts = { name, own, deprecated: deprecated(type), bases: [] };
    if (type.kind === 'enum') {
      facts.kind = 'e';
      for (const m of type.members) own.set(m.name, { deprecated: deprecated(m), shape: '' });
    } else if (type.kind === 'interface' && type.datatype) {
      facts.kind = 's';
      facts.bases = (type.interfaces ?? []).filter(kept).map(shortName);
      for (const p of type.properties ?? []) {
        own.set(p.name, { deprecated: deprecated(p), shape: (p.optional ? ':' : '!') + typeText(p.type) });
      }
    } else {
      facts.kind = type.kind === 'interface' ? 'i' : type.abstract ? 'a' : 'c';
      facts.bases = [...(type.base ? [type.base] : []), ...(type.interfaces ?? []).filter(kept)].map(shortName);
      facts.hasBase = Boolean(type.base);
      for (const p of type.properties ?? []) {
        if (!p.protected && !SKIPPED_MEMBERS.has(p.name)) own.set(p.name, { deprecated: deprecated(p), shape: p.static ? '^' : '' });
      }
      for (const m of type.methods ?? []) {
        if (!m.protected && !m.name.startsWith('_')) own.set(m.name, { deprecated: deprecated(m), shape: m.static ? ')' : '(' });
      }
      facts.initializer = type.initializer?.parameters ?? (type.initializer ? [] : undefined);
    }
    found.set(name, facts);
  }
  const isStruct = (name) => found.get(name)?.kind === 's';
  // Constructors are inherited; the properties parameter is the last one whose type is a struct.
  for (const facts of found.values()) {
    if (facts.kind !== 'c' && facts.kind !== 'a') continue;
    let at = facts;
    while (at && at.initializer === undefined && at.hasBase) at = found.get(at.bases[0]);
    const parameters = at?.initializer ?? [];
    for (let index = parameters.length - 1; index >= 0; index--) {
      const type = parameters[index].type;
      if (type.fqn && isStruct(shortName(type.fqn))) { facts.props = { struct: shortName(type.fqn), index }; break; }
    }
  }
  // A generated (L1) class has its properties written on its own line.
  for (const facts of [...found.values()]) {
    if (facts.kind !== 'c' || facts.bases[0] !== 'CfnResource' || !/(^|\.)Cfn\w+$/.test(facts.name)) continue;
    if (facts.props?.struct !== `${facts.name}Props` || facts.props.index !== 2) continue;
    facts.kind = 'l';
    facts.own = new Map();
    for (const [name, p] of flatten(facts.props.struct, found)) facts.own.set(name, { deprecated: false, shape: l1Shape(p.shape) });
    found.delete(facts.props.struct);
    facts.bases = [];
    facts.props = undefined;
  }
  return found;
}

/** L1 properties keep what is cheap: required or not, and the type when it is a plain one. */
function l1Shape(shape) {
  const type = shape.slice(1).split('|').filter((t) => t !== 'IResolvable').join('|');
  const letter = { string: 's', number: 'n', boolean: 'b', '[string]': 'a', '{string}': 'm' }[type] ?? '';
  return shape[0] === '!' ? `!${letter}` : letter && `:${letter}`;
}

/** Every member of a type, inherited ones included; the nearest declaration wins. */
function flatten(name, found, seen = new Map()) {
  const facts = found.get(name);
  if (!facts) return seen;
  for (const [member, what] of facts.own) if (!seen.has(member)) seen.set(member, what);
  for (const base of facts.bases) flatten(base, found, seen);
  return seen;
}

/** The hand-kept lines of extra.txt, `name kind [:bases] [=struct#index] members…`, as facts like readRelease's. */
function readExtras() {
  return readFileSync(join(here, 'extra.txt'), 'utf8').split('\n').filter((line) => line.trim() && !line.startsWith('#')).map((line) => {
    const [name, kind, ...rest] = line.trim().split(/ +/);
    const facts = { name, kind, bases: [], own: new Map(), hasBase: false, deprecated: false, extra: true };
    for (const token of rest) {
      if (token.startsWith(':')) {
        facts.bases = token.slice(1).split(',').filter(Boolean);
        facts.hasBase = (kind === 'c' || kind === 'a') && !token.startsWith(':,');
      } else if (token.startsWith('=')) {
        const [struct, index] = token.slice(1).split('#');
        facts.props = { struct, index: Number(index) };
      } else {
        const [, member, shape] = /^(\w+)(.*)$/.exec(token);
        facts.own.set(member, { deprecated: false, shape });
      }
    }
    return facts;
  });
}

// ---- joining the releases -----------------------------------------------------------------------

/**
 * When something was there: `from`..`to` are indices of listed v2 releases, -1 for none. Where it
 * went away and came back, only the last run counts: a release is never said to have what it lacks.
 */
class Span {
  v1 = false; from = -1; to = -1;
  seen(index) {
    if (index < 0) { this.v1 = true; return; }
    if (this.from < 0 || this.to !== index - 1) { if (this.from >= 0) Span.gaps++; this.from = index; }
    this.to = index;
  }
  /** There in every listed v2 release. */
  static always(v1, releaseCount) {
    const span = new Span();
    span.v1 = v1; span.from = 0; span.to = releaseCount - 1;
    return span;
  }
  /** This span as far as `other` lasted. */
  within(other) {
    const span = new Span();
    span.v1 = this.v1 && other.v1;
    span.from = Math.max(this.from, other.from);
    span.to = Math.min(this.to, other.to);
    if (this.from < 0 || other.from < 0 || span.to < span.from) { span.from = span.to = -1; }
    return span;
  }
  same(other) { return this.v1 === other.v1 && this.from === other.from && this.to === other.to; }
}
Span.gaps = 0;

function joinReleases(releases) {
  const joined = new Map();
  // Part of every release: what the hand-kept lines and the constructs package say.
  const everywhere = releases.filter((r) => r.pkg === 'constructs')
    .flatMap((r) => [...readRelease(JSON.parse(gunzipSync(fetchDescription(r)))).values()].map((facts) => ({ ...facts, extra: true })));
  everywhere.push(...readExtras());
  const minors = releases.filter((r) => r.pkg === 'aws-cdk-lib').map((r) => r.minor);
  if (minors.some((minor, i) => i > 0 && minor <= minors[i - 1])) throw new Error('versions.txt: not oldest first');
  let index = 0;
  for (const release of releases) {
    if (release.pkg === 'constructs') continue;
    const alpha = release.pkg.startsWith('@');
    const at = release.pkg === 'monocdk' ? -1 : index;
    if (release.pkg === 'aws-cdk-lib') index++;
    const found = readRelease(JSON.parse(gunzipSync(fetchDescription(release))));
    if (!alpha) {
      for (const facts of everywhere) {
        if (found.has(facts.name)) throw new Error(`${facts.name} is described by ${release.pkg} itself`);
        found.set(facts.name, facts);
      }
    }
    for (const facts of found.values()) {
      let record = joined.get(facts.name);
      if (!record) joined.set(facts.name, record = { span: new Span(), members: new Map(), extra: alpha || facts.extra });
      record.span.seen(at);
      if (alpha) record.span = Span.always(false, minors.length);
      record.facts = facts;
      for (const [member, what] of flatten(facts.name, found)) {
        let m = record.members.get(member);
        if (!m) record.members.set(member, m = { span: new Span() });
        m.span.seen(at);
        if (alpha) m.span = record.span;
        m.deprecated = what.deprecated;
        m.shape = what.shape;
      }
    }
  }
  return { joined, minors };
}

// ---- writing --------------------------------------------------------------------------------------

const LETTERS = { string: 's', number: 'n', boolean: 'b', any: 'j', date: 'd' };

/** Shortens every name inside a type or a list of names, as seen from a line of module `home`. */
function shorten(text, home) {
  return text.replace(/[\w.-]+/g, (name) => {
    if (LETTERS[name]) return LETTERS[name];
    return home && moduleOf(name) === home ? name.slice(home.length) : name;
  });
}

function writeCatalogue({ joined, minors }) {
  const last = minors.length - 1;
  const spanText = (span) => {
    const v1 = span.v1 ? '=' : '';
    if (span.from < 0) return `@${v1}`;
    return `@${span.from === 0 ? 0 : minors[span.from]}${span.to < last ? `-${minors[span.to + 1]}` : ''}${v1}`;
  };
  const wholeText = '@0=';

  /** The first base, in the order the reader asks them, that knows the member. */
  const inherited = (record, member) => {
    for (const base of record.facts.bases) {
      const there = joined.get(base)?.members.get(member);
      if (there) return there;
    }
    return undefined;
  };

  /** Members a line must state itself: those its bases, as they are now, do not already tell right. */
  const ownMembers = (record) => {
    const own = [...record.members].filter(([member, m]) => {
      const there = inherited(record, member);
      return !there || !there.span.within(record.span).same(m.span) || (record.facts.kind === 's' && there.shape !== m.shape);
    });
    // What a base had before this type extended it was never here: written with an empty span.
    for (const base of record.facts.bases) {
      for (const [member, m] of joined.get(base)?.members ?? []) {
        if (record.members.has(member) || own.some(([name]) => name === member)) continue;
        const there = inherited(record, member).span.within(record.span);
        if (there.v1 || there.from >= 0) own.push([member, { ...m, span: new Span() }]);
      }
    }
    return own;
  };

  const groups = (entries, record) => {
    const bySpan = new Map();
    const home = spanText(record.span);
    for (const [member, m] of entries) {
      const key = spanText(m.span);
      if (!bySpan.has(key)) bySpan.set(key, []);
      const shape = record.facts.kind === 's' ? m.shape[0] + shorten(m.shape.slice(1), moduleOf(record.facts.name)) : m.shape;
      bySpan.get(key).push(`${m.deprecated ? '-' : ''}${member}${shape}`);
    }
    const order = (key) => (key === home ? -2 : Number(/^@(\d*)/.exec(key)[1] || -1));
    return [...bySpan.keys()].sort((a, b) => order(a) - order(b) || (a < b ? -1 : 1))
      .map((key) => [...(key === home ? [] : [key]), ...bySpan.get(key).sort(byBytes((t) => t.replace(/^-/, '')))].join(' '));
  };

  const lines = [];
  for (const [name, record] of joined) {
    const { facts } = record;
    const home = moduleOf(name);
    const span = spanText(record.span);
    const parts = [name, (facts.deprecated ? '-' : '') + facts.kind + (record.extra ? '+' : '') + (span === wholeText ? '' : span)];
    if (facts.bases.length) {
      const none = (facts.kind === 'c' || facts.kind === 'a') && !facts.hasBase ? ',' : '';
      parts.push(`:${none}${shorten(facts.bases.join(','), home)}`);
    }
    if (facts.props) {
      const usual = facts.props.struct === `${name}Props` && facts.props.index === 2;
      parts.push(usual ? '=' : `=${shorten(facts.props.struct, home)}#${facts.props.index}`);
    }
    parts.push(...groups(ownMembers(record), record));
    lines.push(parts.join(' '));
  }
  lines.sort(byBytes((line) => line.slice(0, line.indexOf(' '))));
  return `${lines.join('\n')}\n`;
}

/** Byte order, not the order of the machine's language. All names are ASCII. */
function byBytes(key) {
  return (a, b) => { const [x, y] = [key(a), key(b)]; return x < y ? -1 : x > y ? 1 : 0; };
}

// ---- main -----------------------------------------------------------------------------------------

const releases = listedReleases();
const world = joinReleases(releases);
const text = writeCatalogue(world);
const target = join(here, 'catalogue.txt');
console.error(`${releases.length} releases, ${world.joined.size} names, ${text.length} bytes, ${Span.gaps} interrupted spans`);
if (process.argv.includes('--check')) {
  if (!existsSync(target) || readFileSync(target, 'utf8') !== text) { console.error('catalogue.txt is not what generate.mjs writes'); process.exit(1); }
} else {
  writeFileSync(target, text);
}
