//! `test`: custom rules on their own cases.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};

use super::args::{Color, TestArgs};
use super::config::{Config, NAME};
use super::run::{Environment, Rules};
use crate::custom::CustomRule;
use crate::custom::cases::{Case, DOCUMENTATION, Kind, Verdict, try_out};
use crate::edit::FileChange;
use crate::plan::RuleSet;
use crate::report::{Look, diff};

/// Tries custom rules on their cases; with `--update`, writes what the fixes make into them.
pub(super) fn test(args: &TestArgs, environment: &Environment) -> Result<u8> {
    let cwd = std::env::current_dir()?;
    let config =
        Config::load(Config::locate(args.config.as_deref(), &cwd).as_deref()).map_err(anyhow::Error::msg)?;
    let rules = Rules::of(&config)?;
    let chosen = chosen(args, &rules)?;
    let set = RuleSet::new(rules.all.iter().copied()).map_err(anyhow::Error::msg)?;
    let terminal = std::io::stdout().is_terminal();
    let look = Look { colour: environment.colour(Color::Auto, terminal), width: 100 };
    let mut out: Vec<u8> = Vec::new();
    let (mut cases, mut failed, mut updatable) = (0, 0, 0);
    for rule in &chosen {
        writeln!(out, "{} ({})  {}", rule.rule.meta.name, rule.rule.meta.id, rule.path)?;
        let tried: Vec<(&Case, Verdict)> =
            rule.cases.iter().map(|case| (case, try_out(rule, case, &set))).collect();
        if let Some(lack) = lack(rule) {
            failed += 1;
            writeln!(out, "  FAIL  it has {lack}")?;
        }
        for (case, verdict) in &tried {
            cases += 1;
            updatable += usize::from(verdict.made.is_some());
            let passes = verdict.problems.is_empty() || (args.update && verdict.made.is_some());
            failed += usize::from(!passes);
            print(&mut out, rule, case, verdict, (args.update, look))?;
        }
        if args.update {
            update(rule, &tried)?;
        }
    }
    let passed = |count: usize| if count == 1 { "1 case".to_owned() } else { format!("{count} cases") };
    let of = if chosen.len() == 1 { "1 rule".to_owned() } else { format!("{} rules", chosen.len()) };
    writeln!(
        out,
        "{} of {of}: {}",
        passed(cases),
        if failed == 0 {
            "all pass".to_owned()
        } else {
            format!("{failed} fail{}", if failed == 1 { "s" } else { "" })
        }
    )?;
    if updatable > 0 && !args.update {
        writeln!(out, "`wa-fix test --update` writes what the fixes make; read it before you commit it")?;
    }
    std::io::stdout().lock().write_all(&out)?;
    Ok(u8::from(failed > 0))
}

/// What a rule should be tried on and is not.
fn lack(rule: &CustomRule) -> Option<&'static str> {
    let shown = rule.cases.iter().any(|case| case.name == DOCUMENTATION);
    if rule.has_fix && !shown {
        return Some("no `## Before` and `## After`; write them, they are what explain shows");
    }
    rule.cases.is_empty().then_some("no case; write one under `## Cases`")
}

/// The custom rules that were named, or all.
fn chosen<'r>(args: &TestArgs, rules: &'r Rules) -> Result<Vec<&'r CustomRule>> {
    if rules.custom.is_empty() {
        bail!(
            "there is no custom rule; name a folder of them as `custom` under [rules] in {NAME}; `wa-fix explain {}` is the guide",
            crate::custom::GUIDE_NAME
        );
    }
    for selector in &args.rules {
        if !rules.custom.iter().any(|rule| rule.rule.meta.is_named_by(selector)) {
            let why = if rules.all.iter().any(|rule| rule.meta.is_named_by(selector)) {
                format!("`{selector}` is a rule of wa-fix, which has its tests; name a custom rule")
            } else {
                rules.unknown(selector)
            };
            return Err(anyhow!(why));
        }
    }
    let named = |rule: &&CustomRule| {
        args.rules.is_empty() || args.rules.iter().any(|selector| rule.rule.meta.is_named_by(selector))
    };
    Ok(rules.custom.iter().filter(named).collect())
}

fn print(
    out: &mut Vec<u8>,
    rule: &CustomRule,
    case: &Case,
    verdict: &Verdict,
    (update, look): (bool, Look),
) -> Result<()> {
    let name = match case.kind {
        Kind::Fixes if case.name == DOCUMENTATION => case.name.clone(),
        kind => format!("{kind:?}: {}", case.name),
    };
    if verdict.problems.is_empty() {
        writeln!(out, "  ok    {name}")?;
        return Ok(());
    }
    let word = if update && verdict.made.is_some() { "new " } else { "FAIL" };
    writeln!(out, "  {word}  {name} (line {})", case.line)?;
    for problem in &verdict.problems {
        writeln!(out, "        {problem}")?;
    }
    if let (Some(made), Some(after)) = (&verdict.made, &case.after) {
        let change = FileChange {
            file: rule.file.clone(),
            path: format!("{}: {name}", rule.path),
            before: Some(Arc::from(after.text.as_bytes())),
            after: Arc::from(made.as_bytes()),
        };
        diff::write(&[change], 3, look, out)?;
    }
    Ok(())
}

/// Writes the results into the cases that lack them.
fn update(rule: &CustomRule, tried: &[(&Case, Verdict)]) -> Result<()> {
    let mut places: Vec<(&std::ops::Range<usize>, &String)> = tried
        .iter()
        .filter_map(|(case, verdict)| Some((&case.after.as_ref()?.span, verdict.made.as_ref()?)))
        .collect();
    if places.is_empty() {
        return Ok(());
    }
    places.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut text = rule.text.clone();
    let crlf = text.contains("\r\n");
    for (span, made) in places {
        text.replace_range(span.clone(), &if crlf { made.replace('\n', "\r\n") } else { made.clone() });
    }
    crate::write::output(&rule.file, text.as_bytes())?;
    Ok(())
}
