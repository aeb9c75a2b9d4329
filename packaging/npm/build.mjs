// Lays out the npm packages of wa-fix, ready for `npm pack` and `npm publish`: the command, and the binary of one platform.
//
//   node packaging/npm/build.mjs --binary target/release/wa-fix --out dist [--platform linux-x64]
//
// writes dist/wa-fix and dist/linux-x64. Run it once for each platform; what it writes to dist/wa-fix is the same each time.
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const top = join(here, '..', '..');
const platforms = JSON.parse(readFileSync(join(here, 'platforms.json'), 'utf8'));

const { values } = parseArgs({
  options: {
    binary: { type: 'string' },
    out: { type: 'string' },
    platform: { type: 'string', default: `${process.platform}-${process.arch}` },
  },
});
const { binary, out, platform } = values;
if (!binary || !out) {
  fail('--binary and --out are needed: node packaging/npm/build.mjs --binary target/release/wa-fix --out dist');
}
if (!Object.hasOwn(platforms, platform)) {
  fail(`there is no package for ${platform}; --platform is one of ${Object.keys(platforms).join(', ')}`);
}
if (!statSync(binary, { throwIfNoEntry: false })?.isFile()) {
  fail(`${binary} is no file; build it with cargo build --release --locked`);
}

/** The package of Cargo.toml: one version, one description, one license. */
const manifest = readFileSync(join(top, 'Cargo.toml'), 'utf8').split(/^\[(?!package\])/m)[0];
const field = (name) => {
  const found = new RegExp(`^${name} = "([^"]*)"$`, 'm').exec(manifest);
  return found?.[1] ?? fail(`Cargo.toml has no ${name}`);
};
const version = field('version');
const common = { version, license: field('license'), engines: { node: '>=18' } };

// The command: a few lines of JavaScript that start the binary.
const command = join(out, 'wa-fix');
cpSync(join(here, 'wa-fix'), command, { recursive: true });
chmodSync(join(command, 'bin', 'wa-fix.js'), 0o755);
copyFileSync(join(here, 'platforms.json'), join(command, 'bin', 'platforms.json'));
copyFileSync(join(top, 'LICENSE'), join(command, 'LICENSE'));
write(join(command, 'package.json'), {
  name: 'wa-fix',
  description: field('description'),
  ...common,
  keywords: ['aws', 'cdk', 'well-architected', 'lint', 'codemod'],
  bin: { 'wa-fix': 'bin/wa-fix.js' },
  files: ['bin'],
  // npm installs the one that fits the machine.
  optionalDependencies: Object.fromEntries(Object.keys(platforms).map((name) => [`@wa-fix/${name}`, version])),
});

// The binary.
const { os, cpu, libc } = platforms[platform];
const program = os === 'win32' ? 'wa-fix.exe' : 'wa-fix';
const home = join(out, platform);
mkdirSync(join(home, 'bin'), { recursive: true });
copyFileSync(binary, join(home, 'bin', program));
chmodSync(join(home, 'bin', program), 0o755);
copyFileSync(join(top, 'LICENSE'), join(home, 'LICENSE'));
writeFileSync(join(home, 'README.md'), `The program of [wa-fix](https://www.npmjs.com/package/wa-fix) for ${platform}.\n`);
write(join(home, 'package.json'), {
  name: `@wa-fix/${platform}`,
  description: `wa-fix for ${platform}`,
  ...common,
  os: [os],
  cpu: [cpu],
  ...(libc ? { libc: [libc] } : {}),
  files: ['bin'],
  preferUnplugged: true,
});
console.log(`${command}\n${home}`);

function write(file, data) {
  writeFileSync(file, `${JSON.stringify(data, null, 2)}\n`);
}

function fail(why) {
  console.error(`build.mjs: ${why}`);
  process.exit(2);
}
