//! What CI is told to do: the files are valid, and the commands in them do what they say, in a real repository.
#![expect(clippy::disallowed_methods, reason = "tests read and prepare files")]

use crate::project::Project;
use crate::run::JOB;
use crate::support::top;

fn text(path: &str) -> String {
    std::fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The commands of a text that begin with `wa-fix scan` or `wa-fix apply`, up to their end.
fn commands(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with(['#', '/']))
        .filter_map(|line| {
            let at = line.find("wa-fix scan").or_else(|| line.find("wa-fix apply"))?;
            Some(line.get(at..)?.trim_end_matches(['\'', '"']).to_owned())
        })
        .filter(|command| command.contains("--") && !command.contains('`'))
        .collect()
}

/// Runs a command as the file has it, with the program on the PATH.
fn shell(project: &Project, command: &str) -> crate::run::Ran {
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_wa-fix")).parent().unwrap().display().to_string();
    project.shell(&format!(
        "PATH={bin}:$PATH CI_MERGE_REQUEST_DIFF_BASE_SHA=main SINCE=main ARGUMENTS= PATHS=.; export PATH; {command}"
    ))
}

#[test]
fn every_yaml_is_valid() {
    let files = [
        "action.yml",
        ".pre-commit-hooks.yaml",
        "examples/ci/github.yml",
        "examples/ci/gitlab-ci.yml",
        "examples/ci/buildspec.yml",
    ];
    for file in files {
        let text = text(file);
        let parsed = wa_fix::syntax::parse(file, text.into(), wa_fix::source::Language::Yaml).unwrap();
        assert!(wa_fix::syntax::first_error(&parsed).is_none(), "{file}");
    }
}

#[test]
fn every_command_finds_what_changed() {
    let files = [
        "action.yml",
        "examples/ci/gitlab-ci.yml",
        "examples/ci/buildspec.yml",
        "examples/ci/Jenkinsfile",
        "examples/ci/github.yml",
    ];
    for file in files {
        let commands = commands(&text(file));
        assert!(!commands.is_empty(), "{file}");
        for command in commands {
            let project = Project::job();
            project.put("lib/more.ts", JOB.replace("JobStack", "MoreStack"));
            // CodeBuild's example lists from medium on; its app has a finding of that impact.
            project.put("lib/bucket.ts", "import * as cdk from 'aws-cdk-lib';\nimport * as s3 from 'aws-cdk-lib/aws-s3';\nexport class B extends cdk.Stack {\n  constructor(scope: any, id: string) {\n    super(scope, id);\n    new s3.Bucket(this, 'B');\n  }\n}\n");
            let code = i32::from(!command.contains("--exit-zero"));
            let ran = shell(&project, &command).ends(code);
            let written = command.split("--output ").nth(1).map(|rest| rest.split(' ').next().unwrap());
            let out = written
                .map_or_else(|| ran.text().to_owned(), |name| String::from_utf8(project.read(name)).unwrap());
            assert!(out.contains("lib/bucket.ts"), "{file}: {command}: {out}");
        }
    }
}

#[test]
fn the_hook_stops_what_is_staged_and_nothing_else() {
    let hooks = text(".pre-commit-hooks.yaml");
    let entry = hooks.lines().find_map(|line| line.trim().strip_prefix("entry: ")).unwrap();
    let project = Project::job();
    shell(&project, entry).ends(0);
    project.put("lib/more.ts", JOB.replace("JobStack", "MoreStack"));
    shell(&project, entry).ends(0);
    project.git(&["add", "--all"]);
    let ran = shell(&project, entry).ends(1);
    assert!(ran.text().contains("lib/more.ts(") && !ran.text().contains("lib/job.ts"), "{ran}");
}

#[test]
fn the_campaign_script_changes_and_succeeds_where_findings_remain() {
    let guide = text("docs/ci.md");
    let script = guide.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let project = Project::job();
    std::fs::write(project.outside().join("campaign.sh"), script).unwrap();
    shell(&project, "sh ../campaign.sh").ends(0);
    assert!(String::from_utf8(project.read("lib/job.ts")).unwrap().contains("deadLetter"));
    shell(&project, "cd / && cd - && sh ../campaign.sh").ends(0);
    let batch = guide.split("run: ").nth(1).unwrap().lines().next().unwrap();
    let other = Project::job();
    shell(&other, batch).ends(0);
    assert!(String::from_utf8(other.read("lib/job.ts")).unwrap().contains("deadLetter"));
}

