//! The `wa-fix` command.
#![allow(warnings)]
use wa_fix::plan::*;
fn main() {
    let t = std::time::Instant::now();
    let root = std::fs::canonicalize(std::env::args().nth(1).unwrap()).unwrap();
    let cwd = std::env::current_dir().unwrap();
    let d = wa_fix::source::discover(
        &[root.clone()],
        &wa_fix::source::DiscoverOptions { cwd, tests: false, exclude: vec![] },
    );
    let apps = find_apps(d.files, &[root]);
    let rules = RuleSet::new(wa_fix::fixes::ALL.iter().copied()).unwrap();
    let mut values = wa_fix::edit::Values::new();
    for a in std::env::args().skip(2) {
        if let Some((k, v)) = a.split_once('=') {
            values.insert(k.into(), v.into());
        }
    }
    let o = Options { tier: wa_fix::rule::Tier::Scaffold, values, within: vec![], jobs: 2 };
    let p = plan(&apps, &rules, &o);
    for f in &p.findings {
        eprintln!("{}:{} {} {:?} {}", f.path, f.range.start.line, f.rule.id, f.outcome, f.message);
    }
    for c in &p.changes {
        let b = c.before.as_ref().map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default();
        let a = String::from_utf8_lossy(&c.after).into_owned();
        print!(
            "{}",
            similar::TextDiff::from_lines(&b, &a)
                .unified_diff()
                .header(&format!("a/{}", c.path), &format!("b/{}", c.path))
        );
    }
    eprintln!("{:?} {} files {} findings", t.elapsed(), p.files, p.findings.len());
}
