//! All integration tests, as one program: one link instead of many.
#![expect(unreachable_pub, reason = "a test program has no outside")]

mod npm;
mod report_diff;
mod rules;
mod sarif_schema;
mod support;
