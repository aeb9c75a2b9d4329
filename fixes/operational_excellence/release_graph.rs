//! Part of 5.7: shows the counters of releases on a dashboard that is at hand.

use std::fmt::Write as _;

use crate::detect::Refusal;
use crate::edit::Builder;
use crate::syntax::Syn;

/// A dashboard that a statement of the same block builds: what it is called, and the statement.
fn dashboard<'a>(b: &Builder<'_, 'a>, place: Syn<'a>) -> Option<(String, Syn<'a>)> {
    // One that shows CodePipeline already gets the new counters where it shows the wrong ones.
    if place.file.text.contains("AWS/CodePipeline") {
        return None;
    }
    let sites = b.model.sites(place.file).iter();
    sites.filter(|site| b.model.builds(site, "aws_cloudwatch.Dashboard")).find_map(|site| {
        let statement = site.statement().filter(|own| own.parent() == place.parent())?;
        Some((site.bound()?, statement))
    })
}

/// Draws a graph for each pipeline, by its id and how it is called behind a place: how many of its releases a day succeed and fail.
/// Nothing where no dashboard is at hand.
///
/// # Errors
/// Those of naming classes of the CDK.
pub(super) fn draw<'a>(
    b: &mut Builder<'_, 'a>,
    place: Syn<'a>,
    pipelines: &[(String, String)],
) -> Result<(), Refusal> {
    let props =
        ["statistic", "period"].iter().all(|prop| b.model.has_prop("aws_cloudwatch.GraphWidget", prop));
    let Some((dashboard, statement)) = dashboard(b, place).filter(|_| props) else { return Ok(()) };
    let widget = b.cdk(place, "aws_cloudwatch.GraphWidget")?;
    let duration = b.cdk(place, "Duration")?;
    let metric = b.cdk(place, "aws_cloudwatch.Metric")?;
    let mut code = String::new();
    for (label, pipeline) in pipelines {
        let plain = label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        let of = if pipelines.len() > 1 && plain { format!(" of {label}") } else { String::new() };
        let _ = write!(
            code,
            "{dashboard}.addWidgets(\n  new {widget}({{\n    title: 'Deployments{of}',\n    statistic: 'Sum',\n    period: {duration}.days(1),\n    \
             left: ['SucceededDeployments', 'FailedDeployments'].map(\n      metricName =>\n        new {metric}({{\n          namespace: \
             'Deployments',\n          metricName,\n          dimensionsMap: {{ PipelineName: {pipeline}.pipelineName }},\n        }})\n    ),\n  \
             }})\n);\n"
        );
    }
    let later = if statement.start() > place.start() { statement } else { place };
    b.insert_after(later, code.trim_end());
    Ok(())
}
