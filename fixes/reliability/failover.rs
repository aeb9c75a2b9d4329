//! The name that an app answers to in two regions, and Route 53's switch between them.

use crate::detect::Refusal;
use crate::edit::{Builder, no_fix};
use crate::model::Site;
use crate::rule::{AnswerType, Question};
use crate::syntax::{Parsed, Syn};

/// The hosted zone.
pub(super) const HOSTED_ZONE: Question = Question {
    key: "hosted_zone_id",
    ask: "Which hosted zone of Route 53 holds the name that both regions answer to?",
    kind: AnswerType::Text,
    example: "Z0123456789EXAMPLE",
};
/// The zone's domain.
pub(super) const ZONE_NAME: Question = Question {
    key: "zone_name",
    ask: "What is the domain of that zone?",
    kind: AnswerType::Domain,
    example: "example.com",
};
/// The shared name.
pub(super) const RECORD_NAME: Question = Question {
    key: "record_name",
    ask: "Under which name shall both regions answer?",
    kind: AnswerType::Domain,
    example: "api.example.com",
};

/// The name that both regions answer to.
pub(super) struct Failover {
    zone: String,
    zone_name: String,
    record: String,
    health: &'static str,
    api: String,
}

impl Failover {
    /// The failover of a stack's one REST API, where all values are given.
    pub(super) fn of<'a>(
        b: &mut Builder<'_, 'a>,
        apis: &[Site<'a>],
        at: Syn<'a>,
    ) -> Result<Option<Self>, Refusal> {
        let given = |key: &str| b.value_if_given(key).map(str::to_owned);
        let (Some(zone), Some(zone_name), Some(record)) =
            (given(HOSTED_ZONE.key), given(ZONE_NAME.key), given(RECORD_NAME.key))
        else {
            return Ok(None);
        };
        let [api] = apis else { return Ok(None) };
        let path = |word: &str| {
            b.model.app.files.iter().any(|file| file.text().is_ok_and(|text| text.contains(word)))
        };
        let health = if path("/health") || path("'health'") { "/health" } else { "/" };
        let api = b.reach(api, at).ok_or_else(|| {
            no_fix(
                "the API is built where its stack cannot name it",
                "keep it in a public field, then run again",
            )
        })?;
        Ok(Some(Self { zone, zone_name, record, health, api }))
    }

    /// The constant of the app's entry that holds the name, where there is a second region.
    pub(super) fn declared(&self, second: &str) -> String {
        format!(
            "const failover = {second}\n  ? {{\n      hostedZoneId: '{}',\n      zoneName: '{}',\n      recordName: '{}',\n      healthPath: \
             '{}',\n    }}\n  : undefined;",
            self.zone, self.zone_name, self.record, self.health
        )
    }

    /// Builds the region's half of the pair.
    pub(super) fn build<'a>(
        &self,
        b: &mut Builder<'_, 'a>,
        class: Syn<'a>,
        at: Syn<'a>,
        (failover, qualifier): (&str, &str),
        interface: &'a Parsed,
    ) -> Result<(), Refusal> {
        let file = b.construct_file(class, "regional-failover")?;
        let id = b.fresh_id(at, &["Failover", "RegionalFailover"]);
        let known = failover.replace("?.", ".");
        b.insert_after(
            at,
            &format!(
                "if ({failover}) {{\n  new RegionalFailover(this, '{id}', {{\n    {},\n    role: {} ? 'SECONDARY' : 'PRIMARY',\n    \
                 ...{known},\n  }});\n}}",
                if self.api == "api" { "api".to_owned() } else { format!("api: {}", self.api) },
                qualifier.replace("?.", ".")
            ),
        );
        if std::ptr::eq(interface, class.file) {
            b.import_local(class.file, &file.specifier, "RegionalFailover, RegionalFailoverConfig");
        } else {
            b.import_local(class.file, &file.specifier, "RegionalFailover");
            b.import_local(interface, &b.specifier_of(interface, &file.path), "RegionalFailoverConfig");
        }
        let text = b.style(class.file).adapt(include_str!("regional_failover.ts"), "").replace("\r\n", "\n");
        b.create(file.path, &text);
        Ok(())
    }
}
