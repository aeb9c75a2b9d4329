#!/usr/bin/env node
// Writes the skeleton of a rule: module, query, fixtures of the three kinds, and its lines in the registry.
// node tools/new-rule.mjs 1.2 security bucket-allows-plain-http
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PILLARS = ['security', 'reliability', 'performance', 'cost', 'operational_excellence', 'sustainability'];
const VARIANTS = ['Security', 'Reliability', 'Performance', 'Cost', 'OperationalExcellence', 'Sustainability'];

const [id, pillar, name] = process.argv.slice(2);
const top = process.env.WA_FIX_TOP ?? join(dirname(fileURLToPath(import.meta.url)), '..');

function fail(message) {
  console.error(`new-rule: ${message}`);
  process.exit(2);
}

if (!/^\d+\.\d+$/.test(id ?? '') || !PILLARS.includes(pillar) || !/^[a-z][a-z0-9-]+$/.test(name ?? '')) {
  fail(`usage: node tools/new-rule.mjs ID PILLAR NAME, such as 1.2 security bucket-allows-plain-http\n  pillars: ${PILLARS.join(', ')}`);
}
const stem = `wa_${id.replace('.', '_')}_${name.replaceAll('-', '_')}`;
const variant = VARIANTS[PILLARS.indexOf(pillar)];
const [major, minor] = id.split('.').map(Number);

function write(path, text) {
  const file = join(top, path);
  if (existsSync(file)) fail(`${path} is there already`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`wrote ${path}`);
}

function addLine(path, line, isNeighbour) {
  const file = join(top, path);
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [`//! Pillar \`${pillar}\`.`, '', ''];
  if (lines.includes(line)) return;
  const neighbours = lines.map((text, at) => [text, at]).filter(([text]) => isNeighbour(text));
  const after = neighbours.filter(([text]) => text < line).at(-1) ?? neighbours[0]?.map((v, i) => (i ? v - 1 : v));
  lines.splice(after ? after[1] + 1 : lines.length - 1, 0, line);
  writeFileSync(file, lines.join('\n'));
  console.log(`added a line to ${path}`);
}

write(`queries/${pillar}/${stem}.scm`, `; ${id}: what is wrong, in one line.
((new_expression) @construct
  (#construct? @construct "aws_sqs.Queue")
  (#lacks-prop? @construct "enforceSSL"))
`);
write(`fixes/${pillar}/${stem}.rs`, `//! # ${id} Title
//!
//! ## What is wrong
//!
//! ## What the fix does
//!
//! ## Before
//! \`\`\`ts
//! \`\`\`
//!
//! ## After
//! \`\`\`ts
//! \`\`\`
//!
//! ## When it stays silent
//!
//! ## When it refuses
//!
//! ## What to know before deploying
//!
//! ## Other checkers

use crate::detect::{Findings, Match};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "${id}",
    also: &[],
    name: "${name}",
    title: "",
    pillar: Pillar::${variant},
    impact: Impact::Medium,
    tier: Tier::Safe,
    practice: "",
    clears: &[],
    raises: &[],
    asks: &[],
    order: ${major * 100 + minor * 10},
    source: include_str!("${stem}.rs"),
    query: include_str!("../../queries/${pillar}/${stem}.scm"),
};

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let construct = m.site("construct")?;
    let label = construct.label();
    out.report(&META, m.model, construct.node, format!("{label} …"))
        .fix(format!("… {label}"), move |b| b.set_prop(&construct, "enforceSSL", "true"));
    Some(())
}
`);
for (const kind of ['fix', 'keep', 'refuse']) {
  write(`tests/fixtures/${id}/${kind}/first.ts`, `import * as cdk from 'aws-cdk-lib';
import { Construct } from 'constructs';

export class ${kind[0].toUpperCase()}${kind.slice(1)}Stack extends cdk.Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
  }
}
`);
}
write(`tests/fixtures/${id}/refuse/first.toml`, 'expect = "no-fix"\nreason = ""\n');
addLine(`fixes/${pillar}/mod.rs`, `pub mod ${stem};`, (text) => text.startsWith('pub mod wa_'));
addLine('fixes/mod.rs', `pub mod ${pillar};`, (text) => text.startsWith('pub mod '));
addLine('fixes/mod.rs', `    ${pillar}::${stem}::RULE,`, (text) => /^ {4}\w+::wa_/.test(text));
