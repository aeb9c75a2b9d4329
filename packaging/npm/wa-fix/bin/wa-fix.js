#!/usr/bin/env node
// Starts the program of this platform, and is as if it were not there: streams, exit code and signals go through.
'use strict';
const { spawn } = require('node:child_process');
const platforms = require('./platforms.json');

const platform = `${process.platform}-${process.arch}`;
const child = spawn(program(), process.argv.slice(2), { stdio: 'inherit' });
child.on('error', (error) => fail(`the program cannot be started: ${error.message}; install wa-fix again`));

// A terminal sends Ctrl-C to the program as well; this process only has to outlive it.
const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP'];
for (const signal of forwarded) {
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on('exit', (code, signal) => {
  if (signal === null) {
    process.exit(code);
  }
  // Ends as the program did, so that a shell sees the same.
  forwarded.forEach((name) => process.removeAllListeners(name));
  process.kill(process.pid, signal);
});

/** The program's place. */
function program() {
  if (!Object.hasOwn(platforms, platform)) {
    const known = Object.keys(platforms).join(', ');
    fail(`there is no package for ${platform}, only for ${known}; build it from source: cargo install --locked --path .`);
  }
  const end = process.platform === 'win32' ? '.exe' : '';
  const name = `@wa-fix/${platform}`;
  try {
    return require.resolve(`${name}/bin/wa-fix${end}`);
  } catch {
    const libc = platforms[platform].libc;
    if (libc === 'glibc' && !process.report?.getReport().header.glibcVersionRuntime) {
      fail(`the package for ${platform} needs glibc, and this system has another C library (Alpine?); build it from source`);
    }
    fail(`the package ${name} is not installed; install wa-fix again, and without --omit=optional or --no-optional`);
  }
}

function fail(why) {
  console.error(`wa-fix: ${why}`);
  process.exit(2);
}