/// The scripts of a file's `run: |` blocks.
fn scripts(text: &str) -> Vec<String> {
    let mut scripts = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(indent) = line.find("run: |") else { continue };
        let mut script = String::new();
        while let Some(next) =
            lines.next_if(|next| next.trim().is_empty() || next.find(|c| c != ' ') > Some(indent))
        {
            script.push_str(next.trim_start());
            script.push('\n');
        }
        scripts.push(script);
    }
    scripts
}

/// As a runner does it: one shell for each step, that stops at the first failure.
#[test]
fn the_action_installs_what_is_not_there_and_scans() {
    let [install, scan] = &scripts(&text("action.yml"))[..] else { panic!("two steps") };
    let project = Project::job();
    project.put("lib/more.ts", JOB.replace("JobStack", "MoreStack"));
    let bin = project.outside().join("bin");
    std::fs::create_dir(&bin).unwrap();
    // A cargo that has compiled it already.
    let cargo = format!(
        "#!/bin/sh\necho \"$@\" >> {0}/asked\nln -s {1} {0}/wa-fix\n",
        bin.display(),
        env!("CARGO_BIN_EXE_wa-fix")
    );
    std::fs::write(bin.join("cargo"), cargo).unwrap();
    std::fs::set_permissions(bin.join("cargo"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let step = |script: &str, since: &str, arguments: &str| {
        let file = project.outside().join("step.sh");
        std::fs::write(&file, script).unwrap();
        project.shell(&format!(
            "export PATH={}:/usr/bin:/bin GITHUB_ACTION_PATH=/actions/wa-fix SINCE='{since}' ARGUMENTS='{arguments}' PATHS='lib .'; \
             bash --noprofile --norc -eo pipefail {}",
            bin.display(),
            file.display()
        ))
    };
    step(install, "", "").ends(0);
    step(install, "", "").ends(0);
    let asked = std::fs::read_to_string(bin.join("asked")).unwrap();
    assert_eq!(asked, "install --locked --path /actions/wa-fix\n");
    let ran = step(scan, "", "--select 2.5 --min-impact low").ends(1);
    assert!(ran.text().contains("file=lib/job.ts") && ran.text().contains("file=lib/more.ts"), "{ran}");
    let ran = step(scan, "HEAD", "").ends(1);
    assert!(!ran.text().contains("file=lib/job.ts") && ran.text().contains("file=lib/more.ts"), "{ran}");
    step(scan, "no such revision", "").ends(2);
}

/// A campaign goes on where findings remain, and stops where wa-fix could not do its work.
#[test]
fn a_campaign_hears_of_failures() {
    let guide = text("docs/ci.md");
    let script = guide.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let project = Project::job();
    std::fs::write(project.outside().join("campaign.sh"), script).unwrap();
    let mine = JOB.replace("JobStack", "MineStack");
    project.put("lib/job.ts", &mine);
    shell(&project, "sh ../campaign.sh").ends(2).says("uncommitted changes");
    assert_eq!(project.read("lib/job.ts"), mine.as_bytes());
    // A plan made by one job, reviewed, and applied by another.
    let steps: Vec<&str> =
        guide.split("```sh\n").nth(2).unwrap().split("```").next().unwrap().lines().collect();
    project.git(&["checkout", "--quiet", "--", "."]);
    for step in steps {
        shell(&project, step).ends(0);
    }
    assert!(String::from_utf8(project.read("lib/job.ts")).unwrap().contains("deadLetter"));
}

#[test]
fn the_dockerfile_names_what_the_repository_has() {
    let text = text("Dockerfile");
    assert!(text.contains("cargo install --locked --path . --root /out"));
    let wanted = text.split("rust:").nth(1).unwrap().split('-').next().unwrap();
    let manifest = std::fs::read_to_string(top().join("Cargo.toml")).unwrap();
    assert!(
        manifest.contains(&format!("rust-version = \"{wanted}\"")),
        "the image's Rust is not that of the manifest"
    );
}
