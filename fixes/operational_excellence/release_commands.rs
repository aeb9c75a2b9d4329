//! The commands that start a deployment of `CodeDeploy`, in the place of one that moves the alias itself.

use super::scripted_release::{APPLICATION, GROUP, Release, Words};
use crate::edit::Builder;
use crate::syntax::ShellWord;

/// The commands that start a deployment and wait for its end, as shell text.
fn shell(words: &Words) -> [String; 3] {
    let Words { function, alias, version, global } = words;
    let quoted = |word: &ShellWord| {
        if word.text.starts_with(['"', '\'']) { word.text.clone() } else { format!("\"{}\"", word.text) }
    };
    // The AppSpec is written by printf: jq 1.6 turns the number 0.0 into 0.
    [
        format!(
            "CURRENT=$(aws lambda get-alias --function-name {} --name {} --query FunctionVersion --output text{global})",
            function.text, alias.text
        ),
        format!(
            "APPSPEC=$(printf '{{\"version\":0.0,\"Resources\":[{{\"release\":{{\"Type\":\"AWS::Lambda::Function\",\"Properties\":\
             {{\"Name\":\"%s\",\"Alias\":\"%s\",\"CurrentVersion\":\"%s\",\"TargetVersion\":\"%s\"}}}}}}]}}' {} {} \"$CURRENT\" {})",
            quoted(function),
            quoted(alias),
            quoted(version)
        ),
        format!(
            "if [ \"$CURRENT\" != {} ]; then DEPLOYMENT=$(aws deploy create-deployment --application-name ${APPLICATION} \
             --deployment-group-name ${GROUP} --revision \"revisionType=AppSpecContent,appSpecContent={{content='$APPSPEC'}}\" \
             --query deploymentId --output text{global}) && aws deploy wait deployment-successful --deployment-id $DEPLOYMENT{global}; fi",
            quoted(version)
        ),
    ]
}

/// A shell text as a literal: with backticks where it has quotes itself.
fn quoted(shell: &str) -> String {
    if shell.contains(['\'', '"', '\\']) {
        let text = shell.replace('\\', "\\\\").replace('`', "\\`").replace("${", "\\${");
        return format!("`{text}`");
    }
    format!("'{shell}'")
}

/// Puts the deployment in the place of the command.
pub(super) fn start_deployment<'a>(b: &mut Builder<'_, 'a>, release: &Release<'a>) {
    const WHY: &str = "// CodeDeploy moves the alias, and back when the alarm rings";
    let items = shell(&release.words).map(|text| quoted(&text));
    let file = release.literal.file;
    let above = file.text.get(..release.literal.start()).unwrap_or_default();
    let alone = above.rsplit('\n').next().is_some_and(|line| line.trim().is_empty());
    if alone {
        b.replace(release.literal, &format!("{WHY}\n{}", items.join(",\n")));
        return;
    }
    let mut lines = Vec::new();
    for item in release.list.children() {
        if item == release.literal {
            lines.push(WHY.to_owned());
            lines.extend(items.iter().map(|item| format!("{item},")));
        } else {
            lines.push(format!("{},", item.text()));
        }
    }
    b.replace(release.list, &format!("[\n  {}\n]", lines.join("\n  ")));
}
